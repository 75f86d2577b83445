package gossip

import "slices"

// Processes returns every process that is known, this one among them, in no
// particular order: several for a node that was restarted, or whose name two
// live processes claim. Those that died or left are remembered as long as they
// speak for their node.
func (g *Gossip) Processes() []Member {
	return slices.Insert(g.table.all(), 0, g.self())
}

func (t *table) all() []Member {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]Member, 0, len(t.processes)+1)
	for _, p := range t.processes {
		list = append(list, p.Member)
	}
	return list
}
