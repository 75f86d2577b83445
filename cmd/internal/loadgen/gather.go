package loadgen

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// connectAtOnce is how many connections of a run are on their way at once, so
// that no backlog of a node overflows.
const connectAtOnce = 128

// gathering remembers why things are not ready.
type gathering struct {
	room  chan struct{} // a place for each that is on its way
	final chan struct{} // closed when a refusal will not change

	mu  sync.Mutex
	err error // the last failure, or the final refusal
}

// gather starts n things, of which at most connectAtOnce are not ready yet, and
// returns when all are. It fails when one is refused for good, when none became
// ready for as long as patience, or when ctx ends.
func gather(ctx context.Context, n int, patience time.Duration, start func(i int, ready func(), failed func(error))) error {
	g := &gathering{room: make(chan struct{}, connectAtOnce), final: make(chan struct{})}
	for i := range n + connectAtOnce { // the last are places only
		if err := g.place(ctx, patience); err != nil {
			return err
		}
		if i < n {
			start(i, func() { <-g.room }, g.failed)
		}
	}
	return nil
}

func (g *gathering) place(ctx context.Context, patience time.Duration) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case g.room <- struct{}{}:
		return nil
	case <-g.final:
		return g.why()
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return errors.Join(fmt.Errorf("none came for %v", patience), g.why())
	}
}

func (g *gathering) why() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err
}

// failed notes a failure, of which only a definite refusal ends the gathering.
func (g *gathering) failed(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if final(g.err) {
		return
	}
	if g.err = err; final(err) {
		close(g.final)
	}
}

// final says that another try would be refused, too.
func final(err error) bool {
	var p *wire.Problem
	return errors.As(err, &p) && !p.Retryable && p.Code != wire.CodeCompacted
}
