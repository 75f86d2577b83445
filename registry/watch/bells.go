package watch

import (
	"fmt"
	"slices"
	"sync"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// bells wake those who wait for something new in the mailbox of an id. They
// only say that one should look: a bell may ring though there is nothing.
type bells struct {
	most int

	mu    sync.Mutex // guards what follows, and all listeners
	of    map[registry.Identity][]*bell
	count int
}

// bell is one listener's interest in one id.
type bell struct {
	listener *Listener
	id       registry.Identity
	at       int  // among the bells of the id
	rung     bool // since the last Take
}

func newBells(most int) *bells {
	return &bells{most: most, of: make(map[registry.Identity][]*bell)}
}

// ring wakes who listens to these ids. It is called under the lock of the
// replica and does not wait.
func (b *bells) ring(ids []registry.Identity) {
	if len(ids) == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range ids {
		for _, one := range b.of[id] {
			one.ring()
		}
	}
}

// ringAll wakes everybody for everything.
func (b *bells) ringAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, bells := range b.of {
		for _, one := range bells {
			one.ring()
		}
	}
}

func (one *bell) ring() {
	if one.rung {
		return
	}
	one.rung = true
	one.listener.rung = append(one.listener.rung, one)
	signal(one.listener.wake)
}

func (b *bells) listen() *Listener {
	return &Listener{of: b, wake: make(chan struct{}, 1), bells: make(map[registry.Identity]*bell)}
}

// Listener waits for any number of ids on one channel. Its methods may be
// called side by side.
type Listener struct {
	of   *bells
	wake chan struct{} // of capacity 1

	// The lock of bells guards what follows.
	bells map[registry.Identity]*bell
	rung  []*bell // each once
}

// C returns the channel that is ready when Take has something to return.
func (l *Listener) C() <-chan struct{} { return l.wake }

// Add listens to an id; again, it does nothing. What came before is not told:
// look after Add. The error is ErrTooMany.
func (l *Listener) Add(id registry.Identity) error {
	b := l.of
	b.mu.Lock()
	defer b.mu.Unlock()
	if l.bells[id] != nil {
		return nil
	}
	if b.count >= b.most {
		return fmt.Errorf("%w: %d mailboxes are listened to", ErrTooMany, b.count)
	}
	one := &bell{listener: l, id: id, at: len(b.of[id])}
	l.bells[id] = one
	b.of[id] = append(b.of[id], one)
	b.count++
	return nil
}

// Remove no longer listens to an id.
func (l *Listener) Remove(id registry.Identity) {
	l.of.mu.Lock()
	defer l.of.mu.Unlock()
	if one := l.bells[id]; one != nil {
		l.of.remove(one)
	}
}

// remove takes one bell away.
func (b *bells) remove(one *bell) {
	delete(one.listener.bells, one.id)
	if one.rung {
		one.listener.rung = slices.DeleteFunc(one.listener.rung, func(other *bell) bool { return other == one })
	}
	b.count--
	bells := b.of[one.id]
	last := len(bells) - 1
	if last == 0 {
		delete(b.of, one.id)
		return
	}
	moved := bells[last]
	bells[one.at], moved.at = moved, one.at
	bells[last] = nil
	b.of[one.id] = bells[:last]
}

// Take returns the ids whose bells rang since the last Take, each once.
func (l *Listener) Take() []registry.Identity {
	l.of.mu.Lock()
	defer l.of.mu.Unlock()
	ids := make([]registry.Identity, len(l.rung))
	for i, one := range l.rung {
		one.rung = false
		ids[i] = one.id
	}
	l.rung = nil
	return ids
}

// Close listens to nothing any more; it may be called again.
func (l *Listener) Close() {
	l.of.mu.Lock()
	defer l.of.mu.Unlock()
	for _, one := range l.rung {
		one.rung = false // so that none of them is looked for
	}
	l.rung = nil
	for _, one := range l.bells {
		l.of.remove(one)
	}
}
