package main

import (
	"context"
	"fmt"
)

// listing is the question who is there.
func listing() *work {
	return &work{
		name:    "list",
		title:   "Lists",
		about:   "All of 1,000 leases with their data in one answer, over 32 connections. The driver decodes what etcd's and Redis's clients decode, and only counts rollcall's leases.",
		columns: rates(),
		entries: []*entry{
			{ours, "rollcall, HTTP, local", "as the asked node knows it", on(lists(local))},
			{ours, "rollcall, HTTP, linearizable", "confirmed by a majority", on(lists(linearizable))},
			{etcds, "etcd, Range, serializable", "as the asked node knows it", on(lists(local))},
			{etcds, "etcd, Range, linearizable", "confirmed by a majority", on(lists(linearizable))},
			{always, "Redis, SCAN and MGET", "not of one moment; the one process", on(lists(local))},
		},
	}
}

func lists(how consistency) func(context.Context, *bench, system) (sample, error) {
	return func(ctx context.Context, b *bench, s system) (sample, error) {
		if err := b.toList(ctx, s); err != nil {
			return nil, err
		}
		out, err := closedLoop(ctx, s.nodes(), b.size.listers, b.duration, func(ctx context.Context, n int) (func(context.Context) error, func(), error) {
			list, end, err := s.lister(ctx, n%len(s.nodes()), "list", how)
			if err != nil {
				return nil, nil, err
			}
			return func(ctx context.Context) error { return complete(ctx, list, b.size.listed) }, end, nil
		})
		return out.rate(), err
	}
}

// toList grants what is listed, once, and waits until every node knows it.
func (b *bench) toList(ctx context.Context, s system) error {
	list, end, err := s.lister(ctx, 0, "list", local)
	if err != nil {
		return err
	}
	defer end()
	if n, err := list(ctx); err != nil || n == b.size.listed {
		return err
	}
	if _, err := b.granted(ctx, s, "list", b.size.listed, long); err != nil {
		return err
	}
	for node := range s.nodes() {
		list, end, err := s.lister(ctx, node, "list", local)
		if err != nil {
			return err
		}
		defer end()
		err = waitReady(ctx, s.nodes(), func(ctx context.Context) error { return complete(ctx, list, b.size.listed) })
		if err != nil {
			return err
		}
	}
	return nil
}

func complete(ctx context.Context, list func(context.Context) (int, error), want int) error {
	n, err := list(ctx)
	if err == nil && n != want {
		return fmt.Errorf("%w: a list of %d leases, not %d", errAnswer, n, want)
	}
	return err
}
