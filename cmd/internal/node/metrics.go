package node

import "github.com/prometheus/client_golang/prometheus"

// metrics are the node's own: what the judge and the leader do.
type metrics struct {
	elections prometheus.Counter
	stalls    prometheus.Histogram
	lateness  prometheus.Histogram
	buried    prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		elections: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "rollcall_elections_won_total",
			Help: "How often this node became Raft leader.",
		}),
		stalls: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "rollcall_judge_stall_seconds",
			Help:    "Pauses of this process of 400 ms or more, in which its judge was not believed.",
			Buckets: []float64{.4, .6, 1, 2, 5, 10, 30, 60, 300},
		}),
		lateness: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "rollcall_burial_lateness_seconds",
			Help:    "How long after its TTL a lease was buried, by the judge that decided (promise 4).",
			Buckets: []float64{.025, .05, .075, .1, .15, .2, .25, .5, 1, 2.5, 5, 10},
		}),
		buried: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "rollcall_leases_expired_total",
			Help: "Leases whose burial this node applied.",
		}),
	}
	reg.MustRegister(m.elections, m.stalls, m.lateness, m.buried)
	return m
}
