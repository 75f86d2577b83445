package loadgen

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// fakeHub serves watches of one lease that comes and goes, and beside it the
// lease.
type fakeHub struct {
	mu       sync.Mutex
	revision uint64
	streams  map[chan uint64]bool
	accepted int
	harm     func(n int, w http.ResponseWriter) bool // of the nth stream; true: it is over
	lose     func(n int, revision uint64) []uint64   // what the nth stream is sent of an event
}

func newFakeHub() *fakeHub { return &fakeHub{revision: 100, streams: make(map[chan uint64]bool)} }

func (f *fakeHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case wire.PathWatch:
		f.watch(w, r)
		return
	case wire.PathMetrics:
		(&fakeMetrics{values: someMetrics()}).ServeHTTP(w, r)
		return
	}
	f.mu.Lock()
	f.revision++
	revision := f.revision
	for events := range f.streams {
		events <- revision
	}
	f.mu.Unlock()
	if r.Method == http.MethodPut {
		answer(w, 201, wire.Grant{Epoch: revision, Revision: revision})
		return
	}
	answer(w, 200, wire.Certificate{Revision: revision})
}

func (f *fakeHub) watch(w http.ResponseWriter, r *http.Request) {
	events := make(chan uint64, 1000)
	f.mu.Lock()
	n, at := f.accepted, f.revision
	f.accepted++
	f.streams[events] = true
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		delete(f.streams, events)
		f.mu.Unlock()
	}()
	if f.harm != nil && f.harm(n, w) {
		return
	}
	w.Header().Set("Content-Type", wire.TypeEvents)
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		last, _ := strconv.ParseUint(id, 10, 64)
		for missed := last + 1; missed <= at; missed++ {
			sendEvent(w, missed)
		}
	} else {
		fmt.Fprintf(w, "event: snapshot\ndata: {\"more\":true}\n\nid: %d\nevent: snapshot\ndata: {}\n\n", at)
	}
	for {
		_ = http.NewResponseController(w).Flush()
		select {
		case revision := <-events:
			told := []uint64{revision}
			if f.lose != nil {
				told = f.lose(n, revision)
			}
			for _, revision := range told {
				sendEvent(w, revision)
			}
		case <-r.Context().Done():
			return
		}
	}
}

func sendEvent(w http.ResponseWriter, revision uint64) {
	data, _ := json.Marshal(wire.Event{Revision: revision, ID: strings.Repeat("x", 2000)})
	fmt.Fprintf(w, "id: %d\nevent: registered\ndata: %s\n\n", revision, data)
}

func watchConfig(endpoints ...string) WatchConfig {
	return WatchConfig{
		Target:   Target{Endpoints: endpoints},
		Watchers: 20, Duration: 300 * time.Millisecond, Every: time.Millisecond,
	}
}

func TestWatchersHearOfEveryChange(t *testing.T) {
	hub := newFakeHub()
	phases := map[string]bool{}
	cfg := watchConfig(serve(t, hub), serve(t, hub))
	cfg.Watch = func(p Progress) { phases[p.Phase] = true }
	got, err := RunWatch(t.Context(), cfg)
	if err != nil || got.Failed() != nil {
		t.Fatal(err, got.Failed())
	}
	if got.Changes == 0 || got.Events != 20*got.Changes || got.Missed+got.Disordered+got.Broken+got.Anew+got.Errors != 0 {
		t.Errorf("result %+v", got)
	}
	if got.First.P50 <= 0 || got.First.P50 > got.Last.P50 || got.Last.Max < got.Last.P50 {
		t.Errorf("first %+v, last %+v", got.First, got.Last)
	}
	if len(got.Nodes) == 0 || got.Nodes[0].CPUMicros == nil {
		t.Errorf("usage %+v", got.Usage)
	}
	if !phases[PhaseConnect] || !phases[PhaseChange] {
		t.Errorf("phases %v", phases)
	}
}

func TestWatchersThatMissOrRepeatAreSeen(t *testing.T) {
	for name, test := range map[string]struct {
		lose func(n int, revision uint64) []uint64
		want func(*WatchResult) bool
	}{
		"lost": {func(n int, revision uint64) []uint64 {
			if n == 3 && revision == 101 {
				return nil
			}
			return []uint64{revision}
		}, func(r *WatchResult) bool { return r.Missed == 1 }},
		"twice": {func(n int, revision uint64) []uint64 {
			if n == 3 && revision == 101 {
				return []uint64{revision, revision}
			}
			return []uint64{revision}
		}, func(r *WatchResult) bool { return r.Disordered == 1 }},
	} {
		t.Run(name, func(t *testing.T) {
			hub := newFakeHub()
			hub.lose = test.lose
			cfg := watchConfig(serve(t, hub))
			cfg.Timeout = time.Second // that the lost one is waited for
			got, err := RunWatch(t.Context(), cfg)
			if err != nil || !test.want(got) || got.Failed() == nil {
				t.Errorf("result %+v, %v", got, err)
			}
		})
	}
}

func TestWatchersGoOnWhereTheirStreamEnded(t *testing.T) {
	hub := newFakeHub()
	hub.lose = func(n int, revision uint64) []uint64 {
		if n < 5 && revision == 103 {
			panic(http.ErrAbortHandler)
		}
		return []uint64{revision}
	}
	got, err := RunWatch(t.Context(), watchConfig(serve(t, hub)))
	if err != nil || got.Broken != 5 || got.Missed != 0 || got.Anew != 0 || got.Events != 20*got.Changes {
		t.Errorf("result %+v, %v", got, err)
	}
}

func TestWatchersBeginAnewWhereNothingIsKept(t *testing.T) {
	hub := newFakeHub()
	hub.lose = func(n int, revision uint64) []uint64 {
		if n == 0 && revision == 103 {
			panic(http.ErrAbortHandler)
		}
		return []uint64{revision}
	}
	hub.harm = func(n int, w http.ResponseWriter) bool {
		if n == 20 { // the first that goes on
			answer(w, 410, wire.NewProblem(wire.CodeCompacted, ""))
		}
		return n == 20
	}
	cfg := watchConfig(serve(t, hub))
	cfg.Timeout = time.Second // that the one that was not kept is waited for
	got, err := RunWatch(t.Context(), cfg)
	if err != nil || got.Broken != 2 || got.Anew != 1 || got.Missed == 0 || got.Failed() == nil {
		t.Errorf("result %+v, %v", got, err)
	}
}

func TestWatchesThatNobodyServes(t *testing.T) {
	for name, test := range map[string]struct {
		handler http.Handler
		want    string
	}{
		"refused": {http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			answer(w, 403, wire.NewProblem(wire.CodeForbidden, "no"))
		}), "forbidden: no"},
		"silent":   {http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), "none came for 1s"},
		"overload": {http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w, 503, wire.NewProblem(wire.CodeOverloaded, "")) }), "overloaded"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := watchConfig(serve(t, test.handler))
			cfg.Timeout = time.Second
			_, err := RunWatch(t.Context(), cfg)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "0 of 20 are open") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestWatchRunThatIsCalledOff(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cfg := watchConfig(serve(t, newFakeHub()))
	cfg.Duration = time.Hour
	cfg.Watch = func(p Progress) {
		if p.Phase == PhaseChange && p.Done > 0 {
			cancel()
		}
	}
	got, err := RunWatch(ctx, cfg)
	if err != nil || !got.Interrupted || got.Missed != 0 || got.Changes == 0 || got.Failed() != nil {
		t.Errorf("result %+v, %v", got, err)
	}
}

func TestWatchConfigIsChecked(t *testing.T) {
	for want, change := range map[string]func(*WatchConfig){
		"watchers -1":  func(c *WatchConfig) { c.Watchers = -1 },
		"every -1s":    func(c *WatchConfig) { c.Every = -time.Second },
		"duration -1s": func(c *WatchConfig) { c.Duration = -time.Second },
		"no endpoint":  func(c *WatchConfig) { c.Endpoints = nil },
	} {
		cfg := watchConfig("http://x")
		change(&cfg)
		if _, err := RunWatch(t.Context(), cfg); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
}

func TestArrivalsAreOfTheFirstAndTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newArrivals(2)
		start := time.Now()
		go func() {
			a.note(7, start.Add(3*time.Second)) // known to a watcher before the driver knows it
			time.Sleep(time.Minute)
			a.note(7, start.Add(2*time.Second))
		}()
		synctest.Wait()
		if got := a.wait(t.Context(), 7, time.Second); got.n != 1 || time.Since(start) != time.Second {
			t.Errorf("impatient: %+v after %v", got, time.Since(start))
		}
		a.note(8, start.Add(3*time.Second))
		a.note(8, start.Add(2*time.Second))
		got := a.wait(t.Context(), 8, time.Hour)
		if got.n != 2 || got.first.Sub(start) != 2*time.Second || got.last.Sub(start) != 3*time.Second {
			t.Errorf("got %+v", got)
		}
		time.Sleep(time.Hour)
	})
}

func TestServiceNameOfAPrefix(t *testing.T) {
	for prefix, want := range map[string]string{"bench-": "bench", "a~b:c@d-": "a_b_c_d", strings.Repeat("x", 99): strings.Repeat("x", 64)} {
		if got := serviceOf(prefix); got != want {
			t.Errorf("%s: got %s, want %s", prefix, got, want)
		}
	}
}
