//go:build linux

package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/history"
)

// decideLimit bounds the time for all histories of a run together.
const decideLimit = 2 * time.Minute

// unlinear is a history that nothing explains.
const unlinear kind = "unlinear"

// judgeHistory checks that all that clients were told can be true together.
// Pictures of what cannot go into the report.
func (r *run) judgeHistory() {
	began := time.Now()
	err := r.fleet.ops.Check(r.reportDir(), decideLimit)
	begun, open := r.fleet.ops.Len()
	fmt.Printf("%7s %d operations recorded, %d of them open, judged in %.1f s\n", "", begun, open, time.Since(began).Seconds())
	switch {
	case errors.Is(err, history.ErrViolation), errors.Is(err, history.ErrAnswer), err != nil && !errors.Is(err, history.ErrUndecided):
		r.ledger.find(unlinear, "%v", err)
	case err != nil:
		fmt.Printf("%7s %v\n", "", err)
	}
}

// reportDir is where the report of a failed run goes.
func (r *run) reportDir() string {
	name := fmt.Sprintf("seed-%d-%s", r.cfg.seed, r.began.UTC().Format("20060102-150405"))
	dir, err := filepath.Abs(filepath.Join(r.cfg.report, name))
	if err != nil {
		return filepath.Join(r.cfg.report, name)
	}
	return dir
}
