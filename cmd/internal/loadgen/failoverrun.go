package loadgen

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

const (
	// failoverTimeout of one request: longer than a node without a quorum takes
	// to refuse.
	failoverTimeout = 3 * time.Second

	pollEvery = 10 * time.Millisecond // of what is waited for

	failoverGranters = 2 // connections that register one lease again and again
	failoverRenewers = 4 // connections that renew one lease each, as fast as it goes
)

// nodes are what a failover kills. All is called from one goroutine.
type nodes interface {
	names() []string
	endpoints() []string
	start(i int) error
	kill(i int) // at once; not there any more when it returns
	logs() string
	close() error
}

// failoverRun is one run that kills leaders.
type failoverRun struct {
	cfg    FailoverConfig
	nodes  nodes
	target Target
	herd   *run
	done   atomic.Int64 // rounds
	writes *tally       // of all rounds that are over
	result FailoverResult
}

// RunFailover starts three nodes, kills their leaders, and returns how long
// nothing could be written. When ctx ends it returns what was measured until
// then. The nodes are killed in any case. An error is a configuration that is
// wrong (ErrConfig), or nodes that do not start.
func RunFailover(ctx context.Context, cfg FailoverConfig) (*FailoverResult, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	children, err := newChildren(&cfg)
	if err != nil {
		return nil, err
	}
	return runFailover(ctx, cfg, children)
}

func runFailover(ctx context.Context, cfg FailoverConfig, nodes nodes) (result *FailoverResult, err error) {
	defer func() {
		if closing := nodes.close(); err == nil {
			err = closing
		}
	}()
	target := Target{Endpoints: nodes.endpoints(), Prefix: cfg.Prefix, Timeout: failoverTimeout, Watch: cfg.Watch}.withDefaults()
	r := &failoverRun{cfg: cfg, nodes: nodes, target: target, herd: newHerd(target, cfg.Leases, cfg.TTL), writes: newTally()}
	r.result = FailoverResult{
		Mode: "failover", Rounds: []FailoverRound{}, Leases: cfg.Leases, TTLMS: cfg.TTL.Milliseconds(), ServerArgs: cfg.ServerArgs,
	}
	err = r.drive(ctx)
	r.result.ErrorCodes = r.writes.errors
	r.result.finish()
	if r.result.Interrupted = ctx.Err() != nil; r.result.Interrupted {
		err = nil
	}
	return &r.result, err
}

// drive starts the nodes, registers the leases, and kills round by round.
func (r *failoverRun) drive(ctx context.Context) error {
	if err := r.startAll(ctx); err != nil {
		return err
	}
	if _, err := r.herd.grow(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	started := time.Now()
	counts := func() (int64, int64) { return r.done.Load(), 0 }
	var err error
	during(r.cfg.Watch, Progress{Phase: PhaseRound, Total: int64(r.cfg.Rounds)}, counts, func() {
		for range r.cfg.Rounds {
			if err = r.round(ctx); err != nil || ctx.Err() != nil {
				return
			}
			r.done.Add(1)
		}
	})
	r.result.Seconds = time.Since(started).Seconds()
	return err
}

func (r *failoverRun) startAll(ctx context.Context) (err error) {
	all := r.nodes.names()
	ready := 0
	var told atomic.Int64
	counts := func() (int64, int64) { return told.Load(), 0 }
	during(r.cfg.Watch, Progress{Phase: PhaseStart, Total: int64(len(all))}, counts, func() {
		for i := range all {
			if err = r.nodes.start(i); err != nil {
				return
			}
		}
		for ready < len(all) && r.until(ctx, func() bool { return r.ready(ctx, ready) }) {
			ready++
			told.Store(int64(ready))
		}
	})
	if err == nil && ready < len(all) && ctx.Err() == nil {
		err = fmt.Errorf("%d of %d nodes are ready after %v\n%s", ready, len(all), r.cfg.Patience, r.nodes.logs())
	}
	return err
}

// until asks again and again until the answer is yes; false when patience or
// ctx ended.
func (r *failoverRun) until(ctx context.Context, yes func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Patience)
	defer cancel()
	for ctx.Err() == nil {
		if yes() {
			return true
		}
		pause(ctx, pollEvery)
	}
	return false
}

// only is the cluster by one of its nodes.
func (r *failoverRun) only(i int) Target {
	t := r.target
	t.Endpoints = t.Endpoints[i : i+1]
	return t
}

func (r *failoverRun) ready(ctx context.Context, i int) bool {
	t := r.only(i)
	c := newConn(ctx, &t, 0)
	defer c.close()
	status, _, err := c.exchange("GET", []byte("/readyz"), "", nil)
	return err == nil && status == 200
}

// leader waits until all nodes agree on one of them.
func (r *failoverRun) leader(ctx context.Context) (int, bool) {
	leader := -1
	ok := r.until(ctx, func() bool {
		leader = r.agreed(ctx)
		return leader >= 0
	})
	return leader, ok
}

func (r *failoverRun) agreed(ctx context.Context) int {
	names := r.nodes.names()
	leader := ""
	for i := range names {
		t := r.only(i)
		c := newConn(ctx, &t, 0)
		var view wire.Cluster
		err := c.ask("GET", wire.PathCluster, nil, &view)
		c.close()
		if err != nil || view.Leader == "" || leader != "" && view.Leader != leader {
			return -1
		}
		leader = view.Leader
	}
	return slices.Index(names, leader)
}

// round kills the leader once while there is writing, and checks what is there
// afterwards.
func (r *failoverRun) round(ctx context.Context) error {
	leader, ok := r.leader(ctx)
	if !ok {
		return r.lost(ctx, "no leader")
	}
	writing, stop := context.WithCancel(ctx)
	defer stop()
	crew := newFailoverCrew(writing, r.herd, &r.target)
	var running sync.WaitGroup
	crew.start(&running)
	one := FailoverRound{Killed: r.nodes.names()[leader]}
	pause(ctx, r.cfg.Steady)
	err := r.strike(ctx, leader, crew.outage, &one)
	stop()
	running.Wait()
	crew.sum(r, &one)
	if err == nil && ctx.Err() == nil {
		err = r.check(ctx, crew, &one)
	}
	if one.FirstCommit > 0 {
		r.result.Rounds = append(r.result.Rounds, one)
	}
	return err
}

// strike kills a node and starts it again when all who write could write again.
func (r *failoverRun) strike(ctx context.Context, i int, o *outage, one *FailoverRound) error {
	if ctx.Err() != nil {
		return nil
	}
	killed := time.Now()
	r.nodes.kill(i)
	o.begin(killed, time.Now())
	if !o.wait(ctx, r.cfg.Patience) {
		return r.lost(ctx, "nothing could be written")
	}
	one.FirstCommit = inMS(o.firstCommit())
	started := time.Now()
	if err := r.nodes.start(i); err != nil {
		return err
	}
	if !r.until(ctx, func() bool { return r.ready(ctx, i) }) {
		return r.lost(ctx, "the node that was killed is not ready")
	}
	one.Ready = inMS(time.Since(started))
	return nil
}

// lost says what did not come back in time, unless the run was called off.
func (r *failoverRun) lost(ctx context.Context, what string) error {
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("round %d: %s for %v\n%s", r.done.Load()+1, what, r.cfg.Patience, r.nodes.logs())
}
