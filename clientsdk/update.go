package clientsdk

import (
	"context"
	"errors"
	"slices"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// ErrNotHeld is returned by a change of a lease that no grant is held of.
var ErrNotHeld = errors.New("no lease is held now")

// Update changes what the lease says of itself: what the patch names, its
// epoch aside. It is remembered, and said again should the lease have to be
// registered anew.
func (l *Lease) Update(ctx context.Context, patch wire.Patch) (*wire.Lease, error) {
	h := l.held()
	if patch.Epoch = h.live(); patch.Epoch == 0 {
		return nil, ErrNotHeld
	}
	lease, err := l.client.Patch(ctx, h.id, patch)
	if err == nil {
		l.remember(patch)
	}
	return lease, err
}

// Drain marks the lease as draining: it lives on, and is not to get new work.
func (l *Lease) Drain(ctx context.Context) (*wire.Lease, error) {
	return l.Update(ctx, wire.Patch{State: new(stateDraining)})
}

// remember carries a change into the next registration.
func (l *Lease) remember(p wire.Patch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.State != nil {
		l.drain = *p.State == stateDraining
	}
	if p.Tags != nil {
		l.reg.Tags = slices.Clone(*p.Tags)
	}
	if p.Meta != nil {
		l.reg.Meta = *p.Meta
		l.reg = l.reg.clone()
	}
	if p.Address != nil {
		l.reg.Address = *p.Address
	}
	if p.Port != nil {
		l.reg.Port = *p.Port
	}
}

// drained says that the application had drained the lease.
func (l *Lease) drained() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.drain
}

// registration is what to register with now.
func (l *Lease) registration() Registration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reg.clone()
}
