package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"time"
)

// grace is what a run of an entry may take beyond its duration: granting what
// it needs, waiting for what is late.
const grace = 5 * time.Minute

var (
	errMissing = errors.New("a program is missing")
	errPartial = errors.New("not everything could be measured")
)

// run does everything that the command line asks for, prints the table, and
// writes it where it is whole.
func run(ctx context.Context, args []string, out, progress io.Writer) error {
	o, err := parseOptions(args, progress)
	if err != nil {
		return err
	}
	if err := checkPrograms(o); err != nil {
		return err
	}
	if err := checkDisk(os.TempDir()); err != nil {
		return err
	}
	at, err := newPlace(os.TempDir(), o.ports)
	if err != nil {
		return err
	}
	report, err := measure(ctx, o, at, progress)
	if err = errors.Join(err, at.leave()); err != nil {
		return err
	}
	table := report.markdown()
	fmt.Fprint(out, table)
	if err := report.failure(); err != nil {
		return err
	}
	if o.write == "" || !o.whole() {
		fmt.Fprintln(progress, "a partial run: no page was written")
		return nil
	}
	return replaceTable(o.write, table)
}

// programs says what each peer needs, and where it comes from.
func programs(o options) map[string][2]string {
	return map[string][2]string{
		"rollcall": {o.rollcall, "make build makes it"},
		"etcd":     {"etcd", "apt-get install etcd-server"},
		"redis":    {"redis-server", "apt-get install redis-server"},
	}
}

// checkPrograms names what has to be installed.
func checkPrograms(o options) error {
	var missing error
	for _, name := range o.peers {
		p := programs(o)[name]
		if _, err := exec.LookPath(p[0]); err != nil {
			missing = errors.Join(missing, fmt.Errorf("%w: %s (%s), or leave it out with --peers (PEERS=)", errMissing, p[0], p[1]))
		}
	}
	return missing
}

// measure does all rounds.
func measure(ctx context.Context, o options, at *place, progress io.Writer) (*report, error) {
	if err := at.checkPorts(); err != nil {
		return nil, err
	}
	b := &bench{place: at, rollcall: o.rollcall, duration: o.duration, size: fullSizes()}
	r := newReport(ctx, o, time.Now())
	r.progress = progress
	for round := range o.rounds {
		for _, w := range r.works {
			if w.done(round) {
				continue
			}
			fmt.Fprintf(progress, "round %d of %d: %s\n", round+1, o.rounds, w.title)
			r.round(ctx, b, w, round)
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
		}
	}
	return r, nil
}

// round does a work once with every peer; who begins changes with each round.
func (r *report) round(ctx context.Context, b *bench, w *work, round int) {
	var turns []*peer
	for _, e := range w.entries {
		if !slices.Contains(turns, e.peer) {
			turns = append(turns, e.peer)
		}
	}
	for i := range turns {
		r.turn(ctx, b, w, turns[(i+round)%len(turns)])
	}
}

// turn starts a peer afresh, lets it do its entries of the work, and ends it.
func (r *report) turn(ctx context.Context, b *bench, w *work, p *peer) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := p.start(ctx, b)
	defer func() { killAll(s.nodes()) }()
	for _, e := range w.entries {
		switch {
		case e.peer != p:
		case err != nil:
			r.failed(e, err)
		default:
			r.note(e, w, func() (sample, error) { return bounded(ctx, b, e, s) })
		}
	}
}

// bounded runs an entry, within a bound of time.
func bounded(ctx context.Context, b *bench, e *entry, s server) (sample, error) {
	ctx, cancel := context.WithTimeout(ctx, b.duration+grace)
	defer cancel()
	got, err := e.run(ctx, b, s)
	for _, p := range s.nodes() {
		if fault := p.fault(); fault != nil && err != nil {
			err = errors.Join(err, fault)
		}
	}
	return got, err
}
