package membership

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/seed-b4c92e43/rollcall/gossip"
)

// roleEdge is the role of a node that never votes, as gossip carries it.
const roleEdge = "edge"

// serverID is the name under which Raft knows a process.
func serverID(p gossip.Member) string { return p.Node + "/" + p.Incarnation }

func nodeOf(p gossip.Member) string { return p.Node }

// nodeName is the node that a server id belongs to.
func nodeName(serverID string) string {
	node, _, _ := strings.Cut(serverID, "/")
	return node
}

// speakers picks, of the processes that share a key, the one that speaks for it:
// who lives, then who started last.
func speakers(processes []gossip.Member, key func(gossip.Member) string) map[string]gossip.Member {
	best := make(map[string]gossip.Member, len(processes))
	for _, p := range processes {
		b, known := best[key(p)]
		if !known || compareSpeakers(p, b) > 0 {
			best[key(p)] = p
		}
	}
	return best
}

func compareSpeakers(a, b gossip.Member) int {
	return cmp.Or(compareBool(a.Live(), b.Live()), compareBool(a.Self, b.Self),
		cmp.Compare(a.Started, b.Started), cmp.Compare(a.GossipAddr, b.GossipAddr))
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// clusterIDs returns the clusters that live processes belong to, sorted.
func clusterIDs(processes []gossip.Member) []string {
	seen := make(map[string]bool)
	for _, p := range processes {
		if p.Live() && p.ClusterID != "" {
			seen[p.ClusterID] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}
