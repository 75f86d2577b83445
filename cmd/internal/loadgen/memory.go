package loadgen

import (
	"context"
	"fmt"
)

// memory asks each endpoint for its resident memory, in bytes.
func (r *idleRun) memory(ctx context.Context) ([]float64, error) {
	out := make([]float64, len(r.cfg.Endpoints))
	for i, e := range r.cfg.Endpoints {
		s := scrape(ctx, &r.cfg.Target, e)
		if s.err != nil {
			return nil, s.err
		}
		resident := s.value(metricResident)
		if resident == nil {
			return nil, fmt.Errorf("%s: %w %s", e, errNoMetric, metricResident)
		}
		out[i] = *resident
	}
	return out, nil
}
