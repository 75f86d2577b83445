package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/seed-b4c92e43/rollcall/api"
	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

func TestStream(t *testing.T) {
	n, c := newServer(t)
	g := c.register("a", `{"service":"web","tags":["v1"]}`)
	c.beat("a", g.Epoch, 1).is(200)
	f := c.watch("")
	first := f.snapshot()
	if first.More || first.Revision != g.Revision || len(first.Leases) != 1 || first.Leases[0].ID != "a" || first.Leases[0].Seq != 1 {
		t.Fatalf("snapshot %+v", first)
	}
	b := c.register("b", `{"service":"db","ttl_ms":5000}`)
	if e := f.event("registered"); e.Epoch != b.Epoch || e.ID != "b" || e.NS != "default" || e.Service != "db" || e.Lease.ExpiresInMS != 5000 || e.Certificate != nil || e.At == 0 {
		t.Errorf("registered: %+v", e)
	}
	c.beat("b", b.Epoch, 1).is(200) // nobody is told of renewals
	c.do("PATCH", "/v1/leases/a", fmt.Sprintf(`{"epoch":%d,"tags":["v2"]}`, g.Epoch)).is(200)
	if e := f.event("updated"); e.Lease.Tags[0] != "v2" || e.Lease.Seq != 1 {
		t.Errorf("updated: %+v", e)
	}
	c.do("PATCH", "/v1/leases/a", fmt.Sprintf(`{"epoch":%d,"state":"draining"}`, g.Epoch)).is(200)
	if e := f.event("draining"); e.Lease.State != "draining" {
		t.Errorf("draining: %+v", e)
	}
	again := c.register("a", `{"service":"web"}`)
	if e := f.event("replaced"); e.Lease.Epoch != again.Epoch || e.Certificate.Epoch != g.Epoch || e.Certificate.Cause != "replaced" || e.Epoch != again.Epoch {
		t.Errorf("replaced: %+v", e)
	}
	c.do("DELETE", fmt.Sprintf("/v1/leases/a?epoch=%d", again.Epoch), "").is(200)
	if e := f.event("left"); e.Lease != nil || e.Certificate.Cause != "left" {
		t.Errorf("left: %+v", e)
	}
	n.advance(6 * time.Second)
	if e := f.event("expired"); e.Lease != nil || e.Certificate.Cause != "expired" || e.Certificate.OverdueMS == 0 {
		t.Errorf("expired: %+v", e)
	}
	c.register("c", "")
	f.event("registered")
	c.do("DELETE", "/v1/leases/c?evict=true", "").is(200)
	f.event("evicted")
}

func TestStreamGoesOn(t *testing.T) {
	_, c := newServer(t)
	for i := range 5 {
		c.register(fmt.Sprint("id", i), "")
	}
	for _, test := range []struct {
		query string
		last  string
		want  uint64
	}{
		{"?after=0", "", 1}, {"?after=3", "", 4}, {"", "3", 4}, {"?after=0", "4", 5}, {"?after=4", "0", 1}, {"?after=2", "", 3}, {"?after=1&min_revision=5&consistency=leader", "", 2},
	} {
		var options []option
		if test.last != "" {
			options = append(options, header("Last-Event-ID", test.last))
		}
		f := c.watch(test.query, options...)
		for want := test.want; want <= 5; want++ {
			if e := f.event("registered"); e.Revision != want {
				t.Fatalf("%+v: revision %d, want %d", test, e.Revision, want)
			}
		}
	}
	f := c.watch("?after=5", header("Last-Event-ID", ""))
	c.register("id5", "")
	if e := f.event("registered"); e.Revision != 6 {
		t.Errorf("%+v", e)
	}
	c.do("GET", "/v1/watch?after=7", "", asStream).refuses(wire.CodeTooStale)
	c.do("GET", "/v1/watch?after=7", "").refuses(wire.CodeTooStale)
	c.do("GET", "/v1/watch", "", header("Last-Event-ID", "7")).refuses(wire.CodeTooStale)
}

func TestStreamFilters(t *testing.T) {
	_, c := newServer(t)
	a := c.register("web-1", `{"service":"web","tags":["v1","eu"]}`)
	c.register("web-10", `{"service":"web","tags":["v1"]}`)
	c.register("db-1", `{"service":"db","tags":["eu"]}`)
	c.do("PUT", "/v1/leases/web-1?ns=other", `{"service":"web"}`).is(201)
	feeds := map[string]*feed{}
	for query, want := range map[string]string{
		"?": "db-1 web-1 web-10", "?service=web": "web-1 web-10", "?id=web-1": "web-1", "?id=web": "", "?prefix=web-": "web-1 web-10", "?tag=eu": "db-1 web-1",
		"?tag=v1&tag=eu": "web-1", "?service=web&prefix=web-10": "web-10", "?id=web-1&prefix=db": "", "?id=web-1&service=db": "", "?id=db-1&service=db&tag=eu&prefix=d": "db-1",
		"?ns=other": "web-1", "?ns=nobody": "",
	} {
		feeds[query] = c.watch(query)
		var got []string
		for _, l := range feeds[query].snapshot().Leases {
			got = append(got, l.ID)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", query, got, want)
		}
	}
	c.do("PATCH", "/v1/leases/web-1", fmt.Sprintf(`{"epoch":%d,"tags":["eu"]}`, a.Epoch)).is(200)
	c.do("PUT", "/v1/leases/end?ns=other", "").is(201)
	c.register("db-1", `{"service":"db","tags":["eu"]}`) // a last one for each
	c.register("web-10", `{"service":"web","tags":["v1","eu"]}`)
	for query, want := range map[string]string{
		"?": "web-1 db-1 web-10", "?service=web": "web-1 web-10", "?id=web-1": "web-1", "?prefix=web-": "web-1 web-10", "?tag=eu": "web-1 db-1 web-10",
		"?tag=v1&tag=eu": "web-1! web-10", "?ns=other": "end",
	} {
		for id := range strings.SplitSeq(want, " ") {
			e, _ := feeds[query].next()
			v := strict[wire.Event](t, e.data)
			if v.ID != strings.TrimSuffix(id, "!") || v.LeavesFilter != strings.HasSuffix(id, "!") {
				t.Errorf("%s: %s leaves %v, want %s", query, v.ID, v.LeavesFilter, id)
			}
		}
	}
}

// keepFew lets the registry keep that many events.
func (n *node) keepFew(events uint32) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.apply(&registry.Serve{Term: 1, ClusterID: "c1", Retention: registry.Retention{EventMax: events}})
}

func TestCompacted(t *testing.T) {
	n, c := newServer(t)
	n.keepFew(3)
	for i := range 10 {
		c.register(fmt.Sprint("id", i), "")
	}
	for _, options := range [][]option{nil, {asStream}, {asStream, header("Last-Event-ID", "6")}} {
		if p := c.do("GET", "/v1/watch?after=6", "", options...).refuses(wire.CodeCompacted); p.OldestRevision != 8 {
			t.Errorf("oldest_revision %d", p.OldestRevision)
		}
		c.do("HEAD", "/v1/watch?after=6", "", options...).is(410)
	}
	c.do("GET", "/v1/watch?after=0", "").refuses(wire.CodeCompacted)
	if e := c.watch("?after=7").event("registered"); e.Revision != 8 {
		t.Errorf("%+v", e)
	}
}

// TestSlowReaderIsNotSkipped: one for whom what it has not read is compacted is
// cut off, and told when it comes again.
func TestSlowReaderIsNotSkipped(t *testing.T) {
	n := newNode()
	n.keepFew(100)
	_, c := servePipes(t, api.Config{Node: n})
	f := c.watch("?after=0")
	c.register("id0", "")
	last := f.event("registered").Revision
	for i := range 10_000 {
		n.do(&registry.Grant{NS: "default", ID: fmt.Sprint("id", i+1), TTL: 10_000})
	}
	for {
		e, ok := f.next()
		if !ok {
			t.Fatal("the stream ends without a word")
		}
		if e.comment != "" {
			if !strings.HasPrefix(e.comment, "compacted") {
				t.Errorf("comment %q", e.comment)
			}
			break
		}
		if last++; e.id != fmt.Sprint(last) {
			t.Fatalf("id %s, want %d", e.id, last)
		}
	}
	if e, ok := f.next(); ok {
		t.Errorf("after the end: %+v", e)
	}
	c.do("GET", "/v1/watch", "", header("Last-Event-ID", fmt.Sprint(last))).refuses(wire.CodeCompacted)
	if page := string(c.do("GET", "/metrics", "").body); !strings.Contains(page, `rollcall_watch_cut_off_total{reason="compacted"} 1`) {
		t.Error("it is not counted")
	}
}

// TestSnapshotIsOfOneRevision reads parts slowly while leases come, change and
// go: the parts are who was alive at the first, and the events go on from there.
func TestSnapshotIsOfOneRevision(t *testing.T) {
	n := newNode()
	_, c := servePipes(t, api.Config{Node: n})
	grant := func(id, tag string) {
		n.do(&registry.Grant{NS: "default", ID: id, TTL: 10_000, Spec: registry.Spec{Tags: []string{tag}}})
	}
	for i := range 2500 {
		grant(fmt.Sprintf("id-%04d", i), "old")
	}
	f := c.watch("?prefix=id-")
	part := f.snapshot()
	grant("id-1500", "new") // replaced, within the second part
	grant("id-1500x", "new")
	grant("id-0000x", "new")
	n.do(&registry.Evict{NS: "default", ID: "id-1600"})
	n.do(&registry.Evict{NS: "default", ID: "id-0001"})
	revision, sizes, seen := part.Revision, []int{len(part.Leases)}, part.Leases
	for part.More {
		part = f.snapshot()
		sizes, seen = append(sizes, len(part.Leases)), append(seen, part.Leases...)
		if part.Revision != revision {
			t.Fatalf("revision %d after %d", part.Revision, revision)
		}
	}
	if !slices.Equal(sizes, []int{1000, 1000, 500}) || revision != 2500 {
		t.Errorf("parts of %v, revision %d", sizes, revision)
	}
	for i, l := range seen {
		if l.ID != fmt.Sprintf("id-%04d", i) || l.Tags[0] != "old" || l.Epoch != uint64(i+1) || l.GrantedAt == 0 || l.RenewedAt == 0 {
			t.Fatalf("lease %d: %+v", i, l)
		}
	}
	for i, want := range []string{"replaced", "registered", "registered", "evicted", "evicted"} {
		if e := f.event(want); e.Revision != uint64(2501+i) {
			t.Errorf("revision %d", e.Revision)
		}
	}
}

func TestSnapshotThatIsCompacted(t *testing.T) {
	n := newNode()
	n.keepFew(10)
	_, c := servePipes(t, api.Config{Node: n})
	for i := range 2500 {
		n.do(&registry.Grant{NS: "default", ID: fmt.Sprintf("id-%04d", i), TTL: 10_000})
	}
	f := c.watch("")
	f.snapshot()
	for i := range 20 {
		n.do(&registry.Grant{NS: "default", ID: fmt.Sprintf("id-%04d", i), TTL: 10_000})
	}
	parts := 1
	for {
		e, ok := f.next()
		if !ok || e.comment != "" {
			break
		}
		if parts++; e.id != "" {
			t.Errorf("a part of a snapshot that is not whole has an id: %+v", e)
		}
	}
	if parts > 2 {
		t.Errorf("%d parts", parts)
	}
}

func TestPoll(t *testing.T) {
	_, c := newServer(t)
	poll := func(query string, options ...option) wire.EventPage {
		t.Helper()
		return into[wire.EventPage](c.do("GET", "/v1/watch"+query, "", options...).is(200))
	}
	a := c.register("a", `{"service":"web","tags":["x"]}`)
	c.register("b", `{"service":"db"}`)
	if page := poll("?after=0"); len(page.Events) != 2 || page.Next != 2 || page.Events[0].Type != "registered" {
		t.Errorf("%+v", page)
	}
	if page := poll("?after=0&service=db", header("Accept", "application/json, text/event-stream")); len(page.Events) != 1 || page.Next != 2 {
		t.Errorf("%+v", page)
	}
	if page := poll("?after=0&service=api&wait_ms=0"); page.Events == nil || len(page.Events) != 0 || page.Next != 2 {
		t.Errorf("%+v", page)
	}
	done := make(chan wire.EventPage)
	go func() { done <- poll("?after=2&tag=x&wait_ms=60000") }()
	c.register("c", "")
	c.do("PATCH", "/v1/leases/a", fmt.Sprintf(`{"epoch":%d,"tags":[]}`, a.Epoch)).is(200)
	if page := <-done; len(page.Events) != 1 || !page.Events[0].LeavesFilter || page.Next != 4 {
		t.Errorf("%+v", page)
	}
	c.do("HEAD", "/v1/watch?after=4&wait_ms=300000", "").is(200)
	r := c.do("HEAD", "/v1/watch", "", asStream).is(200)
	if r.Header.Get("Content-Type") != wire.TypeEvents {
		t.Errorf("HEAD: %v", r.Header)
	}
	r = c.do("GET", "/v1/watch?after=3", "", header("Accept", wire.TypeCBOR)).is(200)
	var page struct {
		Events []map[string]any
		Next   uint64
	}
	if err := cbor.Unmarshal(r.body, &page); err != nil || page.Next != 4 || len(page.Events) != 1 || page.Events[0]["type"] != "updated" || page.Events[0]["leaves_filter"] != nil {
		t.Errorf("%+v %v", page, err)
	}
}

func TestPollHoldsAThousandEvents(t *testing.T) {
	n, c := newServer(t)
	for i := range 2500 {
		n.do(&registry.Grant{NS: "default", ID: fmt.Sprint(i), TTL: 10_000})
	}
	for next, seen := uint64(0), 0; next < 2500; {
		page := into[wire.EventPage](c.do("GET", fmt.Sprintf("/v1/watch?after=%d", next), "").is(200))
		if len(page.Events) == 0 || len(page.Events) > 1000 || page.Next != page.Events[len(page.Events)-1].Revision {
			t.Fatalf("%d events, next %d", len(page.Events), page.Next)
		}
		if seen += len(page.Events); uint64(seen) != page.Next {
			t.Fatalf("%d events seen, next %d", seen, page.Next)
		}
		next = page.Next
	}
}

// snapshots is an answer to a long poll that named no revision.
type snapshots struct {
	Events []wire.Snapshot `json:"events"`
	Next   uint64          `json:"next"`
}

func TestPollBeginsWithASnapshot(t *testing.T) {
	n, c := newServer(t)
	if page := into[snapshots](c.do("GET", "/v1/watch", "").is(200)); len(page.Events) != 1 || page.Next != 0 || len(page.Events[0].Leases) != 0 || page.Events[0].Type != "snapshot" {
		t.Errorf("nobody: %+v", page)
	}
	for i := range 1500 {
		n.do(&registry.Grant{NS: "default", ID: fmt.Sprintf("id-%04d", i), TTL: 10_000})
	}
	check := func(page snapshots) {
		t.Helper()
		if len(page.Events) != 2 || page.Next != 1500 || !page.Events[0].More || page.Events[1].More || len(page.Events[0].Leases)+len(page.Events[1].Leases) != 1500 {
			t.Errorf("%d parts, next %d", len(page.Events), page.Next)
		}
	}
	check(into[snapshots](c.do("GET", "/v1/watch", "").is(200)))
	r := c.do("GET", "/v1/watch", "", header("Accept", wire.TypeCBOR)).is(200)
	plain, err := decodeCBOR(bytes.NewReader(r.body), nil, nil, nil)
	if err != nil || r.Header.Get("Content-Type") != wire.TypeCBOR {
		t.Fatal(err)
	}
	text, err := json.Marshal(plain)
	if err != nil {
		t.Fatal(err)
	}
	check(strict[snapshots](t, string(text)))
	c.do("HEAD", "/v1/watch", "").is(200)
}

// TestPollSnapshotBreaksOff: half a snapshot must not look like a whole one.
func TestPollSnapshotBreaksOff(t *testing.T) {
	n := newNode()
	n.keepFew(10)
	_, c := servePipes(t, api.Config{Node: n})
	for i := range 2500 {
		n.do(&registry.Grant{NS: "default", ID: fmt.Sprintf("id-%04d", i), TTL: 10_000})
	}
	resp, err := c.http.Get(c.base + "/v1/watch")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for i := range 20 {
		n.do(&registry.Grant{NS: "default", ID: fmt.Sprintf("id-%04d", i), TTL: 10_000})
	}
	if n, err := readAll(resp); err == nil {
		t.Errorf("%d bytes came to an end", n)
	}
}

func TestManyWatchersGetOneChange(t *testing.T) {
	const watchers = 500
	_, c := newServer(t)
	feeds := make([]*feed, watchers)
	for i := range feeds {
		feeds[i] = c.watch("?after=0&service=web")
	}
	c.register("a", `{"service":"web"}`)
	for _, f := range feeds {
		f.event("registered")
	}
	page := string(c.do("GET", "/metrics", "").body)
	for _, line := range []string{"rollcall_watches 500", "rollcall_watch_events_total 500"} {
		if !strings.Contains(page, line+"\n") {
			t.Errorf("/metrics lacks %s", line)
		}
	}
}

func TestBadWatches(t *testing.T) {
	_, c := newServer(t)
	for _, test := range []struct{ field, query string }{
		{"x", "x=1"},
		{"cursor", "cursor="},
		{"limit", "limit=1"},
		{"meta.a", "meta.a=b"},
		{"service", "service=a%20b"},
		{"service", "service=a&service=b"},
		{"id", "id=."},
		{"id", "id=a%2Fb"},
		{"id", "id=" + strings.Repeat("a", 129)},
		{"prefix", "prefix=a/b"},
		{"tag", "tag=" + strings.Repeat("t", 65)},
		{"tag", strings.Repeat("tag=a&", 33)},
		{"ns", "ns="},
		{"after", "after="},
		{"after", "after=-1"},
		{"after", "after=1.5"},
		{"after", "after=9007199254740992"},
		{"after", "after=x"},
		{"after", "after=1&after=1"},
		{"wait_ms", "wait_ms=-1"},
		{"wait_ms", "wait_ms=300001"},
		{"wait_ms", "wait_ms="},
		{"wait_ms", "wait_ms=30s"},
		{"consistency", "consistency=strong"},
		{"min_revision", "min_revision=x"},
		{"max_stale_ms", "max_stale_ms=x"},
	} {
		c.do("GET", "/v1/watch?"+test.query, "").invalid(test.field)
		c.do("GET", "/v1/watch?"+test.query, "", asStream).invalid(test.field)
	}
	for _, last := range []string{"x", "-1", "1.5", "9007199254740992", "1 2"} {
		c.do("GET", "/v1/watch?after=0", "", header("Last-Event-ID", last)).invalid("Last-Event-ID")
	}
	c.do("GET", "/v1/watch", "", header("Last-Event-ID", "0"), header("Last-Event-ID", "0")).invalid("Last-Event-ID")
	c.do("GET", "/v1/watch?after=x", "", header("Last-Event-ID", "0")).invalid("after")
	c.do("POST", "/v1/watch", "").refuses(wire.CodeMethodNotAllowed)
	if r := c.do("GET", "/v1/watch?max_stale_ms=0", "", asStream); r.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d", r.StatusCode)
	}
}
