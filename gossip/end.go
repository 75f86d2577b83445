package gossip

import (
	"fmt"
	"time"
)

// Leave says goodbye: the others see this node as left, not as dead. It takes
// at most about the timeout, and returns an error when nobody was seen to have
// heard it. Close must still be called.
func (g *Gossip) Leave(timeout time.Duration) error {
	g.ending.Lock()
	defer g.ending.Unlock()
	if g.closed || g.left() {
		return nil
	}
	g.stop()
	if err := g.revise(func(m *meta) { m.Leaving = true }); err != nil {
		g.config.Logger.Warn("announce the departure", "error", err)
	} else if err := g.list.UpdateNode(timeout / 2); err != nil {
		g.config.Logger.Warn("announce the departure", "error", err)
	}
	g.become(StatusLeft)
	if err := g.list.Leave(timeout / 2); err != nil {
		return fmt.Errorf("leave gossip: %w", err)
	}
	return nil
}

// Close ends this process's part; without Leave the others see it die.
func (g *Gossip) Close() error {
	g.ending.Lock()
	defer g.ending.Unlock()
	if g.closed {
		return nil
	}
	g.closed = true
	g.cancel()
	err := g.list.Shutdown()
	g.loops.Wait()
	if err != nil {
		return fmt.Errorf("close gossip: %w", err)
	}
	return nil
}

// stop ends the goroutines of this package and waits for them.
func (g *Gossip) stop() {
	g.cancel()
	g.loops.Wait()
}

func (g *Gossip) left() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.status == StatusLeft
}

func (g *Gossip) become(status string) {
	g.mu.Lock()
	g.status, g.since = status, time.Now()
	g.mu.Unlock()
	g.table.signal()
}
