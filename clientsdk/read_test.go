package clientsdk

import (
	"net/http"
	"net/url"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func TestAliveAllWalksThePages(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		ids := []string{"a", "b", "c", "d", "e"}
		for _, id := range ids {
			if _, err := b.client.Grant(t.Context(), id, wire.Registration{}, GrantOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		for l, err := range b.client.AliveAll(t.Context(), Query{}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, l.ID)
		}
		if !slices.Equal(got, ids) {
			t.Errorf("got %v", got)
		}
		for range b.client.AliveAll(t.Context(), Query{}) {
			break // a caller may stop
		}
		b.all(func(n *modelNode) { n.script = slices.Repeat([]answer{problem(410, wire.CodeCompacted)}, 3) })
		for _, err := range b.client.AliveAll(t.Context(), Query{}) {
			if CodeOf(err) != wire.CodeCompacted {
				t.Errorf("got %v", err)
			}
		}
	})
}

func TestQuestionsAreSpelledAsInTheContract(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		var asked *url.URL
		b.seen = func(r *http.Request) { asked = r.URL }
		var from Origin
		_, err := b.client.Alive(t.Context(), Query{
			Service: "web", Tags: []string{"v2", "eu"}, Meta: map[string]string{"zone": "a b"}, Prefix: "web-",
			State: "alive", Fields: []string{"id", "port"}, Limit: 7, Cursor: "x",
		}, Linearizable, AtLeast(4711), NotOlder(1500*time.Millisecond), From(&from))
		if err != nil {
			t.Fatal(err)
		}
		want := "consistency=linearizable&cursor=x&fields=id%2Cport&limit=7&max_stale_ms=1500&meta.zone=a+b" +
			"&min_revision=4711&prefix=web-&service=web&state=alive&tag=v2&tag=eu"
		if asked.Path != wire.PathAlive || asked.RawQuery != want {
			t.Errorf("asked %s\nwant  %s", asked.RawQuery, want)
		}
		if want := (Origin{"n1", "n1", 4720, 12 * time.Millisecond, "local"}); from != want {
			t.Errorf("from %+v, want %+v", from, want)
		}
		if _, err := b.client.Lease(t.Context(), "a~b:c@d", Leader); !IsNotFound(err) {
			t.Errorf("got %v", err)
		}
		if asked.Path != "/v1/leases/a~b:c@d" || asked.RawQuery != "consistency=leader" {
			t.Errorf("asked %s", asked)
		}
	})
}

func TestUnknownStalenessIsNotAge(t *testing.T) {
	o := originOf(http.Header{http.CanonicalHeaderKey(wire.HeaderStaleness): {"9007199254740991"}})
	if o.Staleness != StalenessUnknown {
		t.Errorf("staleness %v", o.Staleness)
	}
}

func TestNamespaceGoesWhereItBelongs(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		var asked []string
		b.seen = func(r *http.Request) { asked = append(asked, r.URL.Path+"?"+r.URL.RawQuery) }
		c, err := New(Config{Endpoints: endpoints, Transport: b.cluster, Namespace: "acme"})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, _ = c.Alive(t.Context(), Query{})
		_, _, _ = c.Do(t.Context(), "GET", "/v1/alive", url.Values{"ns": {"other"}}, nil, nil)
		_, _ = c.Cluster(t.Context())
		_, _ = c.ReleaseHeld(t.Context(), "web")
		_, _, _ = c.Do(t.Context(), "GET", "/readyz", nil, nil, nil)
		want := []string{"/v1/alive?ns=acme", "/v1/alive?ns=other", "/v1/cluster?", "/v1/cluster/release?ns=acme&service=web", "/readyz?"}
		if !slices.Equal(asked, want) {
			t.Errorf("asked %v, want %v", asked, want)
		}
	})
}

func TestWhatIsTriedAgain(t *testing.T) {
	type expectation struct {
		method, query string
		fault         modelNode
		tries         int
	}
	lost, unsent, busy := modelNode{lose: 9}, modelNode{down: true}, modelNode{noLeader: true}
	for _, e := range []expectation{
		{"GET", "", lost, 3},
		{"PUT", "", lost, 3},
		{"DELETE", "epoch=1", lost, 3},
		{"GET", "", busy, 3},
		{"DELETE", "epoch=1", busy, 3},
		{"DELETE", "evict=true", lost, 1},
		{"POST", "", lost, 1},
		{"PATCH", "", lost, 1},
		{"POST", "", busy, 1},
		{"DELETE", "evict=true", unsent, 3},
		{"POST", "", unsent, 3},
		{"PATCH", "", unsent, 3},
	} {
		bubble(t, func(t *testing.T, b *bench) {
			b.all(func(n *modelNode) { *n = e.fault })
			query, _ := url.ParseQuery(e.query)
			_, _, err := b.client.Do(t.Context(), e.method, "/v1/leases/x", query, struct{}{}, nil)
			if err == nil {
				t.Errorf("%s %s: no error", e.method, e.query)
			}
			nodes := map[string]bool{}
			for _, h := range b.record(e.method) {
				nodes[h.node] = true
			}
			if len(b.record(e.method)) != e.tries || len(nodes) != e.tries {
				t.Errorf("%s %s %+v: %d tries on %d nodes, want %d on as many",
					e.method, e.query, e.fault, len(b.record(e.method)), len(nodes), e.tries)
			}
		})
	}
}

func TestTheMostTellingErrorIsReturned(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.all(func(n *modelNode) { n.down = true })
		if _, err := b.client.Alive(t.Context(), Query{}); !IsUnreachable(err) || IsNoLeader(err) {
			t.Errorf("nobody there: %v", err)
		}
		b.node("n1", func(n *modelNode) { *n = modelNode{noLeader: true} })
		for range 3 { // wherever it begins
			if _, err := b.client.Alive(t.Context(), Query{}); !IsNoLeader(err) || IsUnreachable(err) {
				t.Errorf("a minority answers: %v", err)
			}
		}
		b.client.ends.turn.Store(0)
		b.node("n2", func(n *modelNode) { *n = modelNode{} })
		if _, err := b.client.Lease(t.Context(), "nobody"); !IsNotFound(err) {
			t.Errorf("after no_leader a definite answer: %v", err)
		}
	})
}

func TestDoReturnsTheBody(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		raw, header, err := b.client.Do(t.Context(), "PUT", "/v1/leases/x", nil, []byte(`{"service":"web"}`), nil)
		if err != nil || header.Get(wire.HeaderNode) == "" || !slices.Contains([]byte("{"), raw[0]) {
			t.Errorf("%s, %v, %v", raw, header, err)
		}
		raw, _, err = b.client.Do(t.Context(), "GET", "/v1/leases/y", nil, nil, nil)
		if !IsNotFound(err) || len(raw) == 0 {
			t.Errorf("a problem: %q, %v", raw, err)
		}
		var grant wire.Grant
		if _, _, err := b.client.Do(t.Context(), "PUT", "/v1/leases/x", nil, wire.Registration{}, &grant); err != nil || grant.Epoch == 0 {
			t.Errorf("grant %+v, %v", grant, err)
		}
	})
}

func TestCallsByHand(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		ctx, c := t.Context(), b.client
		grant, err := c.Grant(ctx, "web-1", wire.Registration{Service: "web"}, GrantOptions{Key: "k"})
		if err != nil {
			t.Fatal(err)
		}
		if r, err := c.Heartbeat(ctx, "web-1", wire.Heartbeat{Epoch: grant.Epoch, Seq: 1}); err != nil || r.Seq != 1 {
			t.Errorf("heartbeat: %+v, %v", r, err)
		}
		if l, err := c.Drain(ctx, "web-1", grant.Epoch); err != nil || l.State != "draining" {
			t.Errorf("drain: %+v, %v", l, err)
		}
		if cert, err := c.Evict(ctx, "web-1"); err != nil || cert.Cause != string(Evicted) {
			t.Errorf("evict: %+v, %v", cert, err)
		}
		if _, err := c.Release(ctx, "web-1", grant.Epoch); !IsEnded(err) {
			t.Errorf("release: %v", err)
		}
		for name, err := range map[string]error{
			"evict": second(c.Evict(ctx, "")), "lease": second(c.Lease(ctx, "")), "patch": second(c.Drain(ctx, "", 1)),
			"heartbeat": second(c.Heartbeat(ctx, "", wire.Heartbeat{})), "node": c.RemoveNode(ctx, ""),
		} {
			if !IsInvalid(err) {
				t.Errorf("%s of nobody: %v", name, err)
			}
		}
		synctest.Wait()
	})
}

func second[T any](_ T, err error) error { return err }

func TestThePastIsAskedAsInTheContract(t *testing.T) {
	var asked *url.URL
	node := func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL
		respond(w, 200, wire.HistoryPage{Events: []wire.Event{{Revision: 9, Type: "left"}, {Revision: 3, Type: "registered"}}})
	}
	inBubble(t, node, func(t *testing.T, c *Client) {
		at := time.Date(2026, 11, 22, 11, 0, 0, 500_000_000, time.FixedZone("CET", 3600))
		if _, err := c.Alive(t.Context(), Query{Service: "web", At: at}); err != nil || asked.RawQuery != "at=2026-11-22T10%3A00%3A00.5Z&service=web" {
			t.Errorf("asked %s, %v", asked.RawQuery, err)
		}
		if _, err := c.Alive(t.Context(), Query{AtRevision: 47}); err != nil || asked.RawQuery != "at_revision=47" {
			t.Errorf("asked %s, %v", asked.RawQuery, err)
		}
		events, err := c.History(t.Context(), "web-1", 7, Leader)
		if err != nil || len(events) != 2 || events[0].Revision != 9 {
			t.Errorf("%+v, %v", events, err)
		}
		if asked.Path != "/v1/leases/web-1/history" || asked.RawQuery != "consistency=leader&limit=7" {
			t.Errorf("asked %s", asked)
		}
		if _, err := c.History(t.Context(), "", 0); !IsInvalid(err) {
			t.Errorf("of nobody: %v", err)
		}
	})
}
