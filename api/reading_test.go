package api_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api"
	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func TestReadHeaders(t *testing.T) {
	n, c := newServer(t)
	c.register("a", "")
	for _, path := range []string{"/v1/leases/a", "/v1/leases/nobody", "/v1/alive", "/v1/services", "/v1/cluster", "/v1/alive?limit=x", "/v1/leases/%20"} {
		h := c.do("GET", path, "").Header
		if h.Get(wire.HeaderRevision) != "1" || h.Get(wire.HeaderLeader) != "n1" || h.Get(wire.HeaderStaleness) != "3" || h.Get(wire.HeaderConsistency) != "local" {
			t.Errorf("%s: %v", path, h)
		}
	}
	n.status = api.Status{}
	r := c.do("GET", "/v1/alive", "").is(200)
	if r.Header.Get(wire.HeaderStaleness) != strconv.Itoa(wire.Unknown) {
		t.Errorf("unknown staleness: %v", r.Header)
	}
	if leader, there := r.Header[wire.HeaderLeader]; !there || leader[0] != "" {
		t.Errorf("no leader: %v", r.Header)
	}
}

func TestConsistency(t *testing.T) {
	n, c := newServer(t)
	for _, level := range []string{"local", "leader", "linearizable"} {
		r := c.do("GET", "/v1/alive?consistency="+level, "").is(200)
		if r.Header.Get(wire.HeaderConsistency) != level {
			t.Errorf("%s: %v", level, r.Header)
		}
	}
	if !slices.Equal(n.seen, []api.Consistency{api.Leader, api.Linearizable}) {
		t.Errorf("awaited %v", n.seen)
	}
	n.await = fmt.Errorf("%w: cut off", api.ErrNoLeader)
	c.do("GET", "/v1/alive", "").is(200)
	c.do("GET", "/v1/alive?consistency=leader", "").refuses(wire.CodeNoLeader)
	c.do("GET", "/v1/cluster?consistency=linearizable", "").refuses(wire.CodeNoLeader)
}

func TestStaleness(t *testing.T) {
	n, c := newServer(t)
	n.status = api.Status{Leader: "n2", Staleness: 80*time.Millisecond + 900*time.Microsecond, StalenessKnown: true}
	c.do("GET", "/v1/alive?max_stale_ms=80", "").is(200)
	c.do("GET", "/v1/alive?max_stale_ms=79", "").refuses(wire.CodeTooStale)
	n.status.Staleness = time.Hour
	r := c.do("GET", "/v1/alive?max_stale_ms=60000&consistency=leader", "").is(200)
	if ms, err := strconv.Atoi(r.Header.Get(wire.HeaderStaleness)); err != nil || ms >= 60000 {
		t.Errorf("the leader vouched for the view, yet it is %s ms old", r.Header.Get(wire.HeaderStaleness))
	}
	n.status = api.Status{}
	c.do("GET", "/v1/alive?max_stale_ms=1000000000", "").refuses(wire.CodeTooStale)
}

func TestMinRevision(t *testing.T) {
	_, c := newServer(t)
	g := c.register("a", "")
	c.do("GET", fmt.Sprintf("/v1/leases/a?min_revision=%d", g.Revision), "").is(200)
	c.do("GET", fmt.Sprintf("/v1/leases/a?min_revision=%d", g.Revision+1), "").refuses(wire.CodeTooStale)
	c.do("GET", "/v1/cluster?min_revision=9007199254740991", "").refuses(wire.CodeTooStale)
}

func TestEmptyBatchAsksForALeaderToo(t *testing.T) {
	n, c := newServer(t)
	c.do("POST", "/v1/heartbeats", `{"beats":[]}`).is(200)
	n.await = fmt.Errorf("%w: cut off", api.ErrNoLeader)
	c.do("POST", "/v1/heartbeats", `{"beats":[]}`).refuses(wire.CodeNoLeader)
}
