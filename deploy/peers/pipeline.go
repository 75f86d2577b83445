package main

import (
	"context"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// pipe is one connection on which several requests may be in flight. Answers
// come in the order of the requests. One goroutine sends, another receives.
type pipe interface {
	send() error    // one request, which may be held back
	flush() error   // sends what was held back
	receive() error // one answer
}

// pipelined keeps depth requests in flight on each of n pipes for a while.
// Latency is from the sending of a request until its answer was read.
func pipelined(
	ctx context.Context, servers []*process, n, depth int, during time.Duration,
	open func(context.Context, int) (pipe, func(), error),
) (outcome, error) {
	return crewed(ctx, servers, n, during, open,
		func(ctx context.Context, until time.Time, p pipe, mine *hdrhistogram.Histogram) error {
			return pump(ctx, p, depth, func() bool { return time.Now().Before(until) }, mine)
		})
}

// pump sends for as long as more says so, with at most depth in flight, and
// returns when the last answer was read.
func pump(ctx context.Context, p pipe, depth int, more func() bool, mine *hdrhistogram.Histogram) error {
	slots := make(chan struct{}, depth)
	sent := make(chan time.Time, depth)
	return together(ctx, 2, func(ctx context.Context, part int) error {
		if part == 0 {
			defer close(sent)
			return feed(ctx, p, more, slots, sent)
		}
		return drain(p, slots, sent, mine)
	})
}

func feed(ctx context.Context, p pipe, more func() bool, slots chan<- struct{}, sent chan<- time.Time) error {
	for more() {
		if err := occupy(ctx, p, slots); err != nil {
			return err
		}
		now := time.Now()
		if err := p.send(); err != nil {
			return err
		}
		sent <- now // has room for as many as there are slots
	}
	return p.flush()
}

// occupy takes a slot, and flushes before it waits for one.
func occupy(ctx context.Context, p pipe, slots chan<- struct{}) error {
	select {
	case slots <- struct{}{}:
		return nil
	default:
	}
	if err := p.flush(); err != nil {
		return err
	}
	select {
	case slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func drain(p pipe, slots <-chan struct{}, sent <-chan time.Time, mine *hdrhistogram.Histogram) error {
	for at := range sent {
		if err := p.receive(); err != nil {
			return err
		}
		record(mine, time.Since(at))
		<-slots
	}
	return nil
}

// once sends n requests with up to a hundred in flight, and returns when each
// was sent.
func once(ctx context.Context, p pipe, n int) ([]time.Time, error) {
	began := make([]time.Time, 0, n)
	err := pump(ctx, p, 100, func() bool {
		if len(began) == n {
			return false
		}
		began = append(began, time.Now())
		return true
	}, newHistogram())
	return began, err
}
