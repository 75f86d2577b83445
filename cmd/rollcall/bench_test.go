package main

import (
	"io"
	"strings"
	"testing"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/loadgen"
)

var someLatency = loadgen.Latency{P50: 1, P90: 1.5, P99: 2, P999: 30, P9999: 300, Max: 400}

var someUsage = loadgen.Usage{
	Nodes: []loadgen.NodeUsage{
		{Endpoint: "http://a", Used: loadgen.Used{
			CPUPercent: new(50.04), CPUMicros: new(12.345), Resident: new(60e6), ResidentGrew: new(-1e6), Heap: new(20e6), RaftEntriesPerS: new(99.6),
		}},
		{Endpoint: "http://b", Error: "no \x1b[31mmetrics"},
	},
	Driver: loadgen.Used{CPUPercent: new(25.0), CPUMicros: new(6.0)},
}

func TestBenchWatchTable(t *testing.T) {
	result := &loadgen.WatchResult{
		Mode: "watch", Seconds: 10, Changes: 50, Events: 250_000, Broken: 3, Anew: 1, Errors: 2, Missed: 4,
		Write: someLatency, First: someLatency, Last: someLatency, Watchers: 5_000, Endpoints: []string{"a", "b"},
		ErrorCodes: map[string]int64{"no_leader": 2}, Interrupted: true, Usage: someUsage,
	}
	checkText(t, func(w io.Writer) error { return printBenchWatch(w, result) }, `
5000 watchers on 2 endpoints, 50 changes in 10.0 s, heard of 250,000 times

OF A CHANGE    P50      P90      P99      P99.9    P99.99  MAX
acknowledged   1.00 ms  1.50 ms  2.00 ms  30.0 ms  300 ms  400 ms
first watcher  1.00 ms  1.50 ms  2.00 ms  30.0 ms  300 ms  400 ms
last watcher   1.00 ms  1.50 ms  2.00 ms  30.0 ms  300 ms  400 ms

NODE         CPU     A REQUEST  RESIDENT  GREW BY  HEAP     RAFT ENTRIES
http://a     50.0 %  12.35 µs   60.0 MB   -1.0 MB  20.0 MB  100/s
all nodes    -       -          -         -        -        -
this driver  25.0 %  6.00 µs    -         -        -        -
what http://b used is not known: no �[31mmetrics

missed 4, twice or out of order 0; streams that broke 3, of which began anew 1
errors of code no_leader: 2
the run was ended early
`)
}

func TestBenchMailTable(t *testing.T) {
	result := &loadgen.MailResult{
		Mode: "mail", Seconds: 10, Sent: 10_000, SentPerS: 2_000.5, Delivered: 9_999, DeliveredPerS: 5_000, Acked: 9_999, Unsettled: 1,
		SendMS: someLatency, ReadMS: someLatency, AckMS: someLatency, DeliveryMS: someLatency,
		Usage: someUsage, Findings: loadgen.Findings{Lost: 1}, Senders: 16, Mailboxes: 64, BodyBytes: 256, Endpoints: []string{"a"},
	}
	checkText(t, func(w io.Writer) error { return printBenchMail(w, result) }, `
10,000 messages of 256 bytes from 16 senders, then read from 64 mailboxes, on 1 endpoints, in 10.0 s

MAIL          MESSAGES  PER SECOND
sent          10,000    2,000
delivered     9,999     5,000
acknowledged  9,999     -

LATENCY       P50      P90      P99      P99.9    P99.99  MAX
sent          1.00 ms  1.50 ms  2.00 ms  30.0 ms  300 ms  400 ms
pages read    1.00 ms  1.50 ms  2.00 ms  30.0 ms  300 ms  400 ms
acknowledged  1.00 ms  1.50 ms  2.00 ms  30.0 ms  300 ms  400 ms

NODE         CPU     A REQUEST  RESIDENT  GREW BY  HEAP     RAFT ENTRIES
http://a     50.0 %  12.35 µs   60.0 MB   -1.0 MB  20.0 MB  100/s
all nodes    -       -          -         -        -        -
this driver  25.0 %  6.00 µs    -         -        -        -
what http://b used is not known: no �[31mmetrics

lost 1, twice 0, altered 0, dropped 0, out of order 0, sent by nobody 0; given up by their senders 1
`)
}

func TestBenchIdleTable(t *testing.T) {
	result := &loadgen.IdleResult{
		Kind: "session", Seconds: 30, Connections: 10_000, Held: 10_000, BytesPerConnection: 11_264.5,
		Nodes: []loadgen.NodeMemory{{Endpoint: "http://a", Before: 50e6, After: 162.6e6}},
	}
	checkText(t, func(w io.Writer) error { return printBenchIdle(w, result) }, `
10,000 of 10,000 connections (session) held for 30.0 s, 0 broke

NODE      RESIDENT BEFORE  AFTER     GREW BY
http://a  50.0 MB          162.6 MB  112.6 MB

11,264 bytes a connection
`)
}

var someBins = []loadgen.Bin{{UpToMS: 8.192, Count: 200_000}, {UpToMS: 16.384, Count: 323_400}, {UpToMS: 32.768, Count: 56}}

func TestBenchTable(t *testing.T) {
	result := &loadgen.Result{
		Mode: "single", Codec: "json", Leases: 10_000, Grants: 10_000, GrantsPerS: 12_345.6, GrantLatency: someLatency,
		Workers: 512, Endpoints: []string{"a", "b", "c"}, TTLMS: 300_000,
		Renewed: loadgen.Renewed{
			Seconds: 10, Renewals: 523_456, Errors: 3, RenewalsPerS: 52_345.6, Requests: 523_456, BeatsPerRequest: 1, LeasesLost: 1, Missed: 3,
			Latency:      loadgen.Latency{P50: 8.51, P90: 10, P99: 21.3, P999: 44.04, P9999: 99, Max: 120.2},
			ErrorCodes:   map[string]int64{"no_leader": 2, "connection": 1},
			Distribution: someBins, Usage: someUsage,
		},
	}
	checkText(t, func(w io.Writer) error { return printBench(w, result) }, `
single: 10000 leases of TTL 5m, 512 connections to 3 endpoints

PHASE     ACKNOWLEDGED  PER SECOND  ERRORS
grants    10,000        12,345      0
renewals  523,456       52,345      3

LATENCY   P50      P90      P99      P99.9    P99.99   MAX
grants    1.00 ms  1.50 ms  2.00 ms  30.0 ms  300 ms   400 ms
renewals  8.51 ms  10.0 ms  21.3 ms  44.0 ms  99.0 ms  120 ms
3 failed requests are not in these percentiles

NODE         CPU     A REQUEST  RESIDENT  GREW BY  HEAP     RAFT ENTRIES
http://a     50.0 %  12.35 µs   60.0 MB   -1.0 MB  20.0 MB  100/s
all nodes    -       -          -         -        -        -
this driver  25.0 %  6.00 µs    -         -        -        -
what http://b used is not known: no �[31mmetrics

10.0 s of renewing, 523,456 requests, 1.0 beats each (json)
errors of code connection: 1
errors of code no_leader: 2
leases that ended under the run: 1; their TTL is shorter than a round over all of them, raise --ttl

latency of a request, up to
       8.19 ms  #########################                 200,000
       16.4 ms  ########################################  323,400
       32.8 ms  #                                         56
`)
}

func TestBenchGrantTable(t *testing.T) {
	runs := []loadgen.Granted{
		{GrantsPerS: 10_000, Latency: someLatency}, {GrantsPerS: 30_000, Latency: someLatency, Errors: 1}, {GrantsPerS: 20_000, Latency: someLatency},
	}
	result := &loadgen.GrantResult{
		Mode: "grant_session", Codec: "cbor", Leases: 50_000, Full: true, Workers: 64, Endpoints: []string{"a"}, TTLMS: 300_000, Pipeline: 16,
		LeasesLeft: 7, Interrupted: true, Runs: runs,
		Granted: loadgen.Granted{
			Seconds: 2.5, Grants: 50_000, GrantsPerS: 20_000, Latency: someLatency, ErrorCodes: map[string]int64{"overloaded": 1},
			OpenLoop: &loadgen.OpenLoop{OfferedPerS: 21_000, AchievedPerS: 20_000, Due: 3_005, Waited: 1_234, Unsent: 5, Behind: loadgen.Latency{P50: 1, P99: 5.5, Max: 400}},
		},
	}
	checkText(t, func(w io.Writer) error { return printBenchGrant(w, result) }, `
grant_session: 50,000 leases of TTL 5m with address, tags and meta, 64 connections to 1 endpoints, 16 in flight on each; medians of 3 runs

PHASE   ACKNOWLEDGED  PER SECOND  ERRORS
grants  50,000        20,000      0

LATENCY  P50      P90      P99      P99.9    P99.99  MAX
grants   1.00 ms  1.50 ms  2.00 ms  30.0 ms  300 ms  400 ms

OF 3 RUNS        MEDIAN     LEAST      MOST
grants a second  20000      10000      30000
errors           0          0          1
p50              1.00 ms    1.00 ms    1.00 ms
p99              2.00 ms    2.00 ms    2.00 ms
p99.9            30.00 ms   30.00 ms   30.00 ms
max              400.00 ms  400.00 ms  400.00 ms

NODE         CPU  A REQUEST  RESIDENT  GREW BY  HEAP  RAFT ENTRIES
this driver  -    -          -         -        -     -

open loop: 21,000 requests a second were due, 20,000 were acknowledged; latency counts from when a request was due
1,234 waited for their connection; the driver itself was behind by 1.00 ms at p50, 5.50 ms at p99, 400 ms at most
THE SCHEDULE WAS NOT KEPT: 5 of 3,005 requests were never sent; more --workers, or less --rate
THE DRIVER WAS LATE: its machine is too busy for this schedule, and the latencies are partly its own

2.5 s of granting (cbor)
errors of code overloaded: 1
7 leases were left to their TTL
the run was ended early
`)
}

func TestBenchCompareTable(t *testing.T) {
	old := writeFile(t, `{"mode":"grant","seconds":1,"grants_per_s":10,"latency_ms":{"p50":2},"codec":"json","leases":5,
		"runs":[{"seconds":1,"grants_per_s":10,"latency_ms":{"p50":2}},{"seconds":1,"grants_per_s":12,"latency_ms":{"p50":4}}]}`)
	renewed := writeFile(t, `{"mode":"grant","seconds":1,"grants_per_s":2012.3,"latency_ms":{"p50":1},"codec":"cbor","leases":5}`+"\n"+
		`{"mode":"grant","seconds":1,"grants_per_s":2000,"latency_ms":{"p50":3},"codec":"cbor","leases":5,"extra":0.12345}`)
	checkText(t, func(w io.Writer) error { return compareFiles(w, old, renewed, false) }, `
grant: medians of 2 and 2 runs

FIGURE          OLD  NEW     CHANGE      RANGES
grants_per_s    10   2,000   +19900.0 %  apart
latency_ms.p50  2    1       -50.0 %     overlap
extra           -    0.1235  -           -
not the same: codec was json, is cbor
`)
	out, _ := run(t, exitDone, "bench", "compare", old, renewed, "-o", "json")
	if !strings.HasPrefix(out, `{"mode":"grant","old_runs":2,"new_runs":2,"figures":[{"name":"seconds","old":{"median":1,`) {
		t.Errorf("got %s", out)
	}
	other := writeFile(t, `{"mode":"mail"}`)
	if _, errOut := run(t, exitUsage, "bench", "compare", old, other); !strings.Contains(errOut, "the old ones are of grant, the new ones of mail") {
		t.Errorf("got %s", errOut)
	}
	run(t, exitFailed, "bench", "compare", old, old+"x")
	run(t, exitFailed, "bench", "compare", old, writeFile(t, "[]"))
	run(t, exitUsage, "bench", "compare", old)
}

func TestBenchUsageIsChecked(t *testing.T) {
	for _, args := range [][]string{
		{"--runs", "0"}, {"renew", "--leases", "0"}, {"grant", "--mode", "batch"}, {"grant", "--pipeline", "0"}, {"grant", "--rate", "-1"}, {"renew", "--runs", "101"},
	} {
		run(t, exitUsage, append([]string{"bench", "--addr", "http://127.0.0.1:1"}, args...)...)
	}
}
