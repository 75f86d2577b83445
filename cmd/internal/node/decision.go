package node

import (
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// decisions is what the judge decided in one tick, each small enough for an
// entry that holds up neither readers nor the next tick.
type decisions struct {
	bury []*registry.Expire
	hold []*registry.Hold
	held int // leases that are held already
}

// judged lets the judge sit until nobody is due, or often enough.
func judged(r *registry.Replica, mono time.Duration, waiting func(epoch, seq uint64) bool) decisions {
	d := decisions{held: r.Held()}
	for range maxSittings {
		bury, hold := r.Due(mono, maxBurials, waiting)
		if bury != nil {
			d.bury = append(d.bury, bury)
		}
		d.hold = append(d.hold, hold...)
		if bury == nil || len(bury.Burials) < maxBurials {
			break
		}
	}
	return d
}

// propose hands the decisions to the collector, and tells operators when a time
// of holds begins and ends.
func (n *Node) propose(lead *leader, d *decisions) {
	for _, b := range d.bury {
		n.collector.Bury(b)
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
