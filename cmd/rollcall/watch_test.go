package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/clientsdk"
)

const aliveLease = `{"id":"web-1","service":"web","address":"10.0.0.5","port":8080,"state":"alive","epoch":4,"ttl_ms":10000,"expires_in_ms":7000,` +
	`"granted_at":"2026-11-22T10:00:00Z","renewed_at":"2026-11-22T10:00:00Z"}`

// changes are what a stream says: a snapshot in two parts, an update, a
// take-over, an end, a compaction and what a watch begins anew with.
var changes = []string{
	`event: snapshot` + "\n" + `data: {"revision":7,"type":"snapshot","leases":[` + aliveLease + `],"more":true}`,
	"id: 7\n" + `event: snapshot` + "\n" + `data: {"revision":7,"type":"snapshot","leases":[],"more":false}`,
	"id: 8\n" + `event: updated` + "\n" + `data: {"revision":8,"type":"updated","ns":"default","id":"web-1","service":"web","epoch":4,` +
		`"at":"2026-11-22T10:00:08Z","lease":` + strings.Replace(aliveLease, `"port":8080`, `"port":80,"tags":["v2","\u001b[31m"],"meta":{"b":"2","a":"1"}`, 1) + `}`,
	"id: 10\n" + `event: expired` + "\n" + `data: {"revision":10,"type":"expired","ns":"default","id":"web-1","service":"web","epoch":4,` +
		`"at":"2026-11-22T10:00:20Z","certificate":{"cause":"expired","epoch":4,"judge":"n1","last_seq":3,"last_renewal_age_ms":10102,"ttl_ms":10000,"overdue_ms":102,"judge_stall_ms":450}}`,
}

// stream serves watches: all of changes, and then nothing more.
func stream(t *testing.T, streams ...[]string) *atomic.Int64 {
	t.Helper()
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case wire.PathWatch:
			w.Header().Set("Content-Type", wire.TypeEvents)
			n := min(int(asked.Add(1)), len(streams))
			for _, change := range streams[n-1] {
				fmt.Fprintf(w, "%s\n\n", change)
			}
			_ = http.NewResponseController(w).Flush()
			if n == len(streams) {
				<-r.Context().Done()
			}
		case wire.PathAlive:
			_, _ = io.WriteString(w, `{"revision":8,"count":1,"alive":[`+aliveLease+`]}`)
		}
	}))
	t.Cleanup(server.Close)
	t.Setenv("ROLLCALL_ADDR", server.URL)
	return &asked
}

// until is a writer that ends something once it was told a text.
type until struct {
	bytes.Buffer
	text string
	end  func()
}

func (u *until) Write(b []byte) (int, error) {
	n, err := u.Buffer.Write(b)
	if strings.Contains(u.String(), u.text) {
		u.end()
	}
	return n, err
}

// runUntil runs a command line until it has printed a text, as with Ctrl-C
// then.
func runUntil(t *testing.T, text string, args ...string) (out, errOut string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	o, e := &until{text: text, end: cancel}, new(bytes.Buffer)
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(o)
	root.SetErr(e)
	if err := root.ExecuteContext(ctx); err != nil {
		t.Fatalf("rollcall %s: %v", strings.Join(args, " "), err)
	}
	return o.String(), e.String()
}

func TestWatchTellsInWords(t *testing.T) {
	stream(t, changes)
	out, errOut := runUntil(t, "buried", "watch", "web")
	want := `1 alive as of revision 7
  alive  web-1  web  10.0.0.5:8080
2026-11-22 10:00:08.000 UTC  updated     web-1  web  address 10.0.0.5:80 (was 10.0.0.5:8080), tags v2 ` + "\uFFFD" + `[31m (was none), meta a=1 b=2 (was none)
2026-11-22 10:00:20.000 UTC  expired     web-1  web  epoch 4, last heard with seq 3 10s before; TTL 10s, buried 102ms late by n1, which had not run for 450ms
`
	if out != want || errOut != "" {
		t.Errorf("stdout:\n%s\nwant:\n%s\nstderr %q", out, want, errOut)
	}
}

func TestWatchPrintsAnEventALine(t *testing.T) {
	stream(t, changes)
	out, _ := runUntil(t, `"revision":10`, "watch", "-o", "json")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != len(changes) || !strings.HasPrefix(lines[0], `{"revision":7,"type":"snapshot","leases":[{`) ||
		!strings.HasPrefix(lines[3], `{"revision":10,"type":"expired","ns":"default","id":"web-1"`) {
		t.Errorf("stdout:\n%s", out)
	}
}

func TestWatchSaysThatItBeginsAnew(t *testing.T) {
	lost := []string{changes[0], changes[1], `event: error` + "\n" + `data: {"status":410,"code":"compacted","oldest_revision":9}`}
	asked := stream(t, lost, changes)
	_, errOut := runUntil(t, "buried", "watch")
	if !strings.Contains(errOut, "begins anew") || asked.Load() != 2 {
		t.Errorf("stderr %q after %d streams", errOut, asked.Load())
	}
}

func TestWatchOfNobodyReachableFails(t *testing.T) {
	t.Setenv("ROLLCALL_ADDR", "127.0.0.1:1")
	if _, errOut := run(t, exitFailed, "watch"); !strings.Contains(errOut, "Is a node running?") {
		t.Errorf("stderr %q", errOut)
	}
}

func TestAliveWatchPrintsTheTableAndThenLines(t *testing.T) {
	stream(t, changes)
	out, _ := runUntil(t, "buried", "alive", "web", "--watch")
	if !strings.HasPrefix(out, "ID     SERVICE") || strings.Count(out, "\n") != 4 || !strings.Contains(out, "expired     web-1") {
		t.Errorf("stdout:\n%s", out)
	}
}

func TestAliveWatchDrawsOnATerminal(t *testing.T) {
	stream(t, changes)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var c aliveCommand
	cmd := newAlive()
	cmd.SetContext(ctx)
	cmd.SetOut(&until{text: "web-1", end: cancel})
	cmd.SetErr(io.Discard)
	r, err := openRemote(clientsdk.ConfigFromEnv())
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	if err := c.draw(cmd, r, clientsdk.WatchQuery{}, url.Values{}); err != nil {
		t.Fatal(err)
	}
	if out := cmd.OutOrStdout().(*until).String(); !strings.HasPrefix(out, clearScreen+"ID ") {
		t.Errorf("drawn %q", out)
	}
}

func TestAliveAsksForThePast(t *testing.T) {
	f := startFake(t, map[string]string{"GET /v1/alive": `{"revision":7,"count":1,"alive":[` + aliveLease + `]}`})
	out, _ := run(t, 0, "alive", "web", "--at", "2026-11-22T11:00:00+01:00")
	if !strings.HasPrefix(out, "as of revision 7\n\nID     SERVICE  ADDRESS        STATE  EPOCH  GRANTED") {
		t.Errorf("stdout:\n%s", out)
	}
	run(t, 0, "alive", "--at-revision", "7", "--flapping=false")
	checkLines(t, f.requests(),
		"GET /v1/alive at=2026-11-22T10%3A00%3A00Z&limit=1000&service=web",
		"GET /v1/alive at_revision=7&flapping=false&limit=1000")
}

func TestMomentsOfThePast(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{"10m": now.Add(-10 * time.Minute), "2026-11-22T09:00:00.5Z": now.Add(-59*time.Minute - 59500*time.Millisecond)} {
		if got, err := instantOf(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%s: got %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"yesterday", "-10m", "2026-11-22"} {
		if _, err := instantOf(text, now); err == nil {
			t.Errorf("%s was understood", text)
		}
	}
}

func TestEventsInWords(t *testing.T) {
	lease := &wire.Lease{ID: "web-1", State: "held", HeldReason: "mass expiry", Address: "10.0.0.5", Port: 80, TTLMS: 10_000, Tags: []string{"v2"}}
	for want, e := range map[string]wire.Event{
		"epoch 5, TTL 10s at 10.0.0.5:80, tags v2":                 {Type: "registered", Epoch: 5, Lease: lease},
		"epoch 5 took over from epoch 4 at 10.0.0.5:80":            {Type: "replaced", Epoch: 5, Lease: lease, Certificate: &wire.Certificate{Epoch: 4}},
		"epoch 5 is to be sent no new work":                        {Type: "draining", Epoch: 5, Lease: lease},
		"epoch 5 is past its TTL, but not buried: mass expiry":     {Type: "held", Epoch: 5, Lease: lease},
		"epoch 5 is not held any more":                             {Type: "released", Epoch: 5, Lease: lease},
		"epoch 5, last heard with seq 2 1.2s before":               {Type: "left", Certificate: &wire.Certificate{Epoch: 5, Cause: "left", LastSeq: 2, LastRenewalAgeMS: 1_200}},
		"epoch 5, its grant was 300ms before":                      {Type: "evicted", Certificate: &wire.Certificate{Epoch: 5, Cause: "evicted", LastRenewalAgeMS: 300}},
		"epoch 5, TTL 10s at 10.0.0.5:80, tags v2 and not matched": {Type: "updated", Epoch: 5, Lease: lease, LeavesFilter: true},
		"": {Type: "unheard of"},
	} {
		if got := newTeller(nil).line(&e); !strings.HasSuffix(strings.ReplaceAll(got, ", which is not watched any more", " and not matched"), want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
