//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// Times at the end of a run, with no clients. The leader proposes a check of
// digests every 10 s, after which a node that differs ends itself. And every
// lease has to end, on a busy machine after some stalls of the judge.
const (
	settled  = 13 * time.Second
	allEnded = time.Minute
)

// calm ends the fleet and compares what is left on every node.
func (r *run) calm(ctx context.Context) error {
	fmt.Printf("%7s all clients stop; every lease has to end, and every node to be the same\n", "")
	found := r.ledger.count()
	r.fleet.land()
	pass(ctx, settled)
	if _, err := r.stage.ready(ctx, recoverLimit); err != nil {
		r.ledger.find(stuck, "at the end: %v", err)
		return err
	}
	r.remaining(ctx)
	revision := r.stage.revision(ctx)
	r.compareRest(ctx, revision)
	for _, b := range r.fleet.boxes {
		r.sameMail(ctx, b, revision)
	}
	r.fallen()
	r.judgeHistory()
	t := r.ledger.take(found)
	r.noteNamed("the end", &t, 0, 0)
	r.whole = ctx.Err() == nil
	return ctx.Err()
}

// compareRest is compare without watches, which have ended.
func (r *run) compareRest(ctx context.Context, revision uint64) {
	if _, err := r.fleet.extend(ctx, revision); err != nil {
		r.ledger.find(stuck, "%v", err)
		return
	}
	r.fleet.silents.judge(r.fleet.record.ends)
	r.sameAlive(ctx, fmt.Sprintf("min_revision=%d", revision))
}

// remaining waits for the end of leases that nobody renews any more.
func (r *run) remaining(ctx context.Context) {
	var list string
	gone := await(ctx, allEnded, func() bool {
		var err error
		list, err = r.fleet.alive(ctx, r.fleet.nodes[0], fmt.Sprintf("min_revision=%d", r.stage.revision(ctx)))
		return err == nil && list == ""
	})
	if !gone && ctx.Err() == nil {
		r.ledger.find(late, "alive %v after everybody fell silent:\n%s", settled+allEnded, list)
	}
}

// sameMail compares what waits in a mailbox on every node, and looks in there
// for what was acknowledged and never read.
func (r *run) sameMail(ctx context.Context, b *box, revision uint64) {
	var first string
	for i, node := range r.fleet.nodes {
		page, err := r.fleet.mail(ctx, node, b, revision)
		if err != nil {
			r.ledger.find(stuck, "%s on %s: %v", b.id, node, err)
			return
		}
		text, err := json.Marshal(page)
		switch {
		case err != nil:
			r.ledger.find(stuck, "%v", err)
		case i == 0:
			first = string(text)
		case string(text) != first:
			r.ledger.find(differs, "%s on %s: %s\non %s: %s", b.id, r.fleet.nodes[0], first, node, text)
		}
		for _, m := range page.Messages {
			b.seen[m.ID] = true
		}
	}
	for _, l := range b.sent {
		if !b.seen[l.id] {
			r.ledger.find(lost, "%s was acknowledged with offset %d, was never read and is not there (all up to %d were acknowledged)", l.id, l.offset, b.done)
		}
	}
}

func (f *fleet) mail(ctx context.Context, node string, b *box, revision uint64) (page wire.MessagesPage, err error) {
	a := f.ask(ctx, node, get(b.path(fmt.Sprintf("/messages?limit=1000&min_revision=%d", revision)), 7*time.Second))
	if !a.ok() {
		return page, fmt.Errorf("%s", a.text())
	}
	return page, a.into(&page)
}
