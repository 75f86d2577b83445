package node

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/collector"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// oneLog is a log of one node: every batch is encoded, applied to a replica,
// and answered a little later; some answers are lost, before or after the
// commit.
type oneLog struct {
	mu      sync.Mutex
	rnd     *rand.Rand
	began   time.Time
	replica *registry.Replica
	entries []registry.Entry
}

func (l *oneLog) Send(b *collector.Batch, done func([]registry.Result, collector.Commit, error)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := registry.Entry{Wall: time.Now().UnixMilli(), Proposer: "n1", Commands: b.Commands}
	fate := l.rnd.IntN(100)
	var out registry.Outcome
	var err error
	if fate >= 3 {
		e, err = registry.DecodeEntry(e.Append(nil))
		if err == nil {
			l.entries = append(l.entries, e)
			out = l.replica.Apply(registry.Position{Index: uint64(len(l.entries)), Term: 1}, &e, time.Since(l.began))
		}
	}
	if fate < 6 {
		err = collector.ErrNoLeader
	}
	at := collector.Commit{Index: uint64(len(l.entries)), Revision: l.replica.Revision()}
	time.AfterFunc(time.Duration(500+l.rnd.IntN(1500))*time.Microsecond, func() { done(out.Results, at, err) })
}

// oneLeader is the backend of a leader that has oneLog.
type oneLeader struct {
	*collector.Collector
	followers
}

func (l *oneLeader) attend(f *follower) func() { return l.add(f) }
func (l *oneLeader) PulseAck(string, []byte)   {}
func (l *oneLeader) ReadIndex(ctx context.Context, _ bool) (uint64, error) {
	return l.Barrier(ctx)
}

func (l *oneLeader) Ask(context.Context, string, []byte) (any, error) {
	return nil, errors.New("nothing to ask")
}

// storm is a follower, its leader, and a stream between them that is cut again
// and again.
type storm struct {
	t        *testing.T
	log      *oneLog
	leader   *oneLeader
	follower *collector.Collector
	link     atomic.Pointer[forwarder]
	parts    sync.WaitGroup
}

func newStorm(t *testing.T, ctx context.Context, seed uint64) *storm {
	s := &storm{
		t:        t,
		log:      &oneLog{rnd: rand.New(rand.NewPCG(seed, 1)), began: time.Now(), replica: registry.NewReplica("n1")},
		leader:   &oneLeader{Collector: collector.New(collector.Config{})},
		follower: collector.New(collector.Config{}),
	}
	s.leader.Attach(s.log, true)
	s.parts.Go(func() { s.leader.Run(ctx) })
	s.parts.Go(func() { s.follower.Run(ctx) })
	s.parts.Go(func() { s.relink(ctx, rand.New(rand.NewPCG(seed, 2))) })
	s.parts.Go(func() { s.depose(ctx, rand.New(rand.NewPCG(seed, 3))) })
	return s
}

// relink keeps a stream up, and cuts it at random moments.
func (s *storm) relink(ctx context.Context, rnd *rand.Rand) {
	for ctx.Err() == nil {
		near, far := newMemStreams()
		f := newForwarder(near, func([]byte, time.Time) ([]byte, error) { return nil, nil })
		s.parts.Go(func() { _ = serveForward(ctx, "n2", far, s.leader) })
		s.link.Store(f)
		s.follower.Attach(f, false)
		cut := time.AfterFunc(time.Duration(rnd.ExpFloat64()*float64(20*time.Millisecond)), func() { _ = far.Close() })
		_ = f.Run(ctx)
		cut.Stop()
		s.follower.Attach(nil, false)
		<-time.After(time.Duration(rnd.IntN(3)) * time.Millisecond)
	}
}

// depose takes the leadership away now and then.
func (s *storm) depose(ctx context.Context, rnd *rand.Rand) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Duration(rnd.ExpFloat64() * float64(60*time.Millisecond))):
		}
		s.leader.Attach(nil, false)
		<-time.After(time.Duration(rnd.IntN(5)) * time.Millisecond)
		s.leader.Attach(s.log, true)
	}
}

// grant registers an id, as often as it takes: the key makes that safe.
func (s *storm) grant(ctx context.Context, c *collector.Collector, id string) uint64 {
	for {
		r, _, err := c.Do(ctx, &registry.Grant{NS: "n", ID: id, TTL: 3_600_000, Key: id})
		if err == nil {
			return r.Lease.Epoch
		}
		if !errors.Is(err, collector.ErrNoLeader) {
			s.t.Errorf("grant %s: %v", id, err)
			return 0
		}
	}
}

// client renews one lease so many times, each with the same seq until it is
// acknowledged, and returns the epoch.
func (s *storm) client(ctx context.Context, c *collector.Collector, n int, rnd *rand.Rand, acked *beatSet) {
	epoch := s.grant(ctx, c, fmt.Sprint("client-", n))
	for seq := uint64(1); seq <= 60; {
		patience, cancel := context.WithTimeout(ctx, time.Duration(1+rnd.IntN(40))*time.Millisecond)
		r, at, err := s.beat(patience, c, epoch, seq, rnd)
		cancel()
		switch {
		case err != nil && !errors.Is(err, collector.ErrNoLeader):
			s.t.Errorf("beat: %v", err)
			return
		case err != nil:
			continue
		case r.Code != registry.OK && r.Code != registry.Duplicate:
			s.t.Errorf("beat %d of %d: %+v", seq, epoch, r)
			return
		}
		acked.add(epoch, seq)
		if seq%10 == 0 {
			s.read(ctx, at.Index)
		}
		seq++
	}
}

// beat renews alone or in a group.
func (s *storm) beat(ctx context.Context, c *collector.Collector, epoch, seq uint64, rnd *rand.Rand) (registry.BeatResult, collector.Commit, error) {
	if rnd.IntN(3) > 0 {
		return c.Beat(ctx, epoch, seq)
	}
	r, at, err := c.Beats(ctx, []string{"", "n"}[rnd.IntN(2)], registry.Beats(nil).Append(epoch, seq))
	if err != nil {
		return registry.BeatResult{}, at, err
	}
	return r[0], at, nil
}

// read asks the leader for an index and compares it with what was acknowledged
// before.
func (s *storm) read(ctx context.Context, acknowledged uint64) {
	bounded, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	index, err := s.link.Load().ReadIndex(bounded, true)
	if err == nil && index < acknowledged {
		s.t.Errorf("read index %d after an acknowledgement at %d", index, acknowledged)
	}
}

// writer grants ids of which none may be granted twice.
func (s *storm) writer(ctx context.Context, n int, granted *sync.Map) {
	for i := range 20 {
		id := fmt.Sprintf("once-%d-%d", n, i)
		if _, _, err := s.follower.Do(ctx, &registry.Grant{NS: "n", ID: id, TTL: 3_600_000}); err == nil {
			granted.Store(id, true)
		}
		<-time.After(3 * time.Millisecond)
	}
}

type beatSet struct {
	mu  sync.Mutex
	set map[[2]uint64]bool
}

func (b *beatSet) add(epoch, seq uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.set == nil {
		b.set = make(map[[2]uint64]bool)
	}
	b.set[[2]uint64{epoch, seq}] = true
}

// check compares what was acknowledged with what is in the log.
func (l *oneLog) check(t *testing.T, acked map[[2]uint64]bool, granted *sync.Map) {
	beats, grants := make(map[[2]uint64]bool), make(map[string]int)
	for _, e := range l.entries {
		for _, cmd := range e.Commands {
			switch cmd := cmd.(type) {
			case *registry.Renew:
				for i := range cmd.Beats.Len() {
					epoch, seq := cmd.Beats.At(i)
					beats[[2]uint64{epoch, seq}] = true
				}
			case *registry.Grant:
				if cmd.Key == "" {
					grants[cmd.ID]++
				}
			}
		}
	}
	for beat := range acked {
		if !beats[beat] {
			t.Errorf("acknowledged, but not in the log: %v", beat)
		}
	}
	for id, n := range grants {
		if n > 1 {
			t.Errorf("%s was proposed %d times", id, n)
		}
	}
	granted.Range(func(id, _ any) bool {
		if grants[id.(string)] != 1 {
			t.Errorf("%v is granted, but %d times in the log", id, grants[id.(string)])
		}
		return true
	})
}

// TestStorm: clients of a follower and of its leader, while the stream is cut,
// answers are lost and the leadership comes and goes. Every acknowledged beat
// is in the log, every call is answered with its own result, no command is
// proposed twice, and no goroutine is left.
func TestStorm(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				s := newStorm(t, ctx, seed)
				var calls sync.WaitGroup
				var acked beatSet
				var granted sync.Map
				for n := range 24 {
					c := s.follower
					if n%4 == 0 {
						c = s.leader.Collector
					}
					rnd := rand.New(rand.NewPCG(seed, 100+uint64(n)))
					calls.Go(func() { s.client(ctx, c, n, rnd, &acked) })
				}
				for n := range 4 {
					calls.Go(func() { s.writer(ctx, n, &granted) })
				}
				calls.Wait()
				<-time.After(time.Second) // what nobody waits for any more comes down
				cancel()
				s.parts.Wait()
				synctest.Wait()
				s.log.check(t, acked.set, &granted)
				if len(acked.set) != 24*60 {
					t.Errorf("%d beats were acknowledged", len(acked.set))
				}
			})
		})
	}
}
