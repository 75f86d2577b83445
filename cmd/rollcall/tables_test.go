package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/cmd/internal/loadgen"
)

// checkText compares what was printed with the text between the backquotes,
// less its first line feed.
func checkText(t *testing.T, print func(io.Writer) error, want string) {
	t.Helper()
	var b bytes.Buffer
	if err := print(&b); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(trimRight(strings.Split(b.String(), "\n")), "\n")
	if want = strings.TrimPrefix(want, "\n"); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func trimRight(lines []string) []string {
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return lines
}

var grantedAt = wire.Time(time.Date(2026, 11, 22, 10, 0, 0, 250e6, time.UTC).UnixMilli())

func TestLeaseTable(t *testing.T) {
	leases := []wire.Lease{
		{
			ID: "web-1", Service: "web", Address: "10.0.0.5", Port: 8080, State: "alive", Epoch: 4711, Seq: 17,
			TTLMS: 10_000, ExpiresInMS: 7_210, Tags: []string{"v2", "eu"},
		},
		{ID: "web-2", Service: "web", Address: "::1", Port: 80, State: "held", HeldReason: "mass expiry", Epoch: 4712, TTLMS: 500, ExpiresInMS: -120, Late: true},
		{ID: "x\x1b[31m", State: "draining", Epoch: 4713, Seq: 1, TTLMS: 86_400_000, ExpiresInMS: 86_399_000, Flapping: true},
	}
	checkText(t, func(w io.Writer) error { return printLeases(w, leases) }, `
ID      SERVICE  ADDRESS        STATE                     EPOCH  SEQ  RENEWED    EXPIRES IN  TAGS
web-1   web      10.0.0.5:8080  alive                     4711   17   2.8s ago   7.2s        v2,eu
web-2   web      [::1]:80       held (mass expiry), late  4712   0    620ms ago  -120ms      -
x`+"\uFFFD"+`[31m  -        -              draining, flapping        4713   1    1s ago     24h         -
`)
}

func TestClusterTable(t *testing.T) {
	cluster := &wire.Cluster{
		ClusterID: "c1", Leader: "n1", Term: 3, Revision: 4711,
		Nodes: []wire.Node{
			{ID: "n1", HTTPAddr: "n1:7700", RaftAddr: "n1:7701", Role: "leader", Gossip: "alive", Applied: 4800, Version: "v1"},
			{ID: "n2", HTTPAddr: "n2:7700", RaftAddr: "n2:7701", Role: "voter", Gossip: "dead", Applied: 4700, LastContactMS: 65_000, Version: "v1"},
			{ID: "e1", HTTPAddr: "e1:7700", RaftAddr: "e1:7701", Role: "edge", Gossip: "alive", LastContactMS: wire.Unknown},
		},
	}
	checkText(t, func(w io.Writer) error { return printCluster(w, cluster) }, `
cluster c1, leader n1, term 3, revision 4711

NODE  ROLE    GOSSIP  HTTP     RAFT     APPLIED  LAST CONTACT  VERSION
n1    leader  alive   n1:7700  n1:7701  4800     0s ago        v1
n2    voter   dead    n2:7700  n2:7701  4700     1m5s ago      v1
e1    edge    alive   e1:7700  e1:7701  0        unknown       -
`)
}

func TestClusterShowsWhoIsHeld(t *testing.T) {
	holds := []wire.Held{
		{NS: "default", Service: "web", Held: 40, Reason: "40 of 100 fell silent", SinceMS: 12_000, EndsMS: 108_000},
		{NS: "acme", Held: 3, Reason: "3 of 9 fell silent", SinceMS: 125_000},
	}
	checkText(t, func(w io.Writer) error { return printHolds(w, holds) }, `

held, not buried, because too many fell silent at once (rollcall cluster release ends it):

NAMESPACE  SERVICE  HELD  SINCE     ENDS IN  REASON
default    web      40    12s ago   1m48s    40 of 100 fell silent
acme       -        3     2m5s ago  0s       3 of 9 fell silent
`)
	checkText(t, func(w io.Writer) error { return printHolds(w, nil) }, "")
}

func TestWhyAlive(t *testing.T) {
	lease := &wire.Lease{
		ID: "web-1", State: "alive", Epoch: 4711, Seq: 17, Renewals: 16, Missed: 1, TTLMS: 10_000, ExpiresInMS: 7_210, GrantedAt: grantedAt,
	}
	checkText(t, func(w io.Writer) error { explain(w, lease, nil); return nil }, `
web-1 is alive.
  Epoch 4711 was granted at 2026-11-22 10:00:00.250 UTC with a TTL of 10s.
  It was renewed 16 times, last with seq 17 2.8s ago; unless it is again, it ends in 7.2s.
  It left out 1 sequence number.
`)
}

func TestWhyNeverRenewed(t *testing.T) {
	lease := &wire.Lease{ID: "web-1", State: "alive", Epoch: 4711, TTLMS: 10_000, ExpiresInMS: 9_000, GrantedAt: grantedAt}
	checkText(t, func(w io.Writer) error { explain(w, lease, nil); return nil }, `
web-1 is alive.
  Epoch 4711 was granted at 2026-11-22 10:00:00.250 UTC with a TTL of 10s.
  It was not renewed yet; unless it is, it ends in 9s.
`)
}

func TestWhyExpired(t *testing.T) {
	lease := &wire.Lease{ID: "web-1", State: "expired", Certificate: &wire.Certificate{
		ID: "web-1", Epoch: 4711, Cause: "expired", At: grantedAt, Revision: 4800, Judge: "n1", Term: 3, LastSeq: 17,
		LastRenewalAgeMS: 10_102, TTLMS: 10_000, OverdueMS: 102, Missed: 2, JudgeStallMS: 450,
	}}
	checkText(t, func(w io.Writer) error { explain(w, lease, nil); return nil }, `
web-1 is not alive: it fell silent and expired.
  Epoch 4711 ended at 2026-11-22 10:00:00.250 UTC, revision 4800.
  Its last renewal, seq 17, was 10s before that.
  Its TTL was 10s; node n1, leader of term 3, buried it 102ms after that had passed.
  That node had itself not run for 450ms, which was not counted against the lease.
  It had left out 2 sequence numbers before.
`)
}

func TestWhyLeft(t *testing.T) {
	lease := &wire.Lease{ID: "web-1", State: "left", Certificate: &wire.Certificate{
		ID: "web-1", Epoch: 4711, Cause: "left", At: grantedAt, Revision: 4800, LastRenewalAgeMS: 300, TTLMS: 10_000,
	}}
	checkText(t, func(w io.Writer) error { explain(w, lease, nil); return nil }, `
web-1 is not alive: it left by itself.
  Epoch 4711 ended at 2026-11-22 10:00:00.250 UTC, revision 4800.
  It was never renewed in the 300ms since its grant.
`)
}

func TestNumbersHaveCommas(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 12: "12", 123: "123", 1234: "1,234", -123: "-123", -1234: "-1,234", 1234567: "1,234,567"} {
		if got := number(n); got != want {
			t.Errorf("number(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestProgressIsALineNowAndThenWithoutATerminal(t *testing.T) {
	var b bytes.Buffer
	p := newProgress(&b, false)
	for _, now := range []loadgen.Progress{
		{Phase: "grant", Done: 10, Total: 100, Elapsed: 250 * time.Millisecond},
		{Phase: "grant", Done: 100, Total: 100, Elapsed: 500 * time.Millisecond},
		{Phase: "grant", Done: 100, Total: 100, Elapsed: 750 * time.Millisecond},
		{Phase: "renew", Done: 10, Elapsed: 250 * time.Millisecond, Of: 10 * time.Second},
		{Phase: "renew", Done: 2000, Failed: 3, Elapsed: 2 * time.Second, Of: 10 * time.Second},
		{Phase: "renew", Done: 2100, Elapsed: 2250 * time.Millisecond, Of: 10 * time.Second},
		{Phase: "hold", Held: 30, Elapsed: 3 * time.Second, Of: 10 * time.Second},
	} {
		p.update(now)
	}
	p.finish()
	want := "grant     100 of 100, 200/s\nrenew     2 of 10 s, 1000/s, 3 errors\nhold      3 of 10 s, 30 held\n"
	if b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}

func TestProgressDrawsABarOnATerminal(t *testing.T) {
	var b bytes.Buffer
	p := newProgress(&b, true)
	p.update(loadgen.Progress{Phase: "grant", Done: 50, Total: 100, Elapsed: time.Second})
	p.finish()
	if !strings.Contains(b.String(), "50 of 100") || !strings.Contains(b.String(), "\r") {
		t.Errorf("got %q", b.String())
	}
}
