package main

import (
	"context"
	"fmt"
	"time"
)

// peer is what is measured, and how it is started.
type peer struct {
	name  string // as in --peers
	start func(context.Context, *bench) (server, error)
}

var (
	machine  = &peer{"machine", startYard}
	ours     = &peer{"rollcall", startRollcall}
	etcds    = &peer{"etcd", startEtcd}
	always   = &peer{"redis", startRedis("always")}
	everysec = &peer{"redis", startRedis("everysec")}
)

// peerNames are those that can be chosen. The machine is always measured.
var peerNames = []string{"rollcall", "etcd", "redis"}

// work is one thing that all are made to do: a table.
type work struct {
	name    string // as in --works
	title   string
	about   string   // what exactly is measured
	columns []column // of a sample; the first is the figure
	entries []*entry
	most    int // rounds in which it is done, from the first; 0: all
}

// done says that a round leaves the work out, since it takes long.
func (w *work) done(round int) bool { return w.most > 0 && round >= w.most }

// entry is one way in which one peer does a work: a row.
type entry struct {
	peer  *peer
	label string
	means string // what the answer means, or what is durable and replicated
	run   func(context.Context, *bench, server) (sample, error)
}

// sample is what one run of an entry measured, in the order of the columns.
type sample []float64

// column is one figure of a sample.
type column struct {
	title  string
	format func(float64) string
}

// works are all of them, in the order in which they are done.
func works() []*work {
	return []*work{
		yardsticks(), renewing(), granting(), listing(), watching(), storming(), weighing(), failingOver(),
	}
}

func workNames() []string {
	var names []string
	for _, w := range works() {
		names = append(names, w.name)
	}
	return names
}

// on makes an entry's run of one that wants its own kind of server.
func on[S server](run func(context.Context, *bench, S) (sample, error)) func(context.Context, *bench, server) (sample, error) {
	return func(ctx context.Context, b *bench, s server) (sample, error) {
		mine, ok := s.(S)
		if !ok {
			return nil, fmt.Errorf("%T cannot do this", s)
		}
		return run(ctx, b, mine)
	}
}

// rates are the columns of a loop.
func rates() []column {
	return []column{
		{"a second: median (least; most)", count},
		{"p50", millis},
		{"p99", millis},
		{"servers' processor time of one", micros},
	}
}

// rate is the sample of a loop.
func (o outcome) rate() sample {
	done := float64(o.done)
	return sample{
		done / o.took.Seconds(),
		toMS(time.Duration(o.latency.ValueAtQuantile(50)) * time.Microsecond),
		toMS(time.Duration(o.latency.ValueAtQuantile(99)) * time.Microsecond),
		float64(o.cpu.Microseconds()) / max(done, 1),
	}
}

func toMS(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
