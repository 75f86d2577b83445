package raftstore

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"sync"
)

// maxWaiters bounds how many may wait for one number at once.
const maxWaiters = 1 << 16

// ErrTooMany is returned by AwaitIndex and AwaitRevision when too many wait
// already.
var ErrTooMany = errors.New("too many requests wait for this replica")

// waiters are those who wait until a number that only grows has reached theirs.
type waiters struct {
	mu   sync.Mutex
	heap waiterHeap
}

type waiter struct {
	target uint64
	woken  chan struct{}
	at     int // in the heap; -1 when it has left
}

// add registers one; the caller looks at the number again afterwards, so that
// no growth in between is missed.
func (w *waiters) add(target uint64) (*waiter, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.heap) >= maxWaiters {
		return nil, ErrTooMany
	}
	one := &waiter{target: target, woken: make(chan struct{})}
	heap.Push(&w.heap, one)
	return one, nil
}

func (w *waiters) remove(one *waiter) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if one.at >= 0 {
		heap.Remove(&w.heap, one.at)
	}
}

// wake lets go everybody whose number is reached.
func (w *waiters) wake(reached uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.heap) > 0 && w.heap[0].target <= reached {
		close(heap.Pop(&w.heap).(*waiter).woken)
	}
}

// wait blocks until now() has reached target, ctx ends or stop is closed.
func (w *waiters) wait(ctx context.Context, stop <-chan struct{}, target uint64, now func() uint64) error {
	if now() >= target {
		return nil
	}
	one, err := w.add(target)
	if err != nil {
		return err
	}
	defer w.remove(one)
	if now() >= target {
		return nil
	}
	select {
	case <-one.woken:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for %d, now at %d: %w", target, now(), context.Cause(ctx))
	case <-stop:
		return ErrClosed
	}
}

// waiterHeap is a heap.Interface by target.
type waiterHeap []*waiter

func (h waiterHeap) Len() int           { return len(h) }
func (h waiterHeap) Less(i, j int) bool { return h[i].target < h[j].target }

func (h waiterHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}

// Push is called by package heap.
func (h *waiterHeap) Push(x any) {
	one := x.(*waiter)
	one.at = len(*h)
	*h = append(*h, one)
}

// Pop is called by package heap.
func (h *waiterHeap) Pop() any {
	old := *h
	one := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	one.at = -1
	return one
}
