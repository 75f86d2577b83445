package main

import (
	"context"
	"time"
)

// bench is what every run of an entry is given.
type bench struct {
	place    *place
	rollcall string        // the binary
	duration time.Duration // of a loop
	size     sizes
}

// sizes say how much of everything there is. Tests use less.
type sizes struct {
	connections int // that renew, one in flight on each
	pipes       int // connections that renew, with depth in flight on each
	depth       int
	leases      int // that are renewed
	batched     int // leases that are renewed in batches
	batch       int // heartbeats in one request

	writers int // connections that grant
	listed  int // leases in a list
	listers int
	watches int
	pause   time.Duration // between two changes that are watched

	silent    int // leases that fall silent at once
	silentTTL time.Duration
	weighed   int           // leases whose memory is measured
	settle    time.Duration // after they were granted
	hopeful   int           // connections that write while the leader is killed
}

// fullSizes are those of the table.
func fullSizes() sizes {
	return sizes{
		connections: 512, pipes: 64, depth: 100, leases: 10_000, batched: 20_000, batch: 1000,
		writers: 64, listed: 1000, listers: 32, watches: 500, pause: 200 * time.Millisecond,
		silent: 10_000, silentTTL: 10 * time.Second, weighed: 100_000, settle: 5 * time.Second, hopeful: 16,
	}
}

// long is the TTL of leases that shall not end under a run.
const long = 10 * time.Minute

// granted grants n leases of a class, as fast as the writers can.
func (b *bench) granted(ctx context.Context, s system, class string, n int, ttl time.Duration) ([]lease, error) {
	c, err := b.clerks(ctx, s)
	defer dismiss(c)
	if err != nil {
		return nil, err
	}
	return c.grant(ctx, class, 0, n, ttl)
}

// clerks are connected writers that share the work.
type clerks []worker[writer]

func (b *bench) clerks(ctx context.Context, s system) (clerks, error) {
	return hire(ctx, b.size.writers, func(ctx context.Context, i int) (writer, func(), error) {
		w, err := s.writer(ctx, i%len(s.nodes()))
		if err != nil {
			return nil, nil, err
		}
		return w, w.close, nil
	})
}

// grant grants n leases, numbered from first.
func (c clerks) grant(ctx context.Context, class string, first, n int, ttl time.Duration) ([]lease, error) {
	leases := make([]lease, n)
	err := shared(ctx, len(c), n, func(ctx context.Context, worker, piece int) error {
		granted, err := c[worker].tool.grant(ctx, idOf(class, first+piece), ttl)
		leases[piece] = granted
		return err
	})
	return leases, err
}

// part is the share of the nth of several workers; none of it is another's
// where there are enough.
func part(leases []lease, n, of int) []lease {
	first, end := n*len(leases)/of, (n+1)*len(leases)/of
	if first == end {
		return leases[n%len(leases):][:1]
	}
	return leases[first:end]
}
