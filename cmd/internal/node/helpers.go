package node

import "sync"

// helpers are short-lived goroutines that the node waits for. Unlike a bare
// WaitGroup they may be asked for while, and after, they are waited for: an
// answer may come as late as that. The zero value is ready.
type helpers struct {
	mu     sync.Mutex // guards over, and the group's growth against its wait
	over   bool
	active sync.WaitGroup
}

// Go runs f beside its caller, or returns false when it is too late for that.
func (h *helpers) Go(f func()) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over {
		return false
	}
	h.active.Go(f)
	return true
}

// Wait lets nothing more begin, and waits for what runs.
func (h *helpers) Wait() {
	h.mu.Lock()
	h.over = true
	h.mu.Unlock()
	h.active.Wait()
}
