//go:build linux

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/lab"
)

// network is every address of a lab.
const network = "10.199.0.0/24"

// several does several faults as one; where one fails the others are undone.
func several(what string, faults ...func() (lab.Undo, error)) (string, lab.Undo, error) {
	var undos []lab.Undo
	for _, inject := range faults {
		undo, err := inject()
		if err != nil {
			return what, nil, fmt.Errorf("%s: %w (undone: %v)", what, err, lab.All(undos...)())
		}
		undos = append(undos, undo)
	}
	return what, lab.All(undos...), nil
}

func deaf(h *lab.Host, from string) func() (lab.Undo, error) {
	return func() (lab.Undo, error) { return h.Deaf(from) }
}

func mute(h *lab.Host, to string) func() (lab.Undo, error) {
	return func() (lab.Undo, error) { return h.Mute(to) }
}

func partition(ctx context.Context, s *stage) (string, lab.Undo, error) {
	h := s.victim(ctx)
	return several("cut off "+s.name(ctx, h), deaf(h, lab.Peers), mute(h, lab.Peers))
}

func split(_ context.Context, s *stage) (string, lab.Undo, error) {
	var all []func() (lab.Undo, error)
	for _, h := range s.lab.Hosts {
		all = append(all, deaf(h, lab.Peers))
	}
	return several("cut all from each other", all...)
}

func isolate(ctx context.Context, s *stage) (string, lab.Undo, error) {
	h := s.victim(ctx)
	return several("isolate "+s.name(ctx, h), deaf(h, network), mute(h, network))
}

func oneway(ctx context.Context, s *stage) (string, lab.Undo, error) {
	h := s.victim(ctx)
	if s.rnd.IntN(2) == 0 {
		return several("deafen "+s.name(ctx, h), deaf(h, lab.Peers))
	}
	return several("mute "+s.name(ctx, h), mute(h, lab.Peers))
}

func partial(ctx context.Context, s *stage) (string, lab.Undo, error) {
	h := s.victim(ctx)
	others := s.others(h)
	other := others[s.rnd.IntN(len(others))]
	return several("cut "+s.name(ctx, h)+" from "+other.Name, deaf(h, other.Addr), deaf(other, h.Addr))
}

func loss(_ context.Context, s *stage) (string, lab.Undo, error) {
	share := 0.1 + 0.2*s.rnd.Float64()
	var all []func() (lab.Undo, error)
	for _, h := range s.lab.Hosts {
		all = append(all, func() (lab.Undo, error) { return h.Lossy(lab.Peers, share) })
	}
	return several(fmt.Sprintf("lose %.0f %%", 100*share), all...)
}

func delay(_ context.Context, s *stage) (string, lab.Undo, error) {
	by := lab.Delay{Base: 50 * time.Millisecond, Jitter: 20 * time.Millisecond, Twice: 0.05}
	var all []func() (lab.Undo, error)
	for _, h := range s.lab.Hosts {
		all = append(all, func() (lab.Undo, error) { return h.Delayed(by, s.lab.Hosts...) })
	}
	return several("delay by 50 ms", all...)
}

func reset(ctx context.Context, s *stage) (string, lab.Undo, error) {
	h := s.victim(ctx)
	return several("resets from "+s.name(ctx, h), func() (lab.Undo, error) { return h.Rejecting(lab.Peers) })
}

func unplug(ctx context.Context, s *stage) (string, lab.Undo, error) {
	h := s.victim(ctx)
	what := "unplug " + s.name(ctx, h)
	undo, err := h.Unplugged()
	return outcome(what, undo, err)
}
