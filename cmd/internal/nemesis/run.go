//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/lab"
)

// Times of a run.
const (
	foundLimit   = 30 * time.Second // for nodes to found a cluster
	recoverLimit = 30 * time.Second // for a cluster to be whole again after faults
	shortest     = 3 * time.Second  // of a fault
	longest      = 11 * time.Second // beyond every TTL; half as long again where it lasts so long anyway
	catchUp      = 20 * time.Second // for watchers and holders after a recovery
)

// run is one run: a cluster, its fleet, and one scenario after another.
type run struct {
	cfg       config
	stage     *stage
	fleet     *fleet
	ledger    *ledger
	scenarios []scenario
	rows      []*row
	began     time.Time
	whole     bool // it came to its end
}

func newRun(cfg config, l *lab.Lab, scenarios []scenario) *run {
	ledger := newLedger()
	return &run{cfg: cfg, stage: newStage(l, cfg.program, cfg.seed, ledger), ledger: ledger, scenarios: scenarios, began: time.Now()}
}

// do runs everything. An error is what kept it from its end, not a finding.
func (r *run) do(ctx context.Context) error {
	fmt.Printf("seed %d, %d nodes, %d scenarios\n", r.cfg.seed, r.cfg.nodes, len(r.scenarios))
	for _, h := range r.stage.lab.Hosts {
		if err := r.stage.start(h); err != nil {
			return err
		}
	}
	if _, err := r.stage.ready(ctx, foundLimit); err != nil {
		return fmt.Errorf("found a cluster: %w", err)
	}
	r.fleet = newFleet(r.ledger, r.stage.endpoints(), r.stage.revision(ctx))
	r.fleet.launch(ctx)
	defer r.fleet.land()
	pass(ctx, steadyTTL/2)
	r.ledger.take(0)
	if err := r.rounds(ctx); err != nil {
		return err
	}
	return r.calm(ctx)
}

// rounds does every scenario once, or again and again until the time is over.
func (r *run) rounds(ctx context.Context) error {
	order := rand.New(rand.NewPCG(r.cfg.seed, 1))
	for round := 0; ; round++ {
		list := append([]scenario(nil), r.scenarios...)
		if r.cfg.duration > 0 {
			shuffle(list, order)
		}
		for i, s := range list {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if r.cfg.duration > 0 && time.Since(r.began) > r.cfg.duration {
				return nil
			}
			if err := r.scenario(ctx, s, fmt.Sprintf("%d/%d", i+1, len(list))); err != nil {
				return err
			}
		}
		if r.cfg.duration == 0 {
			return nil
		}
	}
}

// scenario injects faults, lets them last, takes them back and looks at what
// came of it.
func (r *run) scenario(ctx context.Context, s scenario, place string) error {
	found := r.ledger.count()
	r.fleet.unrest.begin()
	what, heal, err := r.inject(ctx, s)
	if errors.Is(err, lab.ErrMissing) && os.Getenv("CI") == "" {
		r.fleet.unrest.end()
		fmt.Printf("%7s %s is left out: %v\n", place, s, err)
		return nil
	}
	if err != nil {
		return err
	}
	lasts := r.lasting(s)
	pass(ctx, lasts)
	if err := heal(); err != nil {
		return fmt.Errorf("heal %s: %w", s, err)
	}
	back, err := r.recover(ctx)
	r.fleet.unrest.end()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		r.ledger.find(stuck, "%s: %v", what, err)
		return fmt.Errorf("%s: %w", what, err)
	}
	r.check(ctx, s.String())
	t := r.ledger.take(found)
	r.note(s, &t, back)
	fmt.Printf("%7s %-44s %4.1f s: %5d asked, %5d acknowledged, longest outage %4.1f s, back in %4.1f s%s\n",
		place, what, lasts.Seconds(), t.asked, t.acked, t.outage.Seconds(), back.Seconds(), wrong(&t))
	return ctx.Err()
}

// lasting is for how long the faults of a scenario are left alone.
func (r *run) lasting(s scenario) time.Duration {
	least, spread := shortest, float64(longest-shortest)
	for _, f := range s {
		if f.least > least {
			least, spread = f.least, spread/2
		}
	}
	return least + time.Duration(r.stage.rnd.Float64()*spread)
}

// recover waits until the cluster is whole, and says how long that took.
func (r *run) recover(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	var err error
	for time.Since(began) < recoverLimit && ctx.Err() == nil {
		r.fallen()
		if _, err = r.stage.ready(ctx, time.Second); err == nil {
			break
		}
	}
	return time.Since(began), err
}

func wrong(t *tally) string {
	if len(t.findings) == 0 {
		return ""
	}
	return fmt.Sprintf("; %d WRONG, the first: %s: %s", len(t.findings), t.findings[0].kind, t.findings[0].text)
}

// inject does the faults of a scenario, with a moment between them.
func (r *run) inject(ctx context.Context, s scenario) (string, lab.Undo, error) {
	var all []string
	var undos []lab.Undo
	for i, f := range s {
		if i > 0 {
			pass(ctx, time.Duration(r.stage.rnd.Float64()*float64(2*time.Second)))
		}
		what, undo, err := f.inject(ctx, r.stage)
		if err != nil {
			return "", nil, errors.Join(err, lab.All(undos...)())
		}
		all, undos = append(all, what), append(undos, undo)
	}
	return strings.Join(all, " and "), lab.All(undos...), nil
}

// fallen notes processes that ended by themselves, and starts them again.
func (r *run) fallen() {
	for _, h := range r.stage.lab.Hosts {
		if h.Fell() {
			r.ledger.find(fell, "%s ended by itself: %s", h.Name, lastLines(h.LogFile(), 5))
			h.Kill()
			if err := r.stage.start(h); err != nil {
				r.ledger.find(stuck, "%v", err)
			}
		}
	}
}
