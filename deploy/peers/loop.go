package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// opener connects the nth of some workers. It returns what the worker does over
// and over, and what it closes at the end.
type opener func(ctx context.Context, n int) (step func(context.Context) error, end func(), err error)

// outcome is what a loop measured.
type outcome struct {
	done    int64
	took    time.Duration
	cpu     time.Duration // of the servers, meanwhile
	latency *hdrhistogram.Histogram
}

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, time.Minute.Microseconds(), 2)
}

func record(h *hdrhistogram.Histogram, took time.Duration) {
	_ = h.RecordValue(min(max(took.Microseconds(), 1), time.Minute.Microseconds())) // in bounds, so never refused
}

// closedLoop lets n workers do their step for a while, each anew when the one
// before was answered. What fails is an error: a figure with failures in it
// could not be compared.
func closedLoop(ctx context.Context, servers []*process, n int, during time.Duration, open opener) (outcome, error) {
	return crewed(ctx, servers, n, during, open, func(ctx context.Context, until time.Time, step func(context.Context) error, mine *hdrhistogram.Histogram) error {
		for now := time.Now(); now.Before(until); {
			if err := step(ctx); err != nil {
				return err
			}
			then := time.Now()
			record(mine, then.Sub(now))
			now = then
		}
		return nil
	})
}

// worker is one of a crew, connected.
type worker[T any] struct {
	tool T
	end  func()
	mine *hdrhistogram.Histogram
}

// warmPart of a measurement's duration goes before it and is not counted:
// connections grow their buffers, servers their stacks.
const warmPart = 5

// crewed connects n workers, lets them work at the same time, and adds up what
// they measured. T is what one works with.
func crewed[T any](
	ctx context.Context, servers []*process, n int, during time.Duration,
	open func(context.Context, int) (T, func(), error),
	work func(context.Context, time.Time, T, *hdrhistogram.Histogram) error,
) (outcome, error) {
	crew, err := hire(ctx, n, open)
	defer dismiss(crew)
	if err != nil {
		return outcome{}, err
	}
	drive := func(during time.Duration) error {
		until := time.Now().Add(during)
		return together(ctx, len(crew), func(ctx context.Context, i int) error {
			crew[i].mine.Reset()
			return work(ctx, until, crew[i].tool, crew[i].mine)
		})
	}
	if err := drive(during / warmPart); err != nil {
		return outcome{}, fmt.Errorf("warm up: %w", err)
	}
	before, err := processorTime(servers)
	if err != nil {
		return outcome{}, err
	}
	began := time.Now()
	err = drive(during)
	took := time.Since(began)
	after, err2 := processorTime(servers)
	out := outcome{took: took, cpu: after - before, latency: newHistogram()}
	for _, w := range crew {
		out.latency.Merge(w.mine)
	}
	out.done = out.latency.TotalCount()
	return out, errors.Join(err, err2)
}

func hire[T any](ctx context.Context, n int, open func(context.Context, int) (T, func(), error)) ([]worker[T], error) {
	var crew []worker[T]
	for i := range n {
		tool, end, err := open(ctx, i)
		if err != nil {
			return crew, fmt.Errorf("connect: %w", err)
		}
		crew = append(crew, worker[T]{tool, end, newHistogram()})
	}
	return crew, nil
}

func dismiss[T any](crew []worker[T]) {
	for _, w := range crew {
		w.end()
	}
}

// together does n parts at once. The first that fails calls the others off.
func together(ctx context.Context, n int, part func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var parts sync.WaitGroup
	for i := range n {
		parts.Go(func() {
			if err := part(ctx, i); err != nil {
				cancel(err)
			}
		})
	}
	parts.Wait()
	return context.Cause(ctx)
}

// shared deals total pieces out to n workers, and does them at once.
func shared(ctx context.Context, n, total int, part func(ctx context.Context, worker, piece int) error) error {
	return together(ctx, n, func(ctx context.Context, worker int) error {
		for piece := worker; piece < total; piece += n {
			if err := part(ctx, worker, piece); err != nil {
				return err
			}
		}
		return nil
	})
}
