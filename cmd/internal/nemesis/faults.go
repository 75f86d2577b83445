//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/lab"
)

// fault is one way to break a cluster. inject says what it did to whom and
// returns what takes it back. Two may lie over each other.
type fault struct {
	name   string
	about  string
	least  time.Duration // for which it lasts at least, beyond what every fault does
	inject func(ctx context.Context, s *stage) (what string, undo lab.Undo, err error)
}

// outlasting is longer than every TTL, for faults in which nobody can renew: a
// cluster that believes its own clock then buries everybody.
const outlasting = steadyTTL + time.Second

// faults are all there are, in the order of docs/testing.md.
var faults = []fault{
	{"kill", "kill -9 of one node", 0, kill},
	{"killall", "kill -9 of all nodes at once", 0, killAll},
	{"restart", "one node stops gracefully, and comes back", 0, restart},
	{"pause", "SIGSTOP of one node", 0, pause},
	{"freeze", "SIGSTOP of all nodes at once", outlasting, freeze},
	{"partition", "one node hears and reaches no other; clients reach it", 0, partition},
	{"split", "no node hears or reaches any other; clients reach all", outlasting, split},
	{"isolate", "one node hears and reaches nobody", 0, isolate},
	{"oneway", "one node hears no other, but is heard", 0, oneway},
	{"partial", "two nodes do not reach each other, all others reach both", 0, partial},
	{"loss", "10 % to 30 % of the packets between nodes are lost", 0, loss},
	{"delay", "packets between nodes take 50 ms, give or take 20, overtake each other, some come twice", 0, delay},
	{"reset", "one node answers every segment of others with a reset", 0, reset},
	{"unplug", "the link of one node goes down and up", 0, unplug},
	{"cpu", "one node gets a twentieth to a fifth of a processor", 0, cpu},
	{"files", "one node can open no further files", 0, files},
	{"flood", "thousands of connections to one node that say nothing, or nonsense", 0, flood},
	{"slow", "a hundred watches and lists of one node that nobody reads", 0, slow},
	{"transfer", "leadership is passed on again and again", 0, transfer},
}

func faultOf(name string) (fault, bool) {
	i := slices.IndexFunc(faults, func(f fault) bool { return f.name == name })
	if i < 0 {
		return fault{}, false
	}
	return faults[i], true
}

func nothing() error { return nil }

// name says which node, and whether it leads.
func (s *stage) name(ctx context.Context, h *lab.Host) string {
	if s.leader(ctx) == h {
		return h.Name + " (leader)"
	}
	return h.Name
}

// back starts nodes again that a fault had claimed.
func (s *stage) back(hosts []*lab.Host) lab.Undo {
	return func() (first error) {
		for _, h := range hosts {
			if err := s.start(h); err != nil && first == nil {
				first = err
			}
			s.release(h)
		}
		return first
	}
}

func kill(ctx context.Context, s *stage) (string, lab.Undo, error) {
	h := s.victim(ctx)
	what := "kill " + s.name(ctx, h)
	got := s.claimed(h)
	killEach(got)
	return what, s.back(got), nil
}

func killAll(_ context.Context, s *stage) (string, lab.Undo, error) {
	got := s.claimed(s.lab.Hosts...)
	killEach(got)
	return "kill all", s.back(got), nil
}

func killEach(hosts []*lab.Host) {
	done := make(chan struct{})
	for _, h := range hosts {
		go func() { h.Kill(); done <- struct{}{} }()
	}
	for range hosts {
		<-done
	}
}

func restart(ctx context.Context, s *stage) (string, lab.Undo, error) {
	h := s.victim(ctx)
	what := "stop " + s.name(ctx, h)
	got := s.claimed(h)
	for _, h := range got {
		if code := h.Stop(30 * time.Second); code != 0 {
			s.ask.ledger.find(fell, "%s stopped with exit code %d", h.Name, code)
		}
	}
	return what, s.back(got), nil
}

func pause(ctx context.Context, s *stage) (string, lab.Undo, error) {
	h := s.victim(ctx)
	return "pause " + s.name(ctx, h), s.paused(s.claimed(h)), nil
}

func freeze(_ context.Context, s *stage) (string, lab.Undo, error) {
	return "pause all", s.paused(s.claimed(s.lab.Hosts...)), nil
}

func (s *stage) paused(hosts []*lab.Host) lab.Undo {
	for _, h := range hosts {
		h.Pause()
	}
	return func() error {
		for _, h := range hosts {
			h.Resume()
			s.release(h)
		}
		return nil
	}
}

func outcome(what string, undo lab.Undo, err error) (string, lab.Undo, error) {
	if err != nil {
		return what, nil, fmt.Errorf("%s: %w", what, err)
	}
	return what, undo, nil
}

func cpu(ctx context.Context, s *stage) (string, lab.Undo, error) {
	h := s.victim(ctx)
	share := 0.05 + 0.15*s.rnd.Float64()
	undo, err := h.Starved(share)
	return outcome(fmt.Sprintf("%.0f %% of a processor for %s", 100*share, s.name(ctx, h)), undo, err)
}

func files(ctx context.Context, s *stage) (string, lab.Undo, error) {
	h := s.victim(ctx)
	what := "no more files for " + s.name(ctx, h)
	limit, err := h.Full(2)
	switch {
	case errors.Is(err, os.ErrNotExist): // another fault took it away
		return what + " (not there)", nothing, nil
	case err != nil:
		return outcome(what, nil, err)
	}
	return what, lab.All(limit, s.connections(ctx, h, 200)), nil
}

func transfer(ctx context.Context, s *stage) (string, lab.Undo, error) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ctx.Err() == nil; i++ {
			s.ask.ask(ctx, endpoint(s.lab.Hosts[i%len(s.lab.Hosts)]), request{method: "POST", path: "/v1/cluster/transfer", within: 3 * time.Second})
			pass(ctx, 700*time.Millisecond)
		}
	}()
	return "transfers", func() error { cancel(); <-done; return nil }, nil
}
