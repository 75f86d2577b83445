package loadgen

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// What a node's metrics call what the driver tells of it.
const (
	metricStart      = "process_start_time_seconds"
	metricCPU        = "process_cpu_seconds_total"
	metricResident   = "process_resident_memory_bytes"
	metricHeap       = "go_memstats_heap_alloc_bytes"
	metricGoroutines = "go_goroutines"
	metricApplied    = "rollcall_store_applied_index"
	metricHeapInUse  = "go_memstats_heap_inuse_bytes"
	metricFiles      = "process_open_fds"
	metricLog        = "rollcall_store_log_bytes"
	metricImage      = "rollcall_store_image_bytes"
	metricLeases     = "rollcall_leases"
)

var metricNames = []string{
	metricStart, metricCPU, metricResident, metricHeap, metricGoroutines, metricApplied,
	metricHeapInUse, metricFiles, metricLog, metricImage, metricLeases,
}

// scrapeMax bounds the wait for one node's metrics.
const scrapeMax = 5 * time.Second

var errNoMetric = errors.New("the metrics do not tell")

// sample is what the metrics of one node told at a moment.
type sample struct {
	at     time.Time
	values map[string]float64 // of metricNames; what a node does not tell is missing
	err    error              // nothing was told at all
}

// scrape asks one endpoint for its metrics.
func scrape(ctx context.Context, t *Target, endpoint string) sample {
	only := *t
	only.Endpoints, only.Timeout = []string{endpoint}, min(t.Timeout, scrapeMax)
	c := newConn(ctx, &only, 0)
	defer c.close()
	status, body, err := c.exchange("GET", []byte(wire.PathMetrics), "", nil)
	s := sample{at: time.Now()}
	switch {
	case err != nil:
		s.err = err
	case status != 200:
		s.err = problem(status, body)
	default:
		s.values, s.err = parseMetrics(body)
	}
	if s.err != nil {
		s.err = fmt.Errorf("read metrics of %s: %w", endpoint, s.err)
	}
	return s
}

// parseMetrics picks those of metricNames out of the text format of Prometheus.
// None of them has labels.
func parseMetrics(text []byte) (map[string]float64, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("no metrics of Prometheus: %w", err)
	}
	values := make(map[string]float64)
	for _, name := range metricNames {
		if m := families[name].GetMetric(); len(m) == 1 {
			values[name] = m[0].GetCounter().GetValue() + m[0].GetGauge().GetValue() + m[0].GetUntyped().GetValue()
		}
	}
	return values, nil
}
