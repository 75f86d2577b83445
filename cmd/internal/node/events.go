package node

import "github.com/seed-b4c92e43/rollcall/registry"

// observe tells of what an applied entry did, and counts it. It runs under the
// replica's lock.
func (n *Node) observe(o registry.Outcome) {
	n.hub.Publish(&o)
	n.metrics.holds.Add(float64(o.Holds))
	for i := range o.Events {
		if e := &o.Events[i]; e.Type == registry.EventExpired && e.Certificate != nil {
			n.metrics.buried.Inc()
			n.metrics.lateness.Observe(float64(e.Certificate.OverdueMS) / 1000)
		}
	}
}
