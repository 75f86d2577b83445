package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

const (
	skewTolerated      = 2 * time.Second // Date has seconds only
	stalenessTolerated = 1000            // ms
	lagTolerated       = 10_000          // log entries
)

// findings judges what was seen.
func (e *examination) findings() []finding {
	var out []finding
	for _, v := range e.visits {
		out = append(out, v.reachable())
	}
	if len(e.nodes) == 0 {
		return out
	}
	for _, name := range slices.Sorted(maps.Keys(e.nodes)) {
		out = append(out, e.nodes[name].ready(), e.nodes[name].fresh())
	}
	out = append(out, e.oneCluster(), e.oneLeader())
	if c := e.cluster(); c != nil {
		out = append(out, quorum(c), versions(c), lag(c))
		out = append(out, members(c)...)
	}
	return append(out, e.clocks())
}

func (v *visited) reachable() finding {
	switch {
	case v.err != nil && v.hearsay != "":
		return finding{
			verdictWarn, "endpoint", fmt.Sprintf("%s, which the cluster knows as %s, cannot be asked from here: %v", v.hearsay, v.addr, v.err),
			"none needed if clients here are meant to use other endpoints",
		}
	case v.err != nil:
		return finding{
			verdictFail, "endpoint", fmt.Sprintf("%s does not answer: %v", v.addr, v.err),
			"start a node there (rollcall server, or rollcall dev), or correct --addr or ROLLCALL_ADDR",
		}
	default:
		return finding{verdictOK, "endpoint", fmt.Sprintf("%s is %s, answered in %s", v.addr, v.node, milliseconds(v.took.Milliseconds())), ""}
	}
}

func (v *visited) ready() finding {
	if v.unready != nil {
		return finding{verdictFail, "ready", fmt.Sprintf("%s is not ready: %v", v.node, v.unready), "see its log; it becomes ready when it has caught up with a leader"}
	}
	return finding{verdictOK, "ready", v.node + " is ready", ""}
}

func (v *visited) fresh() finding {
	switch {
	case v.staleness >= wire.Unknown:
		return finding{verdictFail, "staleness", v.node + " has not heard of a leader", "see whether the other voters run, and whether this node reaches their Raft ports"}
	case v.staleness > stalenessTolerated:
		return finding{
			verdictWarn, "staleness", fmt.Sprintf("%s is %s behind the leader", v.node, milliseconds(v.staleness)),
			"see whether its disk or network is overloaded; readers can ask for max_stale_ms",
		}
	default:
		return finding{verdictOK, "staleness", fmt.Sprintf("%s is %s behind the leader", v.node, milliseconds(v.staleness)), ""}
	}
}

func (e *examination) oneCluster() finding {
	ids := make(map[string]bool)
	for _, v := range e.visits {
		if v.cluster != nil && v.cluster.ClusterID != "" {
			ids[v.cluster.ClusterID] = true
		}
	}
	switch names := slices.Sorted(maps.Keys(ids)); len(names) {
	case 0:
		return finding{verdictFail, "cluster", "no cluster is founded yet", "start as many nodes as --bootstrap-expect says; each must reach another by --join"}
	case 1:
		return finding{verdictOK, "cluster", "all nodes are of cluster " + names[0], ""}
	default:
		return finding{verdictFail, "cluster", "the endpoints belong to different clusters: " + strings.Join(names, ", "), "correct --addr or ROLLCALL_ADDR"}
	}
}

func (e *examination) oneLeader() finding {
	leaders := make(map[string]bool)
	for _, v := range e.visits {
		if v.leader != "" {
			leaders[v.leader] = true
		}
	}
	switch names := slices.Sorted(maps.Keys(leaders)); len(names) {
	case 0:
		return finding{verdictFail, "leader", "no leader is known: nothing can be written, and nobody is buried", "bring back enough voters for a majority"}
	case 1:
		return finding{verdictOK, "leader", "the leader is " + names[0], ""}
	default:
		return finding{verdictWarn, "leader", "the nodes name different leaders: " + strings.Join(names, ", "), "ask again: this lasts no longer than an election"}
	}
}

func isVoter(n *wire.Node) bool { return n.Role == "leader" || n.Role == "voter" }

func quorum(c *wire.Cluster) finding {
	voters, alive := 0, 0
	for i := range c.Nodes {
		if isVoter(&c.Nodes[i]) {
			voters++
			if c.Nodes[i].Gossip == "alive" {
				alive++
			}
		}
	}
	need := voters/2 + 1
	found := fmt.Sprintf("%d of %s alive, %d needed", alive, count(uint64(voters), "voter"), need)
	switch {
	case alive < need:
		return finding{verdictFail, "quorum", found, "bring voters back"}
	case alive == need && voters > 1:
		return finding{verdictWarn, "quorum", found + ": no further one may fail", "bring the missing voters back, or add one"}
	case voters == 1:
		return finding{verdictOK, "quorum", found + " (a single node: fine for development)", ""}
	default:
		return finding{verdictOK, "quorum", found, ""}
	}
}

// members tells of every node that is not well in gossip's eyes.
func members(c *wire.Cluster) (out []finding) {
	for _, n := range c.Nodes {
		if n.Gossip == "alive" {
			continue
		}
		out = append(out, finding{
			verdictWarn, "node", fmt.Sprintf("%s (%s) is %s for gossip", n.ID, n.Role, n.Gossip),
			"start it again; if it will not come back: rollcall cluster remove " + n.ID,
		})
	}
	return out
}

func versions(c *wire.Cluster) finding {
	of := make(map[string][]string)
	for _, n := range c.Nodes {
		if n.Gossip == "alive" {
			of[n.Version] = append(of[n.Version], n.ID)
		}
	}
	var parts []string
	for _, v := range slices.Sorted(maps.Keys(of)) {
		parts = append(parts, fmt.Sprintf("%s on %s", v, strings.Join(of[v], ", ")))
	}
	if len(of) > 1 {
		return finding{verdictWarn, "version", "versions differ: " + strings.Join(parts, "; "), "finish the upgrade, one node after the other"}
	}
	return finding{verdictOK, "version", strings.Join(parts, ""), ""}
}

func lag(c *wire.Cluster) finding {
	newest := uint64(0)
	for _, n := range c.Nodes {
		newest = max(newest, n.Applied)
	}
	var behind []string
	for _, n := range c.Nodes {
		if n.Gossip == "alive" && n.Applied+lagTolerated < newest {
			behind = append(behind, fmt.Sprintf("%s by %d entries", n.ID, newest-n.Applied))
		}
	}
	if len(behind) > 0 {
		return finding{verdictWarn, "replication", "behind: " + strings.Join(behind, ", "), "wait for it to catch up; if it does not, see its disk and network"}
	}
	return finding{verdictOK, "replication", "all nodes keep up", ""}
}

// clocks compares the nodes' clocks with each other. They decide nothing, but
// people read their stamps.
func (e *examination) clocks() finding {
	var least, most *visited
	for _, v := range e.nodes {
		if least == nil || v.skew < least.skew {
			least = v
		}
		if most == nil || v.skew > most.skew {
			most = v
		}
	}
	if apart := most.skew - least.skew; apart > skewTolerated {
		return finding{
			verdictWarn, "clocks", fmt.Sprintf("the clock of %s is about %s ahead of that of %s", most.node, apart.Round(time.Second), least.node),
			"let NTP set them; expiry does not depend on them, the times in answers do",
		}
	}
	return finding{verdictOK, "clocks", "the nodes' clocks agree", ""}
}
