//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// quiet is how long a watcher waits for something before it asks another node:
// somebody registers or ends every second, so silence is a fault.
const quiet = 4 * time.Second

// watcher hears the events that match its filter, on one node after another,
// each time from where it was.
type watcher struct {
	*fleet
	name   string
	query  string // of its filter, "" for everything
	match  func(e *wire.Event) bool
	stream bool // server-sent events, else long polls

	mu    sync.Mutex // guards what follows
	last  uint64     // revision up to which it has heard
	heard []brief    // and was not compared yet
	moves int
}

// brief is what of an event is compared.
type brief struct {
	revision uint64
	what     string
}

func briefOf(e *wire.Event) brief {
	return brief{e.Revision, fmt.Sprint(e.Type, " ", e.ID, " ", e.Epoch)}
}

func newWatchers(f *fleet, revision uint64) (list []*watcher) {
	add := func(name, query string, stream bool, match func(e *wire.Event) bool) {
		list = append(list, &watcher{fleet: f, name: name, query: query, stream: stream, match: match, last: revision})
	}
	all := func(*wire.Event) bool { return true }
	add("all-stream-1", "", true, all)
	add("all-stream-2", "", true, all)
	add("all-poll", "", false, all)
	add("flap-stream", "&service=flap", true, func(e *wire.Event) bool { return e.Service == "flap" })
	add("silent-poll", "&prefix=silent-", false, func(e *wire.Event) bool { return strings.HasPrefix(e.ID, "silent-") })
	return list
}

func (w *watcher) run(ctx context.Context) {
	for at := rand.IntN(len(w.nodes)); ctx.Err() == nil; at++ {
		if w.stream {
			w.follow(ctx, w.nodes[at%len(w.nodes)])
		} else {
			w.poll(ctx, w.nodes[at%len(w.nodes)])
		}
		w.mu.Lock()
		w.moves++
		w.mu.Unlock()
		pass(ctx, 50*time.Millisecond)
	}
}

func (w *watcher) at() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

// hear takes an event in.
func (w *watcher) hear(e *wire.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if e.Revision <= w.last {
		w.ledger.find(gap, "%s heard revision %d after %d", w.name, e.Revision, w.last)
		return
	}
	w.last = e.Revision
	w.heard = append(w.heard, briefOf(e))
}

// passed notes that nothing matched up to there.
func (w *watcher) passed(revision uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = max(w.last, revision)
}

// poll asks one node a few times.
func (w *watcher) poll(ctx context.Context, node string) {
	for range 1 + rand.IntN(8) {
		a := w.ask(ctx, node, get(fmt.Sprintf("%s?after=%d&wait_ms=1000%s", wire.PathWatch, w.at(), w.query), quiet))
		var page wire.EventPage
		if !a.ok() || a.into(&page) != nil {
			w.unexpected(a.status, a.body)
			return
		}
		for i := range page.Events {
			w.hear(&page.Events[i])
		}
		w.passed(page.Next)
	}
}

// unexpected notes answers that a watch which is not far behind never gets.
func (w *watcher) unexpected(status int, body []byte) {
	if status/100 == 4 && status != http.StatusTooManyRequests {
		w.ledger.find(gap, "%s, after %d, was answered %d %s", w.name, w.at(), status, body)
	}
}

// follow hears one stream until it ends, is silent, or some seconds are over.
func (w *watcher) follow(ctx context.Context, node string) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second+rand.N(12*time.Second))
	defer cancel()
	silence := time.AfterFunc(quiet, cancel)
	defer silence.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, node+wire.PathWatch+"?"+strings.TrimPrefix(w.query, "&"), http.NoBody)
	if err != nil {
		return
	}
	req.Header.Set("Accept", wire.TypeEvents)
	req.Header.Set("Last-Event-ID", strconv.FormatUint(w.at(), 10))
	res, err := w.web.Do(req)
	if err != nil {
		return
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(res.Body, 4096))
		w.unexpected(res.StatusCode, body)
		return
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	kind := ""
	for lines.Scan() {
		silence.Reset(quiet)
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "event":
			kind = value
		case "data":
			w.data(kind, value)
		}
	}
}

func (w *watcher) data(kind, value string) {
	switch kind {
	case wire.EventBookmark:
		var b wire.Bookmark
		if json.Unmarshal([]byte(value), &b) == nil {
			w.passed(b.Revision)
		}
	case wire.EventSnapshot, "error":
		w.ledger.find(gap, "%s, after %d, got %s %.300s", w.name, w.at(), kind, value)
	default:
		var e wire.Event
		if err := json.Unmarshal([]byte(value), &e); err != nil {
			w.ledger.find(gap, "%s: %v in %.300s", w.name, err, value)
			return
		}
		w.hear(&e)
	}
}

// judge holds what it heard up to a revision against what there was. False
// while it is not there yet.
func (w *watcher) judge(events []wire.Event, upTo uint64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	var want []brief
	for i := range events {
		if w.match(&events[i]) {
			want = append(want, briefOf(&events[i]))
		}
	}
	if len(want) > 0 && w.last < want[len(want)-1].revision {
		return false
	}
	n := 0
	for n < len(w.heard) && w.heard[n].revision <= upTo {
		n++
	}
	got := w.heard[:n]
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			w.ledger.find(gap, "%s heard %d events, there were %d; at %d it heard %v, want %v", w.name, len(got), len(want), i, from(got, i), from(want, i))
			break
		}
	}
	w.heard = w.heard[n:]
	return true
}

func from(list []brief, i int) []brief { return list[min(i, len(list)):min(i+2, len(list))] }
