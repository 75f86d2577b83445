//go:build e2e

package e2e_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// written is what the cluster acknowledged of one lease.
type written struct {
	epoch, seq uint64
	left       bool
	unsure     bool // the last request was not answered: it may have taken effect
}

// write registers leases, renews each twice and lets every third one leave,
// until ctx ends, and notes what was acknowledged.
func write(ctx context.Context, endpoint, prefix string) map[string]*written {
	acked := make(map[string]*written)
	for i := 0; ctx.Err() == nil; i++ {
		id := fmt.Sprintf("%s-%d", prefix, i)
		g, a := register(endpoint, id, wire.Registration{Service: "written", TTLMS: 600_000})
		if !a.ok() {
			return acked
		}
		w := &written{epoch: g.Epoch}
		acked[id] = w
		for range 2 {
			if _, a := heartbeat(endpoint, id, w.epoch, w.seq+1, time.Second); !a.ok() {
				w.unsure = true
				return acked
			}
			w.seq++
		}
		if i%3 != 0 {
			continue
		}
		a = ask("DELETE", endpoint, fmt.Sprintf("%s/%s?epoch=%d", wire.PathLeases, id, w.epoch), nil, nil, time.Second)
		if !a.ok() {
			w.unsure = true
			return acked
		}
		w.left = true
	}
	return acked
}

func TestKillAllWhileWriting(t *testing.T) {
	c := startCluster(t, 3)
	for round := range 2 {
		all := writeUntilKilled(t, c, round)
		for _, p := range c {
			p.start()
		}
		back := c.awaitReady(t, 20*time.Second)
		t.Logf("ready %v after the start; %d leases were acknowledged", back, len(all))
		if back > 5*time.Second {
			t.Errorf("the cluster was back after %v, want at most 5 s", back)
		}
		for id, w := range all {
			checkWritten(t, c[0].endpoint(), id, w)
		}
	}
}

func writeUntilKilled(t *testing.T, c cluster, round int) map[string]*written {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var (
		writers sync.WaitGroup
		mu      sync.Mutex
		all     = make(map[string]*written)
	)
	for i := range 24 {
		writers.Go(func() {
			acked := write(ctx, c[i%3].endpoint(), fmt.Sprintf("w%d-%d", round, i))
			mu.Lock()
			defer mu.Unlock()
			for id, w := range acked {
				all[id] = w
			}
		})
	}
	pass(ctx, 2*time.Second)
	var killers sync.WaitGroup
	for _, p := range c {
		killers.Go(p.kill)
	}
	killers.Wait()
	cancel()
	writers.Wait()
	return all
}

func checkWritten(t *testing.T, endpoint, id string, w *written) {
	t.Helper()
	if lost := w.lost(endpoint, id); lost != "" {
		t.Error(lost)
	}
}

// lost says what of a lease is not as it was acknowledged; empty if all is.
func (w *written) lost(endpoint, id string) string {
	var lease wire.Lease
	a := get(endpoint, wire.PathLeases+"/"+id+"?consistency=linearizable", &lease)
	switch {
	case !a.ok():
		return fmt.Sprintf("%s was acknowledged and is unknown: %s", id, a)
	case lease.Epoch != w.epoch && lease.Certificate == nil:
		return fmt.Sprintf("%s: epoch %d, acknowledged %d", id, lease.Epoch, w.epoch)
	case w.left != (lease.Certificate != nil) && !w.unsure:
		return fmt.Sprintf("%s: left %v, now %s", id, w.left, lease.State)
	case lease.Certificate == nil && (lease.Seq < w.seq || lease.Seq > w.seq && !w.unsure):
		return fmt.Sprintf("%s: seq %d, acknowledged %d", id, lease.Seq, w.seq)
	}
	return ""
}
