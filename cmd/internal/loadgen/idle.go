package loadgen

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// PhaseHold is when idle connections are held.
const PhaseHold = "hold"

// What an idle connection is.
const (
	IdleSession = "session" // a WebSocket
	IdleWatch   = "watch"   // a stream of server-sent events
)

// IdleConfig says how many connections are held without any traffic of ours.
// Zero values take the defaults that stand beside the fields.
type IdleConfig struct {
	Target
	Kind        string        // session
	Connections int           // 1,000; each needs a file descriptor here and there
	Hold        time.Duration // 30 s: two pings, or bookmarks
}

// IdleResult is what idle connections cost. As JSON it is the object of `bench
// idle -o json`.
type IdleResult struct {
	Mode        string  `json:"mode"`
	Kind        string  `json:"kind"`
	Seconds     float64 `json:"seconds"` // of holding
	Connections int     `json:"connections"`
	Held        int64   `json:"held"`   // at the end
	Broken      int64   `json:"broken"` // connections that ended under the run, each made anew

	Nodes              []NodeMemory `json:"nodes"`
	BytesPerConnection float64      `json:"bytes_per_connection"` // over all nodes, resident

	Endpoints   []string `json:"endpoints"`
	Interrupted bool     `json:"interrupted"`
}

// NodeMemory is the resident memory of one node, as its metrics tell it.
type NodeMemory struct {
	Endpoint string  `json:"endpoint"`
	Before   float64 `json:"before_bytes"`
	After    float64 `json:"after_bytes"` // at the end of the hold, all still connected
}

// IdleDefaults returns the configuration that a zero one becomes.
func IdleDefaults() IdleConfig { return IdleConfig{}.withDefaults() }

func (c IdleConfig) withDefaults() IdleConfig {
	c.Target = c.Target.withDefaults()
	orElse(&c.Kind, IdleSession)
	orElse(&c.Connections, 1_000)
	orElse(&c.Hold, 30*time.Second)
	return c
}

func (c IdleConfig) validate() error {
	return errors.Join(
		c.Target.validate(),
		check(slices.Contains([]string{IdleSession, IdleWatch}, c.Kind), "kind %q: want %s or %s", c.Kind, IdleSession, IdleWatch),
		check(c.Connections >= 1 && c.Connections <= 100_000, "connections %d: want 1 to 100,000", c.Connections),
		check(c.Hold > 0, "hold %v: want more than 0", c.Hold),
	)
}

// idleRun is one run of idle connections.
type idleRun struct {
	cfg  IdleConfig
	held atomic.Int64
	lost atomic.Int64
}

// RunIdle holds connections and returns what they cost the nodes. When ctx ends
// it returns what was measured until then. An error is a configuration that is
// wrong (ErrConfig), connections that nobody takes, or metrics that nobody
// tells.
func RunIdle(ctx context.Context, cfg IdleConfig) (*IdleResult, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	r := &idleRun{cfg: cfg}
	result := &IdleResult{Mode: "idle", Kind: cfg.Kind, Connections: cfg.Connections, Endpoints: cfg.Endpoints}
	err := r.drive(ctx, result)
	if result.Interrupted = ctx.Err() != nil; result.Interrupted {
		err = nil
	}
	return result, err
}

// drive measures, connects, holds and measures again.
func (r *idleRun) drive(ctx context.Context, result *IdleResult) error {
	before, err := r.memory(ctx)
	if err != nil {
		return err
	}
	under, stop := context.WithCancel(context.WithoutCancel(ctx))
	var connections sync.WaitGroup
	defer connections.Wait()
	defer stop()
	if err := r.connect(ctx, under, &connections); err != nil {
		return err
	}
	started := time.Now()
	during(r.holding(), Progress{Phase: PhaseHold, Of: r.cfg.Hold}, r.counts, func() { pause(ctx, r.cfg.Hold) })
	result.Seconds, result.Held, result.Broken = time.Since(started).Seconds(), r.held.Load(), r.lost.Load()
	after, err := r.memory(ctx)
	if err != nil {
		return err
	}
	result.compare(before, after)
	return nil
}

// holding tells of what is held instead of what is done.
func (r *idleRun) holding() func(Progress) {
	if r.cfg.Watch == nil {
		return nil
	}
	return func(p Progress) {
		p.Held, p.Done = p.Done, 0
		r.cfg.Watch(p)
	}
}

func (r *idleRun) counts() (done, failed int64) { return r.held.Load(), r.lost.Load() }

func (r *idleRun) connect(ctx, under context.Context, connections *sync.WaitGroup) (err error) {
	during(r.cfg.Watch, Progress{Phase: PhaseConnect, Total: int64(r.cfg.Connections)}, r.counts, func() {
		err = gather(ctx, r.cfg.Connections, r.cfg.Timeout, func(i int, ready func(), failed func(error)) {
			connections.Go(func() { newIdler(under, r, i).run(ready, failed) })
		})
	})
	if err != nil {
		return fmt.Errorf("connect: %d of %d are: %w", r.held.Load(), r.cfg.Connections, err)
	}
	return nil
}

// compare tells what the connections made of the nodes' memory.
func (r *IdleResult) compare(before, after []float64) {
	grown := 0.0
	for i, e := range r.Endpoints {
		r.Nodes = append(r.Nodes, NodeMemory{Endpoint: e, Before: before[i], After: after[i]})
		grown += after[i] - before[i]
	}
	r.BytesPerConnection = grown / float64(r.Connections)
}

// Failed returns an error when connections did not hold.
func (r *IdleResult) Failed() error {
	if r.Broken > 0 {
		return fmt.Errorf("%d connections broke under the run, %d of %d were held at the end", r.Broken, r.Held, r.Connections)
	}
	return nil
}
