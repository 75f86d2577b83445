package api_test

import (
	"sync"

	"github.com/seed-b4c92e43/rollcall/api"
	"github.com/seed-b4c92e43/rollcall/registry"
)

type hub struct {
	mu   sync.Mutex
	open map[*listener]bool
}

func (h *hub) Listen() api.Listener {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := &listener{hub: h, c: make(chan struct{}, 1), of: map[registry.Identity]bool{}}
	if h.open == nil {
		h.open = map[*listener]bool{}
	}
	h.open[l] = true
	return l
}

func (h *hub) ring(ids []registry.Identity) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for l := range h.open {
		for _, id := range ids {
			if l.of[id] {
				l.rang = append(l.rang, id)
				select {
				case l.c <- struct{}{}:
				default:
				}
			}
		}
	}
}

type listener struct {
	hub  *hub
	c    chan struct{}
	of   map[registry.Identity]bool
	rang []registry.Identity
}

func (l *listener) C() <-chan struct{} { return l.c }
func (l *listener) Add(id registry.Identity) error {
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	l.of[id] = true
	return nil
}
func (l *listener) Remove(id registry.Identity) {
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	delete(l.of, id)
}
func (l *listener) Take() []registry.Identity {
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	r := l.rang
	l.rang = nil
	return r
}
func (l *listener) Close() {
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	delete(l.hub.open, l)
}
