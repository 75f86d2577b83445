//go:build e2e

package e2e_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// viewer watches one service by server-sent events, on one endpoint after the
// other, and notes every event that it is told.
type viewer struct {
	endpoints []string
	service   string

	mu     sync.Mutex
	after  uint64 // the revision to go on after; 0: begin with a snapshot
	events []wire.Event
	wrong  []string
}

// watch follows the stream until ctx ends; a stream that breaks goes on at the
// next endpoint.
func (v *viewer) watch(ctx context.Context) {
	for i := 0; ctx.Err() == nil; i++ {
		v.follow(ctx, v.endpoints[i%len(v.endpoints)])
		pass(ctx, 50*time.Millisecond)
	}
}

func (v *viewer) follow(ctx context.Context, endpoint string) {
	req, err := http.NewRequestWithContext(ctx, "GET", endpoint+wire.PathWatch+"?service="+v.service, nil)
	if err != nil {
		v.complain("request: %v", err)
		return
	}
	req.Header.Set("Accept", wire.TypeEvents)
	if after := v.position(); after > 0 {
		req.Header.Set("Last-Event-ID", fmt.Sprint(after))
	}
	res, err := web.Do(req)
	if err != nil {
		return
	}
	defer res.Body.Close()
	if res.StatusCode != 200 {
		return
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 8<<20)
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			v.note([]byte(data))
		}
	}
}

func (v *viewer) position() uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.after
}

func (v *viewer) complain(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.wrong = append(v.wrong, fmt.Sprintf(format, args...))
}

func (v *viewer) note(data []byte) {
	var e wire.Event
	if err := json.Unmarshal(data, &e); err != nil {
		v.complain("event %s: %v", data, err)
		return
	}
	if e.Revision < v.position() || e.Revision == v.position() && e.Type != wire.EventBookmark {
		v.complain("revision %d after %d", e.Revision, v.position())
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.after = e.Revision
	if e.Type != wire.EventSnapshot && e.Type != wire.EventBookmark {
		v.events = append(v.events, e)
	}
}

// seen returns how often each id was registered.
func (v *viewer) seen() map[string]int {
	v.mu.Lock()
	defer v.mu.Unlock()
	ids := make(map[string]int)
	for _, e := range v.events {
		ids[e.ID]++
	}
	return ids
}

// begin watches beside the test until it ends, and returns when the stream is
// there.
func (v *viewer) begin(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	watching.Go(func() { v.watch(ctx) })
	t.Cleanup(func() {
		cancel()
		watching.Wait()
	})
	eventually(t, 10*time.Second, "the watch has begun", func() bool { return v.position() > 0 })
}

// TestWatchOutlivesTheLeader: what is registered while the leader is killed is
// seen by every watcher, once and in order, and another node goes on with
// exactly the next event.
func TestWatchOutlivesTheLeader(t *testing.T) {
	const registrations = 300
	c := startCluster(t, 3)
	if _, a := register(c[0].endpoint(), "before", wire.Registration{Service: "seen", TTLMS: 600_000}); !a.ok() {
		t.Fatalf("register: %s", a)
	}
	leader := c.leader(t)
	others := c.others(leader)
	watchers := []*viewer{
		{endpoints: []string{leader.endpoint(), others[0].endpoint(), others[1].endpoint()}, service: "seen"},
		{endpoints: []string{others[0].endpoint()}, service: "seen"},
		{endpoints: []string{others[1].endpoint()}, service: "seen"},
	}
	for _, v := range watchers {
		v.begin(t)
	}
	registerAcross(t, others, registrations, func() { leader.kill() })
	for i, v := range watchers {
		eventually(t, 20*time.Second, fmt.Sprintf("watcher %d has seen all", i), func() bool { return len(v.seen()) >= registrations })
		for id, n := range v.seen() {
			if n != 1 {
				t.Errorf("watcher %d saw %s %d times", i, id, n)
			}
		}
		for _, complaint := range v.wrong {
			t.Errorf("watcher %d: %s", i, complaint)
		}
	}
	checkResume(t, others, watchers[1].events)
}

// registerAcross registers ids one after the other, and lets something happen
// in the middle. An id is registered as a lock, so that one try of several
// makes one event.
func registerAcross(t *testing.T, c cluster, n int, middle func()) {
	t.Helper()
	for i := range n {
		if i == n/3 {
			middle()
		}
		path := fmt.Sprintf("%s/seen-%d", wire.PathLeases, i)
		at := i
		eventually(t, 20*time.Second, "a registration", func() bool {
			at++
			return registerOnce(c[at%len(c)].endpoint()+path, fmt.Sprint("key-", i))
		})
	}
}

func registerOnce(url, key string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "PUT", url, strings.NewReader(`{"service":"seen","ttl_ms":600000}`))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", wire.TypeJSON)
	req.Header.Set("Idempotency-Key", key)
	res, err := web.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return res.StatusCode == 200 || res.StatusCode == 201
}

// checkResume asks another node for what follows an event in the middle.
func checkResume(t *testing.T, c cluster, events []wire.Event) {
	t.Helper()
	for i := range len(events) - 1 {
		var page wire.EventPage
		path := fmt.Sprintf("%s?service=seen&wait_ms=0&after=%d", wire.PathWatch, events[i].Revision)
		if a := get(c[i%len(c)].endpoint(), path, &page); !a.ok() || len(page.Events) == 0 || page.Events[0].Revision != events[i+1].Revision {
			t.Fatalf("after revision %d: %s %+v, want revision %d first", events[i].Revision, a, page.Events[:min(1, len(page.Events))], events[i+1].Revision)
		}
	}
}
