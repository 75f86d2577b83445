package node

import "github.com/seed-b4c92e43/rollcall/registry"

// decision is what the judge decided in one tick.
type decision struct {
	bury *registry.Expire // or nil
	hold []*registry.Hold // one a scope
	held int              // leases that are held already
}

// propose hands a decision to the collector, and tells operators when a time of
// holds begins and ends.
func (n *Node) propose(lead *leader, d *decision) {
	if d.bury != nil {
		n.collector.Bury(d.bury)
	}
	for _, h := range d.hold {
		n.collector.Bury(h)
	}
	switch holding := len(d.hold) > 0 || d.held > 0; {
	case holding && !lead.holding:
		n.log.Warn("too many leases fell silent at once: they are held, not buried", "reason", reasonOf(d.hold), "held", d.held)
		lead.holding = true
	case !holding && lead.holding:
		n.log.Info("no lease is held any more")
		lead.holding = false
	}
}

// reasonOf returns why the first of some holds began, "" where they did before
// this node led.
func reasonOf(holds []*registry.Hold) string {
	if len(holds) == 0 {
		return ""
	}
	return holds[0].Reason
}
