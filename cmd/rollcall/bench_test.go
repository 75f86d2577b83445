package main

import (
	"io"
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
