package raftstore

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are those of one store. hashicorp/raft's own go to the global sink
// of hashicorp/go-metrics, which is the program's to set.
type metrics struct {
	registerer prometheus.Registerer
	all        []prometheus.Collector

	calls     *prometheus.HistogramVec
	snapshots *prometheus.CounterVec
	duration  prometheus.Histogram
	free      prometheus.Gauge
	logSize   prometheus.Gauge
}

func newMetrics(s *Store) *metrics {
	m := &metrics{
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "rollcall_store_disk_seconds",
			Help:    "How long calls to the disk took, by what they did.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 2, 18), // to 13 s
		}, []string{"operation"}),
		snapshots: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rollcall_store_snapshots_total",
			Help: "Snapshots taken on this node, by result (ok or failed).",
		}, []string{"result"}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "rollcall_store_snapshot_seconds",
			Help:    "How long snapshots took, the cutting of the log included.",
			Buckets: prometheus.ExponentialBuckets(0.01, 2, 14), // to 82 s
		}),
		free: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "rollcall_store_disk_free_bytes",
			Help: "Free space of the file system of the data directory.",
		}),
		logSize: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "rollcall_store_log_bytes",
			Help: "Size of raft.db; space that was cut is used anew, not given back.",
		}),
	}
	m.all = append([]prometheus.Collector{m.calls, m.snapshots, m.duration, m.free, m.logSize}, gauges(s)...)
	return m
}

// gauges are read when they are collected.
func gauges(s *Store) []prometheus.Collector {
	table := []struct {
		name, help string
		read       func() float64
	}{
		{"applied_index", "Index of the last Raft entry applied on this node.", func() float64 {
			return float64(s.machine.applied.Load())
		}},
		{"flushed_index", "Index up to which changes are in state.db, renewals apart.", func() float64 {
			return float64(s.image.index.Load())
		}},
		{"flush_queue_bytes", "Changes that wait to be written to state.db.", func() float64 {
			return float64(s.image.queue.size())
		}},
		{"image_bytes", "Size of state.db as of the last write.", func() float64 {
			return float64(s.image.size.Load())
		}},
		{"log_appended_bytes", "Bytes appended to the Raft log since the start, and those beyond the last snapshot then.", func() float64 {
			return float64(s.log.appended.Load())
		}},
		{"disk_wait_seconds", "How long Raft has been waiting for the disk now.", func() float64 {
			return s.disk.wait().Seconds()
		}},
	}
	list := make([]prometheus.Collector, len(table))
	for i, g := range table {
		list[i] = prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "rollcall_store_" + g.name, Help: g.help}, g.read)
	}
	return list
}

func (m *metrics) register(r prometheus.Registerer) error {
	if r == nil {
		return nil
	}
	m.registerer = r
	for _, c := range m.all {
		if err := r.Register(c); err != nil {
			return err
		}
	}
	return nil
}

func (m *metrics) unregister() {
	if m.registerer == nil {
		return
	}
	for _, c := range m.all {
		m.registerer.Unregister(c)
	}
}

func (m *metrics) disk(op string, took time.Duration) {
	m.calls.WithLabelValues(op).Observe(took.Seconds())
}

func (m *metrics) snapshot(took time.Duration, err error) {
	result := "ok"
	if err != nil {
		result = "failed"
	}
	m.snapshots.WithLabelValues(result).Inc()
	m.duration.Observe(took.Seconds())
}
