package gossip

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// conflictAfter is how long two processes of one node id must live side by
// side to be a conflict: a restarted node's old process is noticed as dead
// well within it.
const conflictAfter = 10 * time.Second

// Conflict is a node id that several live processes claim.
type Conflict struct {
	Node string
	// Addrs are the gossip addresses of the processes, the latest start first.
	Addrs []string
	// SameIncarnation says that two of them claim the same data directory (one
	// was copied); else two nodes were given one name.
	SameIncarnation bool
}

// conflicts looks for processes of one node that have been alive together for
// conflictAfter.
func (t *table) conflicts(self process, now time.Time) []Conflict {
	t.mu.Lock()
	byNode := map[string][]process{}
	for _, p := range t.processes {
		if p.Status == StatusAlive && now.Sub(p.Since) >= conflictAfter {
			byNode[p.Node] = append(byNode[p.Node], *p)
		}
	}
	t.mu.Unlock()
	if self.Status == StatusAlive && now.Sub(self.Since) >= conflictAfter {
		byNode[self.Node] = append(byNode[self.Node], self)
	}
	var list []Conflict
	for node, processes := range byNode {
		if len(processes) > 1 {
			list = append(list, newConflict(node, processes))
		}
	}
	slices.SortFunc(list, func(a, b Conflict) int { return cmp.Compare(a.Node, b.Node) })
	return list
}

func newConflict(node string, processes []process) Conflict {
	slices.SortFunc(processes, func(a, b process) int { return cmp.Compare(b.Started, a.Started) })
	c := Conflict{Node: node}
	seen := map[string]bool{}
	for _, p := range processes {
		c.Addrs = append(c.Addrs, p.GossipAddr)
		c.SameIncarnation = c.SameIncarnation || seen[p.Incarnation]
		seen[p.Incarnation] = true
	}
	return c
}

// Conflicts returns the node ids that are claimed by several live processes.
func (g *Gossip) Conflicts() []Conflict {
	return g.table.conflicts(process{name: g.name, Member: g.self()}, time.Now())
}

// watch logs conflicts, forgets the long dead, and ends with ctx.
func (g *Gossip) watch(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		g.table.expire(time.Now())
		for _, c := range g.Conflicts() {
			g.complain(c)
		}
	}
}

func (g *Gossip) complain(c Conflict) {
	if !g.warn.allow("conflict " + c.Node) {
		return
	}
	remedy := "two nodes have the same --node-id: give one of them another name and an empty data directory"
	if c.SameIncarnation {
		remedy = "two processes have the same data directory's identity: stop one; a copied data directory must never be started"
	}
	g.config.Logger.Error("several live processes claim one node id; "+remedy, "node", c.Node, "addrs", c.Addrs)
}
