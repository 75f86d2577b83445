package node

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// metrics are the node's own: what the judge, the leader and the collector do.
type metrics struct {
	elections prometheus.Counter
	stalls    prometheus.Histogram
	lateness  prometheus.Histogram
	buried    prometheus.Counter
	holds     prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		elections: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "rollcall_elections_won_total",
			Help: "How often this node became Raft leader.",
		}),
		stalls: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "rollcall_judge_stall_seconds",
			Help:    "Pauses of this process of 400 ms or more, after which its judge is not believed at once.",
			Buckets: []float64{.4, .6, 1, 2, 5, 10, 30, 60, 300},
		}),
		lateness: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "rollcall_burial_lateness_seconds",
			Help:    "How long after its TTL a lease was buried, as its judge measured when it decided.",
			Buckets: []float64{.025, .05, .075, .1, .15, .2, .25, .5, 1, 2.5, 5, 10},
		}),
		buried: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "rollcall_leases_expired_total",
			Help: "Leases whose burial this node applied.",
		}),
	}
	m.holds = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "rollcall_holds_total",
		Help: "Holds that began, as this node applied them: too many leases of a scope fell silent at once.",
	})
	reg.MustRegister(m.elections, m.stalls, m.lateness, m.buried, m.holds)
	return m
}

// registerGauges adds the gauges, which are read when they are collected.
func (n *Node) registerGauges() error {
	table := []struct {
		name, help string
		read       func() float64
	}{
		{"leases", "Live leases in this node's replica.", func() float64 { return float64(n.leases()) }},
		{"leases_held", "Leases past their TTL that are held, not buried, in this node's replica.", func() float64 { return float64(n.held()) }},
		{"revision", "Revision of this node's replica.", func() float64 { return float64(n.revision()) }},
		{"serving", "1 while this node serves as leader and judges, else 0.", func() float64 { return one(n.serving.Load() != 0) }},
		{"ready", "1 while /readyz answers 200, else 0.", func() float64 { return one(n.Status().Ready == nil) }},
		{"staleness_seconds", "Age of this node's view (Rollcall-Staleness-Ms); -1 where it is not known.", n.stalenessSeconds},
		{"collector_waiting_beats", "Heartbeats that wait to be proposed or forwarded.", func() float64 {
			s := n.collector.Stats()
			return float64(s.Singles + s.GroupBeats)
		}},
		{"collector_waiting_commands", "Other commands that wait to be proposed or forwarded.", func() float64 {
			return float64(n.collector.Stats().Commands)
		}},
		{"collector_batches_in_flight", "Batches that are proposed or forwarded and not answered yet.", func() float64 {
			return float64(n.collector.Stats().InFlight)
		}},
		{"gossip_raft_disagree", "Voters that gossip calls dead or left, as this node sees it.", n.disagreement},
	}
	for _, row := range table {
		gauge := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "rollcall", Name: row.name, Help: row.help}, row.read)
		if err := n.cfg.Registry.Register(gauge); err != nil {
			return err
		}
	}
	return nil
}

func one(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func (n *Node) leases() (count int) {
	n.store.View(func(r *registry.Replica, _ time.Duration) { count = r.Len() })
	return count
}

func (n *Node) held() (count int) {
	n.store.View(func(r *registry.Replica, _ time.Duration) { count = r.Held() })
	return count
}

func (n *Node) revision() (revision uint64) {
	n.store.View(func(r *registry.Replica, _ time.Duration) { revision = r.Revision() })
	return revision
}

func (n *Node) stalenessSeconds() float64 {
	s := n.Status()
	if !s.StalenessKnown {
		return -1
	}
	return s.Staleness.Seconds()
}

func (n *Node) disagreement() float64 {
	count := 0
	for _, m := range n.gossip.Members() {
		if id := m.Node + "/" + m.Incarnation; !m.Live() && n.isVoter(id) {
			count++
		}
	}
	return float64(count)
}
