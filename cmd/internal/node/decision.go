package node

import (
	"slices"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// decisions is what the judge decided in one tick.
type decisions struct {
	commands []registry.Command // in their order
	reason   string             // of the first hold
	held     int                // leases that are held already
	holding  bool               // and some more
}

// inParts cuts decisions so that each goes in an entry which holds up neither
// readers nor the next tick.
func inParts(bury *registry.Expire, hold []*registry.Hold) (commands []registry.Command) {
	if bury != nil {
		for part := range slices.Chunk(bury.Burials, maxBurials) {
			e := *bury
			e.Burials = part
			commands = append(commands, &e)
		}
	}
	for _, whole := range hold {
		for part := range slices.Chunk(whole.Burials, maxBurials) {
			h := *whole
			h.Burials = part
			commands = append(commands, &h)
		}
	}
	return commands
}

// propose hands the decisions to the collector, and tells operators when a time
// of holds begins and ends.
func (n *Node) propose(lead *leader, d *decisions) {
	for _, c := range d.commands {
		n.collector.Bury(c)
	}
	switch holding := d.holding || d.held > 0; {
	case holding && !lead.holding:
		n.log.Warn("too many leases fell silent at once: they are held, not buried", "reason", d.reason, "held", d.held)
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
