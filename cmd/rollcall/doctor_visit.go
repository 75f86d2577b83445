package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// visited is what one endpoint answered.
type visited struct {
	addr    string
	hearsay string // node that others named, when this endpoint was not given
	node    string // who answered
	err     error  // nothing answered
	unready error

	took      time.Duration // of one answer
	skew      time.Duration // the node's clock ahead of this machine's, to a second
	leader    string
	staleness int64
	cluster   *wire.Cluster
}

func visit(ctx context.Context, addr string, r *remote) *visited {
	v := &visited{addr: addr, staleness: wire.Unknown}
	started := time.Now()
	_, header, err := r.ask(ctx, request{path: wire.PathServices, query: url.Values{"limit": {"1"}}})
	v.took = time.Since(started)
	if header == nil {
		v.err = err
		return v
	}
	v.readHeader(header, started.Add(v.took/2))
	_, _, v.unready = r.ask(ctx, request{path: "/readyz"})
	body, _, err := r.ask(ctx, request{path: wire.PathCluster})
	if err == nil {
		v.cluster = new(wire.Cluster)
		if json.Unmarshal(body, v.cluster) != nil {
			v.cluster = nil
		}
	}
	return v
}

func (v *visited) readHeader(h http.Header, at time.Time) {
	v.node, v.leader = h.Get(wire.HeaderNode), h.Get(wire.HeaderLeader)
	if ms, err := strconv.ParseInt(h.Get(wire.HeaderStaleness), 10, 64); err == nil {
		v.staleness = ms
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		// Date is cut to the second: half of one is the best guess.
		v.skew = date.Add(500 * time.Millisecond).Sub(at)
	}
}

// examination is what all endpoints answered.
type examination struct {
	visits []*visited
	nodes  map[string]*visited // by node id
}

func newExamination() *examination { return &examination{nodes: make(map[string]*visited)} }

func (e *examination) add(v *visited) {
	e.visits = append(e.visits, v)
	if v.node != "" && e.nodes[v.node] == nil {
		e.nodes[v.node] = v
	}
}

// unvisited returns the addresses of nodes that the cluster knows and no
// endpoint was.
func (e *examination) unvisited() map[string]string {
	addrs := make(map[string]string)
	if c := e.cluster(); c != nil {
		for _, n := range c.Nodes {
			if e.nodes[n.ID] == nil && n.HTTPAddr != "" && n.Gossip == "alive" {
				addrs[n.ID] = "http://" + n.HTTPAddr
			}
		}
	}
	return addrs
}

// cluster is the view of a node that knows a leader, else of any.
func (e *examination) cluster() (view *wire.Cluster) {
	for _, v := range e.visits {
		if v.cluster != nil && (view == nil || (view.Leader == "" && v.cluster.Leader != "")) {
			view = v.cluster
		}
	}
	return view
}

// leaderless tells that nodes answer, and none knows a leader.
func (e *examination) leaderless() bool {
	for _, v := range e.visits {
		if v.leader != "" {
			return false
		}
	}
	return len(e.nodes) > 0
}
