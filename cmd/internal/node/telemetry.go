package node

import (
	"fmt"

	gometrics "github.com/hashicorp/go-metrics"
	sink "github.com/hashicorp/go-metrics/prometheus"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// ConnectTelemetry brings what hashicorp/raft and hashicorp/memberlist measure,
// and the Go runtime and the process, to a registry. Raft and memberlist know
// only one sink for a process: a program calls this once, tests that run
// several nodes do not.
func ConnectTelemetry(reg *prometheus.Registry) error {
	toPrometheus, err := sink.NewPrometheusSinkFrom(sink.PrometheusOpts{Registerer: reg})
	if err != nil {
		return fmt.Errorf("prepare metrics of raft and memberlist: %w", err)
	}
	config := gometrics.DefaultConfig("rollcall")
	config.EnableHostname = false
	config.EnableRuntimeMetrics = false
	if _, err := gometrics.NewGlobal(config, toPrometheus); err != nil {
		return fmt.Errorf("collect metrics of raft and memberlist: %w", err)
	}
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return nil
}
