//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/cmd/internal/lab"
)

// stage is the cluster under test, and whom the next fault hits.
type stage struct {
	lab     *lab.Lab
	program string // the binary
	rnd     *rand.Rand
	ask     *caller

	mu   sync.Mutex      // guards what follows
	down map[string]bool // nodes that a fault keeps from running
}

func newStage(l *lab.Lab, program string, seed uint64, ledger *ledger) *stage {
	return &stage{
		lab: l, program: program, rnd: rand.New(rand.NewPCG(seed, 0)),
		ask: newCaller(ledger), down: make(map[string]bool),
	}
}

func endpoint(h *lab.Host) string { return "http://" + h.Addr + ":7700" }

func (s *stage) endpoints() (list []string) {
	for _, h := range s.lab.Hosts {
		list = append(list, endpoint(h))
	}
	return list
}

// start runs the node of a host; all of them found one cluster.
func (s *stage) start(h *lab.Host) error {
	var join []string
	for _, other := range s.lab.Hosts {
		join = append(join, other.Addr+":7702")
	}
	return h.Start(s.program, "server", "--node-id", h.Name, "--data-dir", h.Dir+"/data",
		"--http-addr", h.Addr+":7700", "--raft-addr", h.Addr+":7701", "--gossip-addr", h.Addr+":7702",
		"--bootstrap-expect", fmt.Sprint(len(s.lab.Hosts)), "--join", strings.Join(join, ","))
}

// leader is the host that most nodes call leader, nil while they call none.
func (s *stage) leader(ctx context.Context) *lab.Host {
	votes := make(map[string]int)
	var best *lab.Host
	for _, h := range s.lab.Hosts {
		if view, ok := s.view(ctx, h); ok {
			votes[view.Leader]++
		}
	}
	for _, h := range s.lab.Hosts {
		if votes[h.Name] > 0 && (best == nil || votes[h.Name] > votes[best.Name]) {
			best = h
		}
	}
	return best
}

func (s *stage) view(ctx context.Context, h *lab.Host) (view wire.Cluster, ok bool) {
	a := s.ask.ask(ctx, endpoint(h), get(wire.PathCluster, time.Second))
	return view, a.ok() && a.into(&view) == nil
}

// victim is whom a fault hits: the leader more often than not.
func (s *stage) victim(ctx context.Context) *lab.Host {
	any := s.lab.Hosts[s.rnd.IntN(len(s.lab.Hosts))]
	if s.rnd.IntN(5) < 3 {
		if leader := s.leader(ctx); leader != nil {
			return leader
		}
	}
	return any
}

func (s *stage) others(than *lab.Host) (list []*lab.Host) {
	for _, h := range s.lab.Hosts {
		if h != than {
			list = append(list, h)
		}
	}
	return list
}

// claim takes a node from every other fault that would stop or start it. False
// where one has it.
func (s *stage) claim(h *lab.Host) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down[h.Name] {
		return false
	}
	s.down[h.Name] = true
	return true
}

func (s *stage) release(h *lab.Host) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.down, h.Name)
}

// claimed are the nodes of a list that could be claimed.
func (s *stage) claimed(list ...*lab.Host) (got []*lab.Host) {
	for _, h := range list {
		if s.claim(h) {
			got = append(got, h)
		}
	}
	return got
}

// ready waits until every node is ready and all follow one leader.
func (s *stage) ready(ctx context.Context, limit time.Duration) (time.Duration, error) {
	began := time.Now()
	for {
		why := s.unready(ctx)
		if why == "" {
			return time.Since(began), nil
		}
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		if time.Since(began) > limit {
			return time.Since(began), fmt.Errorf("not ready: %s", why)
		}
		pass(ctx, 50*time.Millisecond)
	}
}

func (s *stage) unready(ctx context.Context) string {
	leaders := make(map[string]bool)
	for _, h := range s.lab.Hosts {
		a := s.ask.ask(ctx, endpoint(h), get(wire.PathReady, time.Second))
		if !a.ok() {
			return h.Name + " answers " + a.text()
		}
		view, ok := s.view(ctx, h)
		if !ok || view.Leader == "" {
			return h.Name + " knows no leader"
		}
		leaders[view.Leader] = true
	}
	if len(leaders) > 1 {
		return fmt.Sprint("several leaders: ", leaders)
	}
	return ""
}

// revision is the highest that any node knows.
func (s *stage) revision(ctx context.Context) (highest uint64) {
	for _, h := range s.lab.Hosts {
		if view, ok := s.view(ctx, h); ok {
			highest = max(highest, view.Revision)
		}
	}
	return highest
}
