package api_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/seed-b4c92e43/rollcall/api"
	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// mailed returns the offsets of the next messages that are pushed to an id.
func (l *line) mailed(to string, count int) string {
	l.t.Helper()
	all := make([]string, count)
	for i := range all {
		m := l.push(wire.OpMessage)
		if m["to"] != to {
			l.t.Fatalf("pushed %v, want one to %s", m, to)
		}
		all[i] = fmt.Sprint(m["message"].(map[string]any)["offset"])
	}
	return strings.Join(all, " ")
}

// silent checks that nothing is pushed before the answer to a request.
func (l *line) silent() {
	l.t.Helper()
	l.ask("unwatch", object{"watch": "nothing"})
	if len(l.pushed) > 0 {
		l.t.Fatalf("pushed %v", l.pushed)
	}
}

// TestMailIsReplayed: a session is told of all that is pending for its leases,
// in order, then of what comes; another session that renews takes it over.
func TestMailIsReplayed(t *testing.T) {
	_, c := newServer(t)
	for i := range 200 {
		c.mail("a", fmt.Sprintf(`{"body":%d}`, i))
	}
	c.do("POST", boxOfA+"/ack", `{"up_to":100}`).is(200)
	first := c.session()
	epoch := first.register("a")
	var want []string
	for i := 101; i <= 200; i++ {
		want = append(want, fmt.Sprint(i))
	}
	if got := first.mailed("a", 100); got != strings.Join(want, " ") {
		t.Fatalf("replayed %s", got)
	}
	c.mail("a", `{"body":"live"}`)
	if got := first.mailed("a", 1); got != "201" {
		t.Fatalf("live %s", got)
	}
	first.silent()
	c.do("POST", boxOfA+"/ack", `{"up_to":199}`).is(200)

	second := c.session()
	second.ask("heartbeat", object{"id": "a", "epoch": epoch, "seq": 1}).ok(t)
	if got := second.mailed("a", 2); got != "200 201" {
		t.Fatalf("replayed to who renewed last: %s", got)
	}
	c.mail("a", `{"body":"live"}`)
	if got := second.mailed("a", 1); got != "202" {
		t.Fatalf("live %s", got)
	}
	first.silent()

	first.ask("heartbeats", object{"beats": [][]uint64{{epoch, 2}}}).ok(t)
	if got := first.mailed("a", 3); got != "200 201 202" {
		t.Fatalf("replayed after a batch: %s", got)
	}
	second.silent()
	if again := first.register("a"); again <= epoch {
		t.Fatalf("epoch %d after %d", again, epoch)
	}
	if got := first.mailed("a", 3); got != "200 201 202" {
		t.Fatalf("replayed after a registration: %s", got)
	}
	first.silent()
}

// TestNackedMailComesAgain: after its back-off, once for each nack, and not in
// the way of what is new.
func TestNackedMailComesAgain(t *testing.T) {
	n, c := newServer(t)
	l := c.session()
	epoch := l.register("a")
	for range 100 {
		c.mail("a", `{"body":1}`)
	}
	l.mailed("a", 100)
	ids := make([]string, 0, 100)
	for _, m := range c.read(boxOfA + "/messages").Messages {
		ids = append(ids, m.ID)
	}
	nack := func(ids []string) { l.ask("nack", object{"id": "a", "epoch": epoch, "ids": ids}).ok(t) }
	nack(ids)
	c.mail("a", `{"body":"new"}`)
	if got := l.mailed("a", 1); got != "101" {
		t.Fatalf("pushed %s before the nacked are due", got)
	}
	n.pass(time.Second)
	l.mailed("a", 100)
	l.silent()
	c.mail("a", `{"body":"new"}`)
	if got := l.mailed("a", 1); got != "102" {
		t.Fatalf("pushed %s, want the new one alone", got)
	}
	nack(ids[:1])
	n.pass(time.Second)
	if got := l.mailed("a", 1); got != "1" {
		t.Fatalf("pushed %s after the second nack", got)
	}
	l.silent()
}

func TestLost(t *testing.T) {
	n, c := newServer(t)
	l := c.session()
	lost := func(id string, epoch uint64, cause string) {
		t.Helper()
		frame := l.push(wire.OpLost)
		certificate, _ := frame["certificate"].(map[string]any)
		if frame["id"] != id || frame["epoch"] != float64(epoch) || certificate["cause"] != cause || certificate["epoch"] != float64(epoch) {
			t.Fatalf("lost %v, want %s %d %s", frame, id, epoch, cause)
		}
	}
	evicted, replaced, left, own, again, silent := l.register("evicted"), l.register("replaced"), l.register("left"), l.register("own"), l.register("again"), l.register("silent")

	c.do("DELETE", "/v1/leases/evicted?evict=true", "").is(200)
	lost("evicted", evicted, "evicted")
	current := c.register("replaced", "").Epoch
	lost("replaced", replaced, "replaced")
	c.do("DELETE", fmt.Sprintf("/v1/leases/left?epoch=%d", left), "").is(200)
	lost("left", left, "left")

	l.ask("leave", object{"id": "own", "epoch": own}).ok(t)
	newer := l.register("again")
	l.silent()
	l.ask("leave", object{"id": "again", "epoch": again}).refused(t, wire.CodeSuperseded, "")
	l.ask("heartbeat", object{"id": "replaced", "epoch": current, "seq": 1}).ok(t)
	c.do("DELETE", "/v1/leases/replaced?evict=true", "").is(200)
	lost("replaced", current, "evicted")
	c.do("DELETE", "/v1/leases/again?evict=true", "").is(200)
	lost("again", newer, "evicted")
	n.advance(12 * time.Second)
	lost("silent", silent, "expired")
	c.mail("silent", `{"body":1}`)
	l.silent()
}

// TestLostAmongMany: one connection speaks for many leases, of which it loses
// some.
func TestLostAmongMany(t *testing.T) {
	n, c := newServer(t)
	l := c.session()
	const leases = 3000
	beats := make([][]uint64, leases)
	for i := range leases {
		out := n.do(&registry.Grant{NS: "default", ID: fmt.Sprint("id-", i), TTL: 10_000})
		beats[i] = []uint64{out.Lease.Epoch, 1}
	}
	if got := l.ask("heartbeats", object{"beats": beats}).ok(t); got["accepted"] != float64(leases) {
		t.Fatalf("batch %v", got)
	}
	c.mail("id-7", `{"body":1}`)
	l.mailed("id-7", 1)
	for i := 0; i < leases; i += 3 {
		n.do(&registry.Evict{NS: "default", ID: fmt.Sprint("id-", i)})
	}
	seen := map[any]bool{}
	for range leases / 3 {
		seen[l.push(wire.OpLost)["epoch"]] = true
	}
	if len(seen) != leases/3 {
		t.Fatalf("told of %d", len(seen))
	}
	l.silent()
}

// TestLostBeyondTheLog: whoever follows the ends fell behind what is kept of
// events; then it looks at every lease itself.
func TestLostBeyondTheLog(t *testing.T) {
	n, c := newServer(t)
	n.do(&registry.Serve{Term: 1, ClusterID: "c1", Retention: registry.Retention{EventMax: 2}})
	l := c.session()
	const leases = wire.MaxSessionLeases
	beats, evictions := make([][]uint64, leases), make([]registry.Command, leases)
	for i := range leases {
		id := fmt.Sprint("id-", i)
		beats[i] = []uint64{n.do(&registry.Grant{NS: "default", ID: id, TTL: 10_000}).Lease.Epoch, 1}
		evictions[i] = &registry.Evict{NS: "default", ID: id}
	}
	l.ask("heartbeats", object{"beats": beats}).ok(t)
	last := fmt.Sprint("id-", leases-1)
	c.mail(last, `{"body":"the last lease of the batch is the session's"}`)
	l.mailed(last, 1)
	l.ask("register", object{"id": "one-more"}).refused(t, wire.CodeOverloaded, "")
	n.mu.Lock()
	n.apply(evictions...)
	n.mu.Unlock()
	seen := map[any]bool{}
	for range leases {
		seen[l.push(wire.OpLost)["id"]] = true
	}
	if len(seen) != leases {
		t.Fatalf("told of %d", len(seen))
	}
	l.silent()
}

func TestSessionWatches(t *testing.T) {
	for _, protocol := range []string{wire.SessionJSON, wire.SessionCBOR} {
		t.Run(protocol, func(t *testing.T) { testSessionWatches(t, protocol) })
	}
}

func testSessionWatches(t *testing.T, protocol string) {
	_, c := newServer(t)
	before := c.register("web-1", `{"service":"web","tags":["v2"]}`)
	c.register("db-1", `{"service":"db"}`)
	l := c.open(protocol)
	event := func(rid any, kind, id string) object {
		t.Helper()
		frame := l.push(wire.OpEvent)
		e := object(frame["event"].(map[string]any))
		if frame["rid"] != rid || e["type"] != kind || id != "" && e["id"] != id {
			t.Fatalf("event %v, want %v %s %s", frame, rid, kind, id)
		}
		return e
	}
	l.send(object{"op": "watch", "rid": "w", "service": "web"})
	if r := l.answer("w").ok(t); r["revision"] != 2.0 {
		t.Errorf("opened %v", r)
	}
	part := event("w", "snapshot", "")
	if leases := part["leases"].([]any); len(leases) != 1 || part["more"] != false || part["revision"] != 2.0 {
		t.Errorf("snapshot %v", part)
	}
	l.send(object{"op": "watch", "rid": 7.5, "after": 0, "tag": []string{"v2"}})
	l.answer(7.5).ok(t)
	event(7.5, "registered", "web-1")
	l.send(object{"op": "watch", "rid": "one", "after": 2, "id": "db-1", "tag": "x"})
	l.answer("one").ok(t)

	c.do("PATCH", "/v1/leases/web-1", fmt.Sprintf(`{"epoch":%d,"tags":[]}`, before.Epoch)).is(200)
	got := map[any]object{}
	for range 2 {
		frame := l.push(wire.OpEvent)
		got[frame["rid"]] = frame["event"].(map[string]any)
	}
	if e := got["w"]; e["type"] != "updated" || e["leaves_filter"] != nil {
		t.Errorf("event %v", e)
	}
	if e := got[7.5]; e["type"] != "updated" || e["leaves_filter"] != true {
		t.Errorf("event %v", e)
	}

	l.send(object{"op": "heartbeat", "rid": "w", "id": "web-1", "epoch": before.Epoch, "seq": 1})
	l.next().refused(t, wire.CodeInvalidRequest, "rid")
	l.ask("unwatch", object{"watch": "w"}).ok(t)
	l.ask("unwatch", object{"watch": "w"}).refused(t, wire.CodeInvalidRequest, "watch")
	c.register("web-2", `{"service":"web","tags":["v2"]}`)
	event(7.5, "registered", "web-2")
	l.silent()
	l.send(object{"op": "heartbeat", "rid": "w", "id": "web-1", "epoch": before.Epoch, "seq": 1})
	l.answer("w").ok(t)
	for i := range wire.MaxSessionWatches - 2 {
		l.ask("watch", object{"after": 0, "id": fmt.Sprint("nobody-", i)}).ok(t)
	}
	l.ask("watch", object{"after": 0}).refused(t, wire.CodeOverloaded, "")
	l.silent()
}

// TestSessionWatchIsCompacted: it is refused as at the endpoint, and the session
// goes on.
func TestSessionWatchIsCompacted(t *testing.T) {
	n, c := newServer(t)
	n.do(&registry.Serve{Term: 1, ClusterID: "c1", Retention: registry.Retention{EventMax: 2}})
	for i := range 10 {
		c.register(fmt.Sprint("id-", i), "")
	}
	l := c.session()
	l.send(object{"op": "watch", "rid": "w", "after": 1})
	if p := l.answer("w").refused(t, wire.CodeCompacted, ""); p["oldest_revision"] != 9.0 {
		t.Errorf("problem %v", p)
	}
	l.send(object{"op": "watch", "rid": "w", "after": 9})
	l.answer("w").ok(t)
	l.push(wire.OpEvent)
	l.ask("watch", object{"after": 99}).refused(t, wire.CodeTooStale, "")
}

// TestDraining: a server that ends says so, answers what it was asked, and
// closes.
func TestDraining(t *testing.T) {
	n, c := newServer(t)
	l := c.session()
	epoch := l.register("a")
	n.gate = make(chan struct{})
	l.send(object{"op": "heartbeat", "rid": "last", "id": "a", "epoch": epoch, "seq": 1})
	eventually(t, func() bool { return n.beats.Load() == 1 })
	closed := make(chan error, 1)
	go func() { closed <- c.api.Close(context.Background()) }()
	l.push(wire.OpDraining)
	l.send(object{"op": "heartbeat", "rid": "too late", "id": "a", "epoch": epoch, "seq": 2})
	close(n.gate)
	l.answer("last").ok(t)
	l.closes(websocket.CloseGoingAway)
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if lease := into[wire.Lease](c.do("GET", "/v1/leases/a", "")); lease.State != "alive" || lease.Seq != 1 {
		t.Errorf("lease %+v", lease)
	}
	c.do("GET", "/v1/session", "", header("Connection", "Upgrade"), header("Upgrade", "websocket"), header("Sec-WebSocket-Version", "13"),
		header("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="), header("Sec-WebSocket-Protocol", wire.SessionJSON)).refuses(wire.CodeOverloaded)
}

// TestSessionOfANodeThatFails: a message that cannot be read ends the session,
// and the log says why.
func TestSessionOfANodeThatFails(t *testing.T) {
	var log bytes.Buffer
	n := newNode()
	c := serve(t, api.Config{Node: n, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	l := c.session()
	n.missing = 1
	c.mail("a", `{"body":1}`)
	l.send(object{"op": "register", "rid": 1, "id": "a"})
	l.closes(websocket.CloseInternalServerErr)
	if !strings.Contains(log.String(), "has no body") {
		t.Errorf("log %s", log.String())
	}
	l = c.session()
	n.fail = errors.New("secret cause")
	if p := l.ask("register", object{"id": "a"}).refused(t, wire.CodeInternal, ""); strings.Contains(fmt.Sprint(p), "secret") {
		t.Errorf("problem %v", p)
	}
	n.fail = fmt.Errorf("%w: cut off", api.ErrNoLeader)
	l.ask("heartbeat", object{"id": "a", "epoch": 1, "seq": 1}).refused(t, wire.CodeNoLeader, "")
	l.ask("heartbeats", object{"beats": [][]uint64{{1, 1}}}).refused(t, wire.CodeNoLeader, "")
	n.fail, n.panics = nil, true
	l.ask("register", object{"id": "a"}).refused(t, wire.CodeInternal, "")
}

// TestSessionMetrics counts what a session did.
func TestSessionMetrics(t *testing.T) {
	_, c := newServer(t)
	l := c.session()
	l.register("a")
	c.mail("a", `{"body":1}`)
	l.mailed("a", 1)
	for _, line := range []string{
		"rollcall_sessions 1", `rollcall_session_frames_total{direction="in"} 1`, `rollcall_session_frames_total{direction="out"} 2`,
		"rollcall_session_messages_total 1", "rollcall_session_cut_off_total 0",
	} {
		eventually(t, func() bool { // a frame is counted when it was written
			return strings.Contains(string(c.do("GET", "/metrics", "").is(200).body), line+"\n")
		})
	}
}
