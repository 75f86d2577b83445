package main

import (
	"io"
	"testing"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/loadgen"
)

func TestBenchListTable(t *testing.T) {
	result := &loadgen.ListResult{
		Lists: 100_000, Seconds: 10, LeasesPerList: 1_000, Consistency: "local", Workers: 32, Endpoints: []string{"a", "b"},
		ListsPerS: 10_000.4, MBPerS: 4_000, BytesPerList: 400_000, NotModified: 5, Latency: someLatency,
		Renewals: 20, RenewLatency: someLatency, Usage: someUsage, Wrong: 1, LeasesLost: 2, LeasesLeft: 3,
		ErrorCodes: map[string]int64{"no_leader": 2}, Interrupted: true,
	}
	checkText(t, func(w io.Writer) error { return printBenchList(w, result) }, `
100,000 lists of 1,000 leases (local) by 32 connections to 2 endpoints in 10.0 s

10,000 lists/s, 4000.0 MB/s, 400,000 bytes a list; 5 not modified

OF A REQUEST  P50      P90      P99      P99.9    P99.99  MAX
list          1.00 ms  1.50 ms  2.00 ms  30.0 ms  300 ms  400 ms
heartbeat     1.00 ms  1.50 ms  2.00 ms  30.0 ms  300 ms  400 ms

NODE         CPU     A REQUEST  RESIDENT  GREW BY  HEAP     RAFT ENTRIES
http://a     50.0 %  12.35 µs   60.0 MB   -1.0 MB  20.0 MB  100/s
all nodes    -       -          -         -        -        -
this driver  25.0 %  6.00 µs    -         -        -        -
what http://b used is not known: no �[31mmetrics

lists that were not whole 1; heartbeats beside 20, leases that ended meanwhile 2
errors of code no_leader: 2
3 leases were left to their TTL
the run was ended early
`)
}

func TestBenchStormTable(t *testing.T) {
	result := &loadgen.StormResult{
		Silent: 100_000, Leases: 1_000_000, TTLMS: 10_000, SilenceMS: 95.4, Buried: 99_000, SpreadMS: 812, Seconds: 11.04,
		Late: someLatency, LateLeast: someLatency, Overdue: someLatency, Calm: someLatency, Storm: someLatency, GrantLatency: someLatency,
		Grants: 1_000_000, GrantsPerS: 30_000, LiveBeats: 12_345, Usage: someUsage, LiveDied: 1, Early: 2, Unburied: 3, Held: 997,
		Broken: 2, Anew: 1, LeasesLeft: 4, ErrorCodes: map[string]int64{"no_leader": 2}, Interrupted: true,
	}
	checkText(t, func(w io.Writer) error { return printBenchStorm(w, result) }, `
100,000 of 1,000,000 leases of TTL 10s fell silent within 95.4 ms; 99,000 were buried within 812 ms, 11.0 s after the last was heard of

OF A BURIAL                 P50      P90      P99      P99.9    P99.99  MAX
late, at most               1.00 ms  1.50 ms  2.00 ms  30.0 ms  300 ms  400 ms
late, at least              1.00 ms  1.50 ms  2.00 ms  30.0 ms  300 ms  400 ms
overdue by its certificate  1.00 ms  1.50 ms  2.00 ms  30.0 ms  300 ms  400 ms

1,000,000 grants at 30,000 a second; 12,345 single heartbeats of those that live on

OF A REQUEST                P50      P90      P99      P99.9    P99.99  MAX
grant                       1.00 ms  1.50 ms  2.00 ms  30.0 ms  300 ms  400 ms
heartbeat before the storm  1.00 ms  1.50 ms  2.00 ms  30.0 ms  300 ms  400 ms
heartbeat in the storm      1.00 ms  1.50 ms  2.00 ms  30.0 ms  300 ms  400 ms

NODE         CPU     A REQUEST  RESIDENT  GREW BY  HEAP     RAFT ENTRIES
http://a     50.0 %  12.35 µs   60.0 MB   -1.0 MB  20.0 MB  100/s
all nodes    -       -          -         -        -        -
this driver  25.0 %  6.00 µs    -         -        -        -
what http://b used is not known: no �[31mmetrics

renewed ones that died 1, buried early 2, silent ones not buried 3
997 leases are HELD by the cluster's protection against mass expiry
the watch broke 2 times, and lost events 1 times
errors of code no_leader: 2
4 leases were left to their TTL
the run was ended early
`)
}

func TestBenchFailoverTable(t *testing.T) {
	result := &loadgen.FailoverResult{
		Seconds: 12.3, Leases: 1_000, TTLMS: 10_000, Grants: 200, Renewals: 4_000,
		Rounds: []loadgen.FailoverRound{
			{Killed: "n1", FirstCommit: 640, Gap: 660, Ready: 300, RenewalsLost: 1, GrantsLost: 1, LeasesEnded: 1},
			{Killed: "n3", FirstCommit: 850, Gap: 912.3},
		},
		FirstCommit: loadgen.Spread{Median: 640, Worst: 850}, Gap: loadgen.Spread{Median: 660, Worst: 912.3}, Ready: loadgen.Spread{Median: 300, Worst: 300},
		RenewalsLost: 1, GrantsLost: 1, LeasesEnded: 1, ErrorCodes: map[string]int64{"connection": 4}, Interrupted: true,
	}
	checkText(t, func(w io.Writer) error { return printBenchFailover(w, result) }, `
2 leaders of three nodes killed in 12.3 s, 1,000 leases of TTL 10s held meanwhile

ROUND   KILLED  FIRST COMMIT  LONGEST GAP  READY AGAIN  LOST  ENDED
1       n1      640 ms        660 ms       300 ms       2     1
2       n3      850 ms        912 ms       -            0     0
median  -       640 ms        660 ms       300 ms       -     -
worst   -       850 ms        912 ms       300 ms       2     1

acknowledged meanwhile: 200 grants, 4,000 renewals
errors of code connection: 4
the run was ended early
`)
}

func TestBenchSoakTable(t *testing.T) {
	result := &loadgen.SoakResult{
		Seconds: 600, Leases: 1_000, Renewals: 300_000, RenewalsPerS: 500, Latency: someLatency, Flaps: 3_000, Events: 50_000, Delivered: 12_000,
		Lists: 1_200, Samples: 119, Growth: 0.3, RenewalsLost: 1, LiveDied: 2, FlappedEarly: 3, Unburied: 4, Disordered: 5, Broken: 6, ListsWrong: 7,
		Findings: loadgen.Findings{Lost: 1, Altered: 1}, LeasesLeft: 8, ErrorCodes: map[string]int64{"no_leader": 2}, Interrupted: true,
		Nodes: []loadgen.SoakNode{{Endpoint: "http://a", Missing: 1, Restarts: 2, Figures: []loadgen.Figure{
			{Name: "goroutines", First: 1_000, Last: 2_000, Growth: 1, Flat: true, Exceeded: true},
			{Name: "resident_bytes", First: 50e6, Last: 51e6, Growth: .02, Flat: true},
			{Name: "raft_log_bytes", First: 16e6, Last: 160e6, Growth: 9},
		}}},
	}
	checkText(t, func(w io.Writer) error { return printBenchSoak(w, result) }, `
1,000 leases renewed 300,000 times (500 a second) in 600 s; 3,000 silences buried, 50,000 events, 12,000 messages, 1,200 lists

OF A REQUEST  P50      P90      P99      P99.9    P99.99  MAX
heartbeat     1.00 ms  1.50 ms  2.00 ms  30.0 ms  300 ms  400 ms

medians of 119 samples; what should be flat may grow by 30 %

NODE      FIGURE      FIRST THIRD  LAST THIRD  GREW BY  JUDGED
http://a  goroutines  1,000        2,000       100.0 %  TOO MUCH
http://a  resident    50.0 MB      51.0 MB     2.0 %    yes
http://a  raft_log    16.0 MB      160.0 MB    900.0 %  no
http://a: 1 samples are missing, 2 restarts

renewals lost 1, renewed ones that died 2, buried early 3, silent ones not buried 4
events twice or out of order 5, watches that broke 6; lists that were not whole 7; messages lost or altered 2
errors of code no_leader: 2
8 leases were left to their TTL
the run was ended early
`)
}
