package api_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

func TestHistory(t *testing.T) {
	n, c := newServer(t)
	a := c.register("a", `{"service":"web"}`)
	c.register("b", "")
	c.do("PATCH", "/v1/leases/a", fmt.Sprintf(`{"epoch":%d,"state":"draining"}`, a.Epoch)).is(200)
	c.register("a", "")
	c.do("DELETE", "/v1/leases/a?evict=true", "").is(200)
	page := into[wire.HistoryPage](c.do("GET", "/v1/leases/a/history", "").is(200))
	var got []string
	for _, e := range page.Events {
		got = append(got, fmt.Sprint(e.Revision, e.Type, e.Certificate != nil))
	}
	if want := "5evictedtrue 4replacedtrue 3drainingfalse 1registeredfalse"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
	page = into[wire.HistoryPage](c.do("GET", "/v1/leases/a/history?limit=2&consistency=leader", "").is(200))
	if len(page.Events) != 2 || page.Events[0].Revision != 5 {
		t.Errorf("%+v", page)
	}
	c.do("GET", "/v1/leases/nobody/history", "").refuses(wire.CodeLeaseNotFound)
	c.do("GET", "/v1/leases/a/history?ns=other", "").refuses(wire.CodeLeaseNotFound)
	c.do("GET", "/v1/leases/a/history", "", header("Accept", wire.TypeCBOR)).is(200)
	tag := c.do("GET", "/v1/leases/a/history", "").is(200).Header.Get("Etag")
	c.register("c", "")
	c.do("GET", "/v1/leases/a/history", "", header("If-None-Match", tag)).is(304)
	c.do("GET", "/v1/leases/a/history?limit=2", "", header("If-None-Match", tag)).is(200)
	c.register("a", "")
	c.do("GET", "/v1/leases/a/history", "", header("If-None-Match", tag)).is(200)
	n.keepFew(1)
	if page := into[wire.HistoryPage](c.do("GET", "/v1/leases/b/history", "").is(200)); page.Events == nil || len(page.Events) != 0 {
		t.Errorf("a lease without events: %+v", page)
	}
	for _, test := range []struct{ field, path string }{
		{"limit", "/v1/leases/a/history?limit=0"},
		{"limit", "/v1/leases/a/history?limit=1001"},
		{"limit", "/v1/leases/a/history?limit=x"},
		{"cursor", "/v1/leases/a/history?cursor="},
		{"id", "/v1/leases/a%20b/history"},
		{"id", "/v1/leases/a%2Fb/history"},
	} {
		c.do("GET", test.path, "").invalid(test.field)
	}
}

// at writes a wall time of the fake node.
func at(d time.Duration) string {
	return url.QueryEscape(time.UnixMilli(wallStart).Add(d).UTC().Format(time.RFC3339Nano))
}

func TestWhoWasAlive(t *testing.T) {
	n, c := newServer(t)
	a := c.register("a", `{"service":"web","tags":["v1"],"ttl_ms":60000}`)
	n.advance(time.Second)
	c.register("b", `{"service":"web","ttl_ms":60000}`)
	c.do("PATCH", "/v1/leases/a", fmt.Sprintf(`{"epoch":%d,"tags":["v2"]}`, a.Epoch)).is(200)
	n.advance(time.Second)
	c.do("DELETE", "/v1/leases/a?evict=true", "").is(200)
	for _, test := range []struct {
		query    string
		want     string
		revision uint64
	}{
		{"", "b", 4},
		{"?at_revision=0", "", 0},
		{"?at_revision=1", "a", 1},
		{"?at_revision=2", "a b", 2},
		{"?at_revision=2&tag=v1", "a", 2},
		{"?at_revision=3&tag=v1", "", 3},
		{"?at_revision=3&tag=v2&service=web&prefix=a", "a", 3},
		{"?at_revision=4", "b", 4},
		{"?at=" + at(-time.Millisecond), "", 0},
		{"?at=" + at(0), "a", 1},
		{"?at=" + at(999*time.Millisecond), "a", 1},
		{"?at=" + at(time.Second), "a b", 3},
		{"?at=" + at(2*time.Second), "b", 4},
		{"?at=" + url.QueryEscape(time.UnixMilli(wallStart).In(time.FixedZone("", 3600)).Format(time.RFC3339)), "a", 1},
	} {
		page := c.alive(test.query)
		if ids(page) != test.want || page.Revision != test.revision {
			t.Errorf("alive%s: %q as of %d, want %q as of %d", test.query, ids(page), page.Revision, test.want, test.revision)
		}
	}
	c.do("GET", "/v1/alive?at_revision=5", "").refuses(wire.CodeTooStale)
	for _, test := range []struct{ field, query string }{
		{"at", "at=yesterday"},
		{"at", "at="},
		{"at", "at=1795000000000"},
		{"at", "at=2026-11-22"},
		{"at", "at=" + at(200*365*24*time.Hour)},
		{"at", "at_revision=1&at=" + at(0)},
		{"at_revision", "at_revision=-1"},
		{"at_revision", "at_revision="},
		{"at_revision", "at_revision=9007199254740992"},
		{"flapping", "flapping=yes"},
		{"flapping", "flapping="},
		{"flapping", "at_revision=1&flapping=true"},
		{"flapping", "flapping=false&at=" + at(0)},
	} {
		c.do("GET", "/v1/alive?"+test.query, "").invalid(test.field)
	}
}

// TestThePastHasNoPresent: a lease of the past has no member that renewals
// change.
func TestThePastHasNoPresent(t *testing.T) {
	_, c := newServer(t)
	c.register("a", `{"service":"web","address":"x","port":1,"tags":["t"],"meta":{"k":"v"}}`)
	c.register("b", "")
	members := func(query string) string {
		t.Helper()
		var page struct{ Alive []map[string]any }
		if err := json.Unmarshal(c.do("GET", "/v1/alive?"+query, "").is(200).body, &page); err != nil || len(page.Alive) != 1 {
			t.Fatal(err, page)
		}
		text, err := json.Marshal(page.Alive[0])
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	const want = `{"address":"x","epoch":1,"granted_at":"2026-11-18T11:06:40.000Z","id":"a","meta":{"k":"v"},"ns":"default","port":1,"revision":1,"service":"web","state":"alive","tags":["t"],"ttl_ms":10000}`
	for _, query := range []string{"at_revision=1", "at_revision=2&prefix=a"} { // by undoing, and as it is
		if got := members(query); got != want {
			t.Errorf("%s: %s", query, got)
		}
	}
	if got := members("at_revision=1&fields=id,seq,rtt_ms,port"); got != `{"id":"a","port":1}` {
		t.Errorf("fields: %s", got)
	}
}

func TestPagesOfThePast(t *testing.T) {
	n, c := newServer(t)
	for i := range 25 {
		c.register(fmt.Sprintf("id-%02d", i), "")
	}
	n.advance(time.Second)
	for _, query := range []string{"at_revision=25", "at=" + at(0)} {
		var got []string
		page := c.alive("?limit=10&" + query)
		for {
			got = append(got, strings.Fields(ids(page))...)
			if page.Revision != 25 {
				t.Errorf("revision %d", page.Revision)
			}
			if page.NextCursor == "" || len(got) > 100 {
				break
			}
			c.do("DELETE", "/v1/leases/"+got[len(got)-1]+"?evict=true", "")
			c.register(got[len(got)-1]+"a", "")
			page = c.alive("?limit=10&" + query + "&cursor=" + url.QueryEscape(page.NextCursor))
		}
		if len(got) != 25 || got[24] != "id-24" {
			t.Errorf("%s: %v", query, got)
		}
	}
	next := url.QueryEscape(c.alive("?limit=10&at_revision=25").NextCursor)
	for _, other := range []string{"at_revision=24", "at=" + at(0), ""} {
		c.do("GET", "/v1/alive?limit=10&"+other+"&cursor="+next, "").invalid("cursor")
	}
	tag := c.do("GET", "/v1/alive?at_revision=25", "").Header.Get("Etag")
	c.register("new", "")
	c.do("GET", "/v1/alive?at_revision=25", "", header("If-None-Match", tag)).is(304)
	if other := c.do("GET", "/v1/alive?at_revision=24", "").Header.Get("Etag"); other == tag {
		t.Error("two moments have one ETag")
	}
}

func TestForgottenPast(t *testing.T) {
	n, c := newServer(t)
	n.keepFew(3)
	for i := range 10 {
		c.register(fmt.Sprint("id", i), "")
		n.advance(time.Second)
	}
	first := c.do("GET", "/v1/alive?at_revision=6", "").refuses(wire.CodeCompacted)
	if first.OldestRevision == 0 {
		t.Errorf("%+v", first)
	}
	c.do("GET", "/v1/alive?at="+at(0), "").refuses(wire.CodeCompacted)
	c.do("GET", "/v1/alive?at_revision="+fmt.Sprint(first.OldestRevision), "").is(200)
}

func TestFlapping(t *testing.T) {
	n, c := newServer(t)
	c.register("calm", "")
	for range 20 {
		c.register("wild", "")
	}
	for path, want := range map[string]bool{"/v1/leases/calm": false, "/v1/leases/wild": true} {
		if got := into[wire.Lease](c.do("GET", path, "").is(200)).Flapping; got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
	for query, want := range map[string]string{"?flapping=true": "wild", "?flapping=false": "calm", "": "calm wild"} {
		if got := ids(c.alive(query)); got != want {
			t.Errorf("alive%s: %q", query, got)
		}
	}
	if page := c.alive(""); page.Alive[0].Flapping || !page.Alive[1].Flapping {
		t.Errorf("%+v", page)
	}
	epoch := into[wire.Lease](c.do("GET", "/v1/leases/wild", "")).Epoch
	if l := into[wire.Lease](c.do("PATCH", "/v1/leases/wild", fmt.Sprintf(`{"epoch":%d,"port":1}`, epoch)).is(200)); !l.Flapping {
		t.Errorf("%+v", l)
	}
	tag := c.do("GET", "/v1/alive", "").Header.Get("Etag")
	for range 60 {
		n.mu.Lock()
		n.at.Index++
		e := registry.Entry{Wall: wallStart, Proposer: "n1", Advance: 600_000, Commands: []registry.Command{&registry.Check{}}}
		n.replica.Apply(n.at, &e, n.mono)
		n.mu.Unlock()
	}
	if page := c.alive("?flapping=true"); page.Count != 0 {
		t.Errorf("after ten hours: %+v", page)
	}
	c.do("GET", "/v1/alive", "", header("If-None-Match", tag)).is(200)
}
