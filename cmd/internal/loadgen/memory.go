package loadgen

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// residentMetric is what a node's metrics call its resident memory.
const residentMetric = "process_resident_memory_bytes"

var errNoMetric = errors.New("the metrics do not tell " + residentMetric)

// memory asks each endpoint for its resident memory, in bytes.
func (r *idleRun) memory(ctx context.Context) ([]float64, error) {
	out := make([]float64, len(r.cfg.Endpoints))
	for i, e := range r.cfg.Endpoints {
		only := r.cfg.Target
		only.Endpoints = []string{e}
		c := newConn(ctx, &only, 0)
		status, body, err := c.exchange("GET", []byte(wire.PathMetrics), "", nil)
		if err == nil && status != 200 {
			err = problem(status, body)
		}
		if err == nil {
			out[i], err = resident(body)
		}
		c.close()
		if err != nil {
			return nil, fmt.Errorf("read metrics of %s: %w", e, err)
		}
	}
	return out, nil
}

// resident finds the metric in the text format of Prometheus.
func resident(metrics []byte) (float64, error) {
	for line := range bytes.Lines(metrics) {
		value, ok := bytes.CutPrefix(line, []byte(residentMetric+" "))
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(string(bytes.TrimSpace(value)), 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", residentMetric, err)
		}
		return n, nil
	}
	return 0, errNoMetric
}
