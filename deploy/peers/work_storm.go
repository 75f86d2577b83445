package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// storming is how late leases end that fall silent all at once.
func storming() *work {
	return &work{
		name:  "storm",
		most:  3,
		title: "Silence",
		about: "10,000 leases of TTL 10 s, all renewed once more and then silent. From when a lease was due, its TTL after its last renewal was sent, until a watcher heard that it is gone.",
		columns: []column{
			{"the last one gone, late by: median (least; most)", millis},
			{"p50", millis},
			{"the first", millis},
		},
		entries: []*entry{
			{ours, "rollcall", "an entry on the disks of a majority, with a certificate", on(storm)},
			{etcds, "etcd", "an entry a lease on the disks of a majority", on(storm)},
			{always, "Redis, appendfsync always", "on the one disk; a replica would follow later", on(storm)},
		},
	}
}

func storm(ctx context.Context, b *bench, s system) (sample, error) {
	m := &mourner{gone: make(map[string]time.Time), want: b.size.silent, all: make(chan struct{})}
	watching, dismiss, err := m.listen(ctx, s)
	defer dismiss()
	if err != nil {
		return nil, fmt.Errorf("open a watch: %w", err)
	}
	leases, renewed, err := b.toSilence(ctx, s)
	if err != nil {
		return nil, err
	}
	if err := await(ctx, m.all, watching, b.size.silentTTL+time.Minute); err != nil {
		return nil, fmt.Errorf("wait for the ends: %w", err)
	}
	return m.lateness(leases, renewed, b.size.silentTTL), nil
}

// toSilence grants the leases, a tenth at a time, and renews all that are there
// after each: who needs longer for the last than the first one's TTL must not
// lose the first. It returns when each was renewed last.
func (b *bench) toSilence(ctx context.Context, s system) (leases []lease, renewed []time.Time, err error) {
	c, err := b.clerks(ctx, s)
	defer dismiss(c)
	if err != nil {
		return nil, nil, err
	}
	for len(leases) < b.size.silent {
		n := min((b.size.silent+9)/10, b.size.silent-len(leases))
		some, err := c.grant(ctx, "storm", len(leases), n, b.size.silentTTL)
		if err != nil {
			return nil, nil, err
		}
		leases = append(leases, some...)
		if renewed, err = s.renew(ctx, leases, b.size.silentTTL); err != nil {
			return nil, nil, fmt.Errorf("renew %d leases: %w", len(leases), err)
		}
	}
	return leases, renewed, nil
}

// listen watches at the leader, and returns when it does. The channel tells how
// the watch ended.
func (m *mourner) listen(ctx context.Context, s system) (watching <-chan error, dismiss func(), err error) {
	leader, err := s.leader(ctx)
	if err != nil {
		return nil, func() {}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended, listens := make(chan error, 1), make(chan struct{}, 1)
	var watcher sync.WaitGroup
	watcher.Go(func() { ended <- s.watch(ctx, leader, "storm", func() { offer(listens) }, m.hear) })
	return ended, func() { cancel(); watcher.Wait() }, await(ctx, listens, ended, hearsWithin)
}

// offer sends where there is room.
func offer(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// await waits for something that a watch brings about.
func await(ctx context.Context, done <-chan struct{}, watching <-chan error, within time.Duration) error {
	timeout := time.NewTimer(within)
	defer timeout.Stop()
	select {
	case <-done:
		return nil
	case err := <-watching:
		return fmt.Errorf("the watch ended: %w", err)
	case <-timeout.C:
		return errUnheard
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// mourner notes when each lease was gone.
type mourner struct {
	want int
	all  chan struct{} // closed when that many are gone

	mu   sync.Mutex
	gone map[string]time.Time
}

func (m *mourner) hear(c change) {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, twice := m.gone[c.id]; twice || !c.gone {
		return
	}
	if m.gone[c.id] = now; len(m.gone) == m.want {
		close(m.all)
	}
}

func (m *mourner) lateness(leases []lease, renewed []time.Time, ttl time.Duration) sample {
	m.mu.Lock()
	defer m.mu.Unlock()
	late, first := newHistogram(), time.Duration(0)
	last := time.Duration(0)
	for i, l := range leases {
		by := m.gone[l.id].Sub(renewed[i].Add(ttl))
		record(late, by)
		if i == 0 || by < first {
			first = by
		}
		last = max(last, by)
	}
	return sample{toMS(last), quantile(late, 50), toMS(first)}
}
