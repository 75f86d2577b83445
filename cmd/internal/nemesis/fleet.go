//go:build linux

package main

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/history"
)

// fleet is all clients of a run. They reach the nodes that are not cut off from
// them, know nothing of the faults, and note in the ledger what must not be.
type fleet struct {
	*caller
	nodes   []string // base URLs
	ops     *history.Recorder
	clock   *clock
	unrest  *unrest
	cancel  context.CancelFunc
	running sync.WaitGroup

	holders  []*holder
	carried  []*carried
	silents  *silents
	boxes    []*box
	watchers []*watcher
	record   *record
	clients  int // numbers for the history
}

// crew is one client.
type crew interface{ run(ctx context.Context) }

// sizes of a fleet.
const (
	steadyHolders = 40
	sdkHolders    = 6
	flappers      = 6
	mailboxes     = 3
	leaseReaders  = 3
)

// retryEvery is how long a client waits before it asks the next node.
const retryEvery = 60 * time.Millisecond

// newFleet prepares a fleet that begins with what comes after a revision.
func newFleet(l *ledger, nodes []string, revision uint64) *fleet {
	f := &fleet{caller: newCaller(l), nodes: nodes, ops: history.New(), clock: newClock(), unrest: new(unrest)}
	f.record = newRecord(revision)
	for i := range steadyHolders {
		f.holders = append(f.holders, newHolder(f, i))
	}
	for i := range sdkHolders {
		f.carried = append(f.carried, newCarried(f, i))
	}
	f.silents = &silents{fleet: f}
	for i := range mailboxes {
		f.boxes = append(f.boxes, newBox(f, i))
	}
	f.watchers = newWatchers(f, revision)
	return f
}

// crews is everybody.
func (f *fleet) crews() (list []crew) {
	list = append(list, f.clock, &monitor{fleet: f}, f.silents)
	for _, h := range f.holders {
		list = append(list, h)
	}
	for _, c := range f.carried {
		list = append(list, c)
	}
	for i := range flappers {
		list = append(list, newFlapper(f, i))
	}
	for _, b := range f.boxes {
		list = append(list, &postman{box: b, client: f.number()}, &addressee{box: b, client: f.number()})
	}
	for range leaseReaders {
		list = append(list, &reader{fleet: f, client: f.number()})
	}
	for _, w := range f.watchers {
		list = append(list, w)
	}
	return list
}

// number returns one that no other client has.
func (f *fleet) number() int {
	f.clients++
	return f.clients
}

// launch starts everybody; land ends them and waits.
func (f *fleet) launch(ctx context.Context) {
	ctx, f.cancel = context.WithCancel(ctx)
	for _, c := range f.crews() {
		f.running.Go(func() { c.run(ctx) })
	}
}

func (f *fleet) land() {
	f.cancel()
	f.running.Wait()
	f.web.CloseIdleConnections()
}

// somewhere is any node.
func (f *fleet) somewhere() string { return f.nodes[rand.IntN(len(f.nodes))] }

// insist asks one node after another until the answer is definite, and tells
// when it asked for the first time. What is recorded is recorded for each try.
func (f *fleet) insist(ctx context.Context, record func() recorded, r request) (a answer, first time.Time) {
	first = time.Now()
	for at := rand.IntN(len(f.nodes)); ctx.Err() == nil; at++ {
		if record != nil {
			r.op = record()
		}
		if a = f.ask(ctx, f.nodes[at%len(f.nodes)], r); !a.open() {
			return a, first
		}
		pass(ctx, retryEvery)
	}
	return answer{err: ctx.Err()}, first
}

func get(path string, within time.Duration) request {
	return request{method: http.MethodGet, path: path, within: within}
}

// pass lets time go by, less if ctx ends.
func pass(ctx context.Context, span time.Duration) {
	timer := time.NewTimer(span)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
