package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// world is a node that changes at random beside a server whose pages are held
// against fresh ones.
type world struct {
	*shelf
	server *Server
	now    time.Duration
	epochs map[string]uint64
	seqs   map[uint64]uint64
}

func newWorld(t *rapid.T) *world {
	w := &world{shelf: newShelf(), epochs: make(map[string]uint64), seqs: make(map[uint64]uint64)}
	w.mono = func() time.Duration { return w.now }
	w.replica.Tick(0)
	s, err := New(Config{Node: w.shelf})
	if err != nil {
		t.Fatal(err)
	}
	s.pages.most = rapid.SampledFrom([]int{maxPages, 4096, 0}).Draw(t, "most")
	w.server = s
	return w
}

func (w *world) id(t *rapid.T) string {
	return rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}).Draw(t, "id")
}

func (w *world) Grant(t *rapid.T) {
	id := w.id(t)
	g := &registry.Grant{NS: "default", ID: id, TTL: 1000, Spec: registry.Spec{Service: rapid.SampledFrom([]string{"web", "db"}).Draw(t, "service")}}
	w.epochs[id] = w.apply(g).Results[0].Lease.Epoch
}

func (w *world) Renew(t *rapid.T) {
	epoch := w.epochs[w.id(t)]
	w.seqs[epoch]++
	w.apply(&registry.Renew{Beats: registry.Beats(nil).Append(epoch, w.seqs[epoch])})
}

func (w *world) Drain(t *rapid.T) {
	id := w.id(t)
	w.apply(&registry.Patch{NS: "default", ID: id, Epoch: w.epochs[id], State: new(registry.Draining)})
}

func (w *world) Leave(t *rapid.T) {
	id := w.id(t)
	w.apply(&registry.Leave{NS: "default", ID: id, Epoch: w.epochs[id]})
}

// Flap makes an id come and go so often that it flaps.
func (w *world) Flap(t *rapid.T) {
	id := w.id(t)
	for range 5 {
		w.epochs[id] = w.apply(&registry.Grant{NS: "default", ID: id, TTL: 1000}).Results[0].Lease.Epoch
	}
}

func (w *world) Hold(*rapid.T) { w.holdAll("many") }

// Pass lets time pass, less than a tick or more.
func (w *world) Pass(t *rapid.T) {
	w.now += time.Duration(rapid.IntRange(0, 45).Draw(t, "ms")) * time.Millisecond
	w.wall += rapid.Int64Range(0, 45).Draw(t, "wall")
	w.mu.Lock()
	defer w.mu.Unlock()
	w.replica.Tick(w.now)
}

// Restore puts another replica in the place of the one there is, perhaps with
// as many entries.
func (w *world) Restore(*rapid.T) {
	was := w.replica.Index()
	w.replica = registry.NewReplica("n1")
	w.replica.Tick(w.now)
	for i := range was {
		w.apply(&registry.Grant{NS: "default", ID: fmt.Sprint("new", i%3), TTL: 1000})
	}
}

// Read asks something, and once more after some time.
func (w *world) Read(t *rapid.T) {
	raw := rapid.SampledFrom([]string{"", "service=web", "limit=1", "fields=id,expires_in_ms", "flapping=true", "state=draining,held", "second"}).Draw(t, "query")
	if raw == "second" {
		raw = w.second(t)
	}
	w.ask(t, raw)
	if rapid.Bool().Draw(t, "later") {
		w.Pass(t)
	}
	w.ask(t, raw)
}

func (w *world) ask(t *rapid.T, raw string) {
	want, tag := plain(t, w.server, w.shelf, raw)
	header := http.Header{}
	given := rapid.SampledFrom([]string{"", `W/"old"`, tag}).Draw(t, "If-None-Match")
	if given != "" {
		header.Set("If-None-Match", given)
	}
	got := get(t, w.server, "/v1/alive?"+raw, header)
	if got.Header().Get("Etag") != tag || got.Header().Get(wire.HeaderRevision) != fmt.Sprint(w.replica.Revision()) {
		t.Fatalf("headers %v, want ETag %s and revision %d", got.Header(), tag, w.replica.Revision())
	}
	if given == tag {
		if got.Code != http.StatusNotModified || got.Body.Len() > 0 {
			t.Fatalf("%d with %q, want 304", got.Code, got.Body)
		}
		return
	}
	w.compare(t, got.Body.Bytes(), want)
}

// second is the question for a second page, which remembers one of two first
// pages.
func (w *world) second(t *rapid.T) string {
	q, err := (&request{query: query{paramLimit: {"1"}}, ns: "default"}).aliveQuery()
	if err != nil {
		t.Fatal(err)
	}
	c := cursor{after: "a", revision: rapid.Uint64Range(0, min(1, w.replica.Revision())).Draw(t, "first page")}
	return "limit=1&cursor=" + c.encode(q.question)
}

// compare holds a page against a fresh one: they are the same but for what time
// alone changes, and that is a tick old at most.
func (w *world) compare(t *rapid.T, got, want []byte) {
	g, gLeft := timeless(t, got)
	f, fLeft := timeless(t, want)
	if !bytes.Equal(g, f) {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
	for i := range fLeft {
		if older := gLeft[i] - fLeft[i]; older < 0 || older > float64(registry.TickEvery.Milliseconds()) {
			t.Fatalf("expires_in_ms is %v old:\n%s\nfresh\n%s", older, got, want)
		}
	}
}

// timeless returns a page without what time alone changes, and that.
func timeless(t *rapid.T, body []byte) (rest []byte, left []float64) {
	var page map[string]any
	if err := json.Unmarshal(body, &page); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	for _, l := range page["alive"].([]any) {
		lease := l.(map[string]any)
		if ms, ok := lease["expires_in_ms"].(float64); ok {
			left = append(left, ms)
		}
		delete(lease, "expires_in_ms")
		delete(lease, "late")
	}
	rest, err := json.Marshal(page)
	if err != nil {
		t.Fatal(err)
	}
	return rest, left
}

// TestSharedPagesAreFresh: whatever happened, a page is what a fresh one would
// be, its times at most a tick old.
func TestSharedPagesAreFresh(t *testing.T) {
	shared := 0
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		t.Repeat(map[string]func(*rapid.T){
			"grant": w.Grant, "renew": w.Renew, "drain": w.Drain, "leave": w.Leave, "flap": w.Flap, "hold": w.Hold,
			"pass": w.Pass, "restore": w.Restore, "read": w.Read, "again": w.Read,
		})
		shared += pagesSent(t, w.server, "shared")
		if s := w.server; s.pages.bytes > s.pages.most {
			t.Fatalf("%d bytes are kept", s.pages.bytes)
		}
	})
	if shared == 0 {
		t.Error("no page was ever shared")
	}
}

// TestPagesAreSharedByAll: many who ask at once, while leases are renewed, each
// get a page in which what was acknowledged before they asked is there.
func TestPagesAreSharedByAll(t *testing.T) {
	n := typical(100)
	s, err := New(Config{Node: n})
	if err != nil {
		t.Fatal(err)
	}
	epoch := n.rows(registry.Query{NS: "default", Limit: 1})[0].Epoch
	var acknowledged atomic.Uint64
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			for range 50 {
				before := acknowledged.Load()
				var page wire.AlivePage
				body := get(t, s, "/v1/alive?limit=1000", http.Header{}).Body.Bytes()
				if err := json.Unmarshal(body, &page); err != nil || len(page.Alive) != 100 || page.Alive[0].Seq < before {
					t.Errorf("after seq %d: %v in %d bytes: %.300s", before, err, len(body), body)
					return
				}
			}
		})
	}
	for seq := uint64(1); seq <= 200; seq++ {
		n.apply(&registry.Renew{Beats: registry.Beats(nil).Append(epoch, seq)})
		acknowledged.Store(seq)
		get(t, s, "/v1/alive?limit=1000", http.Header{})
	}
	readers.Wait()
	encoded, shared := pagesSent(t, s, "encoded"), pagesSent(t, s, "shared")
	if encoded+shared != 600 || shared == 0 {
		t.Errorf("%d pages were encoded and %d shared, of 600", encoded, shared)
	}
}

// view returns a moment of a replica that has applied so many entries.
func view(r *registry.Replica, mono time.Duration) sight { return sight{r.Version(), mono} }

func whole(p *page) bool { return p.text != nil }

// TestMemoryOfPages: the memory of a page that is being sent is not used for
// another, whoever forgets it; what is kept stays below the bound.
func TestMemoryOfPages(t *testing.T) {
	const size = maxText / 8
	ps := newPages(2 * maxText)
	r := registry.NewReplica("n1")
	make := func(key byte, mono time.Duration) (*page, bool) {
		return ps.get([]byte{key}, view(r, mono), whole, func(p *page) {
			p.seen, p.text = view(r, mono), newText(size)
			p.text.body = append(p.text.body, bytes.Repeat([]byte{key}, size)...)
		})
	}
	var sending []*page
	for key := range byte(100) {
		p, _ := make(key, time.Duration(key)*time.Millisecond)
		if key%3 == 0 {
			sending = append(sending, p)
		} else {
			ps.release(p)
		}
		if ps.bytes > ps.most {
			t.Fatalf("%d bytes are kept", ps.bytes)
		}
	}
	for i, p := range sending {
		if key := byte(3 * i); !bytes.Equal(p.text.body, bytes.Repeat([]byte{key}, size)) {
			t.Fatalf("the page of %d is now that of %d", key, p.text.body[0])
		}
		ps.release(p)
	}
	if len(ps.kept) != len(ps.byKey) || len(ps.kept) > 15 {
		t.Errorf("%d pages are kept, %d can be found", len(ps.kept), len(ps.byKey))
	}
	if _, shared := make(99, 99*time.Millisecond+pageAge-1); !shared {
		t.Error("a page is not shared as long as it may be")
	}
	if _, shared := make(99, 99*time.Millisecond+pageAge); shared {
		t.Error("a page is shared when it is too old")
	}
}

// TestAPageThatFails: those who wait for a page whose maker fails make it by
// themselves.
func TestAPageThatFails(t *testing.T) {
	ps := newPages(maxPages)
	r := registry.NewReplica("n1")
	making, fail := make(chan struct{}), make(chan struct{})
	var both sync.WaitGroup
	both.Go(func() {
		defer func() { recover() }()
		ps.get([]byte("k"), view(r, 0), whole, func(*page) {
			close(making)
			<-fail
			panic("on purpose")
		})
	})
	<-making
	both.Go(func() {
		p, shared := ps.get([]byte("k"), view(r, 0), whole, func(p *page) { p.seen, p.text = view(r, 0), newText(1) })
		if shared || p.text == nil {
			t.Errorf("got %+v", p)
		}
	})
	close(fail)
	both.Wait()
}
