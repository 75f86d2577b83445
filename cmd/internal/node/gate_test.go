package node

import (
	"sync"
	"time"
)

// gate is what goroutines of a node pass, or wait at.
type gate struct {
	mu    sync.Mutex
	shut  chan struct{} // closed when it opens; nil while it is open
	delay time.Duration // of everybody who passes
}

func (g *gate) pass() {
	g.mu.Lock()
	shut, delay := g.shut, g.delay
	g.mu.Unlock()
	if delay > 0 {
		pass(delay)
	}
	if shut != nil {
		<-shut
	}
}

func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut == nil {
		g.shut = make(chan struct{})
	}
}

func (g *gate) slow(delay time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.delay = delay
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut != nil {
		close(g.shut)
	}
	g.shut, g.delay = nil, 0
}
