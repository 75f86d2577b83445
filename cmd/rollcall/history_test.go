package main

import (
	"io"
	"strings"
	"testing"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func expiredAfter(overdue uint64, judge string) *wire.Certificate {
	return &wire.Certificate{
		ID: "web-1", Cause: "expired", Judge: judge, TTLMS: 10_000, LastRenewalAgeMS: 10_000 + overdue, OverdueMS: overdue,
	}
}

// past is newest first, as the endpoint tells it.
var past = []wire.Event{
	{Revision: 9, Type: "held", ID: "web-1", Service: "web", Epoch: 8, At: grantedAt + 9_000, Lease: &wire.Lease{TTLMS: 10_000}},
	{Revision: 8, Type: "registered", ID: "web-1", Service: "web", Epoch: 8, At: grantedAt + 8_000, Lease: &wire.Lease{TTLMS: 10_000}},
	{Revision: 7, Type: "expired", ID: "web-1", Service: "web", Epoch: 5, At: grantedAt + 7_000, Certificate: expiredAfter(102, "n1")},
	{
		Revision: 5, Type: "replaced", ID: "web-1", Service: "web", Epoch: 5, At: grantedAt + 5_000, Lease: &wire.Lease{TTLMS: 10_000},
		Certificate: &wire.Certificate{Cause: "replaced", TTLMS: 5_000, LastRenewalAgeMS: 300},
	},
	{Revision: 4, Type: "registered", ID: "web-1", Epoch: 4, At: grantedAt + 4_000, Lease: &wire.Lease{TTLMS: 5_000}},
	{Revision: 3, Type: "expired", ID: "web-1", Epoch: 1, At: grantedAt + 3_000, Certificate: expiredAfter(250, "n2")},
	{Revision: 1, Type: "registered", ID: "web-1", Epoch: 1, At: grantedAt, Lease: &wire.Lease{TTLMS: 10_000}},
}

func TestHistoryTable(t *testing.T) {
	checkText(t, func(w io.Writer) error { return printHistory(w, past[1:4]) }, `
AT (UTC)                 EVENT       EPOCH  TTL  SILENT  LATE   JUDGE  REVISION
2026-11-22 10:00:08.250  registered  8      10s  -       -      -      8
2026-11-22 10:00:07.250  expired     5      10s  10s     102ms  n1     7
2026-11-22 10:00:05.250  replaced    5      5s   300ms   -      -      5
`)
}

func TestHistoryTellsWhereTheServiceChanged(t *testing.T) {
	checkText(t, func(w io.Writer) error { return printHistory(w, past[3:5]) }, `
AT (UTC)                 EVENT       EPOCH  TTL  SILENT  LATE  JUDGE  REVISION  SERVICE
2026-11-22 10:00:05.250  replaced    5      5s   300ms   -     -      5         web
2026-11-22 10:00:04.250  registered  4      5s   -       -     -      4         -
`)
	checkText(t, func(w io.Writer) error { return printHistory(w, nil) }, `
AT (UTC)  EVENT  EPOCH  TTL  SILENT  LATE  JUDGE  REVISION
`)
}

func TestWhyTellsThePast(t *testing.T) {
	lease := &wire.Lease{ID: "web-1", State: "held", HeldReason: "mass expiry", Epoch: 8, TTLMS: 10_000, ExpiresInMS: -1_250, GrantedAt: grantedAt + 8_000}
	checkText(t, func(w io.Writer) error { explain(w, lease, past); return nil }, `
web-1 is held.
  It is past its TTL, but the cluster does not bury it now: mass expiry.
  Epoch 8 was granted at 2026-11-22 10:00:08.250 UTC with a TTL of 10s.
  It was not renewed yet; its TTL was over 1.3s ago.
  It has been held since 2026-11-22 10:00:09.250 UTC.
  Since 2026-11-22 10:00:00.250 UTC it was registered 4 times, fell silent and expired 2 times, was taken over by a newer registration once.
  The most overdue of its expiries came 250ms after the TTL had passed, judged by n2.
`)
}

func TestWhyOfAnUneventfulPast(t *testing.T) {
	for name, test := range map[string]struct {
		events []wire.Event
		want   string
	}{
		"nothing known":       {nil, ""},
		"registered only":     {past[6:], ""},
		"held no longer":      {append([]wire.Event{{Type: "released"}}, past[0], past[1]), ""},
		"updated while held":  {append([]wire.Event{{Type: "updated"}}, past[0]), "It has been held since 2026-11-22 10:00:09.250 UTC."},
		"one expiry is above": {past[5:], "Since 2026-11-22 10:00:00.250 UTC it was registered once, fell silent and expired once."},
	} {
		if got := strings.Join(explainPast(test.events), "\n"); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

func TestWhyAsksForTheHistory(t *testing.T) {
	f := startFake(t, map[string]string{
		"GET /v1/leases/web-1":         `{"id":"web-1","state":"alive","epoch":4,"granted_at":"2026-11-22T10:00:00Z","renewed_at":"2026-11-22T10:00:00Z"}`,
		"GET /v1/leases/web-1/history": `{"events":[{"revision":4,"type":"registered","at":"2026-11-22T10:00:00Z"},{"revision":3,"type":"left","at":"2026-11-22T09:00:00Z"}]}`,
	})
	out, _ := run(t, 0, "why", "web-1")
	if !strings.Contains(out, "web-1 is alive.\n") || !strings.Contains(out, "it was registered once, left once.") {
		t.Errorf("stdout %q", out)
	}
	checkLines(t, f.requests(), "GET /v1/leases/web-1", "GET /v1/leases/web-1/history limit=100")
}
