//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// check looks at a whole cluster after a scenario, while the fleet goes on.
func (r *run) check(ctx context.Context, name string) {
	healed := time.Now()
	if !await(ctx, catchUp, func() bool { return r.fleet.renewedSince(healed) }) && ctx.Err() == nil {
		r.ledger.find(stuck, "%s: not every steady lease was renewed within %v of the recovery", name, catchUp)
	}
	r.compare(ctx, r.stage.revision(ctx))
	r.fallen()
}

// await polls until it is so.
func await(ctx context.Context, limit time.Duration, so func() bool) bool {
	for began := time.Now(); !so(); {
		if time.Since(began) > limit || ctx.Err() != nil {
			return false
		}
		pass(ctx, 50*time.Millisecond)
	}
	return true
}

func (f *fleet) renewedSince(at time.Time) bool {
	return !slices.ContainsFunc(f.holders, func(h *holder) bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.told.Before(at)
	})
}

// compare reads what happened up to a revision from every node, and holds nodes,
// watches, silent leases and mailboxes against it.
func (r *run) compare(ctx context.Context, revision uint64) {
	events, err := r.fleet.extend(ctx, revision)
	if err != nil {
		if ctx.Err() == nil {
			r.ledger.find(stuck, "%v", err)
		}
		return
	}
	for _, w := range r.fleet.watchers {
		if !await(ctx, catchUp, func() bool { return w.judge(events, revision) }) && ctx.Err() == nil {
			r.ledger.find(gap, "%s heard up to %d, and nothing more within %v of the recovery, when %d was there", w.name, w.at(), catchUp, revision)
		}
	}
	r.fleet.silents.judge(r.fleet.record.ends)
	for _, b := range r.fleet.boxes {
		b.judge(time.Now().Add(-catchUp))
	}
	r.sameAlive(ctx, fmt.Sprintf("at_revision=%d", revision))
}

// sameAlive compares who is alive on every node.
func (r *run) sameAlive(ctx context.Context, q string) {
	var first string
	for i, node := range r.fleet.nodes {
		list, err := r.fleet.alive(ctx, node, q)
		switch {
		case err != nil && ctx.Err() == nil:
			r.ledger.find(stuck, "who is alive on %s, %s: %v", node, q, err)
		case i == 0:
			first = list
		case list != first:
			r.ledger.find(differs, "who is alive on %s, %s:\n%s\non %s:\n%s", r.fleet.nodes[0], q, first, node, list)
		}
	}
}

// alive is everybody who is alive on a node, but for what only that node knows.
func (f *fleet) alive(ctx context.Context, node, q string) (string, error) {
	text, cursor := "", ""
	for {
		a := f.ask(ctx, node, get(wire.PathAlive+"?limit=1000&"+q+cursor, 7*time.Second))
		var page wire.AlivePage
		if !a.ok() {
			return "", fmt.Errorf("%s", a.text())
		}
		if err := a.into(&page); err != nil {
			return "", err
		}
		for _, l := range page.Alive {
			l.Late, l.Flapping, l.RTTMS, l.ExpiresInMS = false, false, nil, 0
			line, err := json.Marshal(l)
			if err != nil {
				return "", err
			}
			text += string(line) + "\n"
		}
		if page.NextCursor == "" {
			return text, nil
		}
		cursor = "&cursor=" + page.NextCursor
	}
}
