package api_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api"
	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
	"github.com/seed-b4c92e43/rollcall/registry/watch"
)

// node is a whole cluster in one struct: it applies every command to a real
// replica at once, on a clock that the test moves.
type node struct {
	mu      sync.Mutex
	replica *registry.Replica
	at      registry.Position
	mono    time.Duration

	fail    error // what every write answers with
	await   error // what Await answers with
	status  api.Status
	members wire.Cluster
	seen    []api.Consistency
	panics  bool
	hub     *watch.Hub

	missing   int    // so many records are not found
	onMissing func() // what happens then

	gate  chan struct{} // closed when beats may be answered; nil: always
	beats atomic.Int64  // that came later

	records atomic.Int64 // that were read

	backup   string // what a backup holds
	restored string // what was to be restored
	forced   bool
}

func newNode() *node {
	n := &node{
		replica: registry.NewReplica("n1"),
		at:      registry.Position{Term: 1},
		status:  api.Status{Leader: "n1", Staleness: 3 * time.Millisecond, StalenessKnown: true},
		members: wire.Cluster{ClusterID: "c1", Leader: "n1", Term: 1, Nodes: []wire.Node{
			{ID: "n1", HTTPAddr: "127.0.0.1:7700", Role: "leader", Gossip: "alive"},
		}},
	}
	hub, err := watch.New(watch.Config{
		Encode: api.EncodeEvent, Revision: n.revision,
		Log: func(after uint64, limit int) (events []registry.Event, oldest uint64, kept bool) {
			n.View(func(r *registry.Replica, _ time.Duration) {
				events, kept = r.EventsAfter(after, limit)
				oldest = r.OldestEvent()
			})
			return events, oldest, kept
		},
	})
	if err != nil {
		panic(err)
	}
	n.hub = hub
	n.replica.Lead(1)
	n.apply(&registry.Serve{Term: 1, ClusterID: "c1"})
	return n
}

const wallStart = 1_795_000_000_000 // in 2026

func (n *node) apply(commands ...registry.Command) registry.Outcome {
	n.at.Index++
	e := registry.Entry{Wall: wallStart + n.mono.Milliseconds(), Proposer: "n1", Commands: commands}
	out := n.replica.Apply(n.at, &e, n.mono)
	n.hub.Publish(&out)
	return out
}

// do applies one command.
func (n *node) do(cmd registry.Command) registry.Result {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.apply(cmd).Results[0]
}

// advance lets time pass, and buries who falls silent.
func (n *node) advance(d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	const tick = 20 * time.Millisecond
	for end := n.mono + d; n.mono < end; {
		n.mono += tick
		n.replica.Tick(n.mono)
		if due, _ := n.replica.Due(n.mono, 100, func(uint64, uint64) bool { return false }); due != nil {
			n.apply(due)
		}
	}
}

// pass lets cluster time pass, and whatever is overdue by then happen.
func (n *node) pass(d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.at.Index++
	n.mono += d
	e := registry.Entry{Wall: wallStart, Advance: uint32(d.Milliseconds()), Proposer: "n1", Commands: []registry.Command{&registry.Check{}}}
	out := n.replica.Apply(n.at, &e, n.mono)
	n.hub.Publish(&out)
}

func (n *node) revision() (revision uint64) {
	n.View(func(r *registry.Replica, _ time.Duration) { revision = r.Revision() })
	return revision
}

// run delivers events until the test ends.
func (n *node) run(t testing.TB) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { n.hub.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
}

func (n *node) ID() string { return "n1" }

func (n *node) Do(_ context.Context, cmd registry.Command, taken func()) (registry.Result, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.panics {
		panic("on purpose")
	}
	if n.fail != nil {
		return registry.Result{}, n.fail
	}
	defer taken()
	return n.apply(cmd).Results[0], nil
}

func (n *node) BeatLater(ns, id string, epoch, seq uint64, w api.BeatWaiter, token uint64) {
	go func() {
		n.beats.Add(1)
		if n.gate != nil {
			<-n.gate
		}
		r, revision, err := n.Beat(context.Background(), ns, id, epoch, seq)
		w.BeatDone(token, r, revision, err)
	}()
}

func (n *node) Beat(_ context.Context, ns, id string, epoch, seq uint64) (registry.BeatResult, uint64, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fail != nil {
		return registry.BeatResult{}, 0, n.fail
	}
	out := n.apply(&registry.RenewNamed{NS: ns, ID: id, Epoch: epoch, Seq: seq})
	return out.Results[0].Beats[0], n.replica.Revision(), nil
}

func (n *node) Beats(_ context.Context, ns string, beats registry.Beats) ([]registry.BeatResult, uint64, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fail != nil {
		return nil, 0, n.fail
	}
	out := n.apply(&registry.Renew{NS: ns, Beats: beats})
	return out.Results[0].Beats, n.replica.Revision(), nil
}

func (n *node) View(f func(*registry.Replica, time.Duration)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f(n.replica, n.mono)
}

func (n *node) Await(ctx context.Context, level api.Consistency) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, bounded := ctx.Deadline(); !bounded {
		return errors.New("a wait without an end")
	}
	n.seen = append(n.seen, level)
	return n.await
}

func (n *node) AwaitRevision(_ context.Context, revision uint64) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.replica.Revision() < revision {
		return context.DeadlineExceeded
	}
	return nil
}

func (n *node) Record(kind registry.Kind, key []byte) ([]byte, bool, error) {
	n.records.Add(1)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.missing > 0 {
		n.missing--
		if n.onMissing != nil {
			n.onMissing()
		}
		return nil, false, nil
	}
	record, ok := n.replica.Record(kind, key)
	return record, ok, nil
}

func (n *node) Hub() *watch.Hub { return n.hub }

func (n *node) Status() api.Status {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.status
}

func (n *node) Cluster(context.Context) (wire.Cluster, error) { return n.members, nil }

func (n *node) RemoveNode(_ context.Context, id string) error {
	switch {
	case n.fail != nil:
		return n.fail
	case id == "n1":
		return api.ErrRefused
	case id != "n2":
		return api.ErrUnknownNode
	}
	return nil
}

func (n *node) Transfer(context.Context) error { return n.fail }

func (n *node) Backup() (api.Backup, error) {
	return api.Backup{ReadCloser: io.NopCloser(strings.NewReader(n.backup)), Info: wire.Backup{Bytes: int64(len(n.backup))}}, n.fail
}

func (n *node) Restore(_ context.Context, backup io.Reader, force bool) (wire.Restored, error) {
	b, err := io.ReadAll(backup)
	n.restored, n.forced = string(b), force
	return wire.Restored{ClusterID: "c1", Revision: 9}, errors.Join(err, n.fail)
}

// newServer returns a node and a client of its server, whose every exchange is
// held against the OpenAPI document.
func newServer(t testing.TB) (*node, *client) {
	t.Helper()
	n := newNode()
	return n, serve(t, api.Config{Node: n, Version: "test", AllowedHosts: []string{"rc-1"}})
}
