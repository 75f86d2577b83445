package api

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// shelf is a node that only shows a replica, to which the test applies
// commands.
type shelf struct {
	instant
	mono    func() time.Duration
	wall    int64
	mu      sync.RWMutex
	replica *registry.Replica
}

func newShelf() *shelf {
	return &shelf{
		replica: registry.NewReplica("n1"), wall: 1_795_000_000_000,
		mono: func() time.Duration { return 0 },
	}
}

func (n *shelf) apply(commands ...registry.Command) registry.Outcome {
	n.mu.Lock()
	defer n.mu.Unlock()
	e := registry.Entry{Wall: n.wall, Proposer: "n1", Commands: commands}
	return n.replica.Apply(registry.Position{Index: n.replica.Index() + 1, Term: 1}, &e, n.mono())
}

func (n *shelf) View(f func(*registry.Replica, time.Duration)) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	f(n.replica, n.mono())
}

func (n *shelf) AwaitRevision(context.Context, uint64) error { return nil }

func (n *shelf) Status() Status { return Status{StalenessKnown: true} }

func (n *shelf) rows(q registry.Query) (rows []registry.Row) {
	n.View(func(r *registry.Replica, mono time.Duration) { rows, _ = r.Rows(q, mono, nil) })
	return rows
}

// holdAll holds everybody, as a judge would where masses fall silent.
func (n *shelf) holdAll(reason string) {
	for _, ns := range []string{"default", "other"} {
		hold := registry.Hold{Term: 1, NS: ns, Reason: reason, MaxMS: 1000, RestMS: 1000}
		for _, row := range n.rows(registry.Query{NS: ns, Limit: 1000}) {
			hold.Burials = append(hold.Burials, registry.Burial{Epoch: row.Epoch, Seq: row.Seq})
		}
		n.apply(&hold)
	}
}

// fataler is a testing.TB or a rapid.T.
type fataler interface {
	Helper()
	Fatal(...any)
}

// get asks a server for something.
func get(t fataler, s *Server, path string, header http.Header) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequest("GET", "http://localhost"+path, nil)
	req.Header = header
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, req)
	return w
}

// plain answers GET /v1/alive in the plain way: a copy of each lease, encoded
// by package encoding/json.
func plain(t fataler, s *Server, n *shelf, raw string) (body []byte, tag string) {
	t.Helper()
	values, err := url.ParseQuery(raw)
	if err != nil {
		t.Fatal(err)
	}
	q, err := (&request{query: query(values), ns: "default"}).aliveQuery()
	if err != nil {
		t.Fatal(err)
	}
	page := wire.AlivePage{Alive: []wire.Lease{}}
	next := ""
	n.View(func(r *registry.Replica, mono time.Duration) {
		q.Now = r.ClusterNow(mono)
		list := r.List(q.Query)
		for i := range list.Leases {
			page.Alive = append(page.Alive, s.showLive(&list.Leases[i], r, mono))
		}
		page.Revision, page.Count, next = r.Revision(), len(page.Alive), list.Next
	})
	if next != "" {
		first := q.cursor.revision
		if first == 0 {
			first = page.Revision
		}
		page.NextCursor = cursor{after: next, revision: first}.encode(q.question)
	}
	var shown any = page
	if q.fields != nil {
		shown = project(page, q.fields)
	}
	if body, err = encodeJSON(shown); err != nil {
		t.Fatal(err)
	}
	return body, aliveTag(&q, page.Alive, next)
}

// pagesSent returns how many pages a server sent, by source.
func pagesSent(t fataler, s *Server, source string) (n int) {
	t.Helper()
	_, rest, found := strings.Cut(get(t, s, "/metrics", http.Header{}).Body.String(), "\n"+pagesName+`{source="`+source+`"} `)
	if _, err := fmt.Sscan(rest, &n); !found || err != nil {
		t.Fatal("no count of pages in /metrics: ", err)
	}
	return n
}
