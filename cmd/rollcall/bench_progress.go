package main

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/loadgen"
)

// lineEvery is how often progress is a line where it cannot be a bar.
const lineEvery = 2 * time.Second

// progress shows how far a run is: a bar on a terminal, else a line now and
// then. The driver calls it from one goroutine.
type progress struct {
	w        io.Writer
	terminal bool

	phase string
	bar   *progressbar.ProgressBar
	last  time.Duration // of the phase, when a line was printed
	whole bool          // that everything was done was printed
}

func newProgress(w io.Writer, terminal bool) *progress { return &progress{w: w, terminal: terminal} }

func (p *progress) update(now loadgen.Progress) {
	if now.Phase != p.phase {
		p.finish()
		p.phase, p.last, p.whole = now.Phase, 0, false
	}
	if p.terminal {
		p.draw(now)
		return
	}
	whole := now.Total > 0 && now.Done == now.Total
	if whole && !p.whole || now.Elapsed-p.last >= lineEvery {
		p.last, p.whole = now.Elapsed, whole
		fmt.Fprintln(p.w, progressLine(now))
	}
}

func (p *progress) draw(now loadgen.Progress) {
	if p.bar == nil {
		p.bar = progressbar.NewOptions64(100,
			progressbar.OptionSetWriter(p.w), progressbar.OptionSetWidth(30), progressbar.OptionSetPredictTime(false),
			progressbar.OptionSetElapsedTime(false), progressbar.OptionClearOnFinish())
	}
	p.bar.Describe(progressLine(now))
	_ = p.bar.Set(percent(now)) // a terminal that cannot be written to has nobody to tell
}

// finish takes the bar away, so that what is printed next has a line of its
// own.
func (p *progress) finish() {
	if p.bar != nil {
		_ = p.bar.Finish()
		p.bar = nil
	}
}

func percent(now loadgen.Progress) int {
	done := 0.0
	switch {
	case now.Total > 0:
		done = float64(now.Done) / float64(now.Total)
	case now.Of > 0:
		done = float64(now.Elapsed) / float64(now.Of)
	}
	return int(100 * min(max(done, 0), 0.99)) // the last percent is the phase's end
}

func progressLine(now loadgen.Progress) string {
	rate := 0.0
	if now.Elapsed > 0 {
		rate = float64(now.Done) / now.Elapsed.Seconds()
	}
	of := fmt.Sprintf("%.0f of %.0f s", now.Elapsed.Seconds(), now.Of.Seconds())
	if now.Total > 0 {
		of = fmt.Sprintf("%d of %d", now.Done, now.Total)
	}
	line := fmt.Sprintf("%-8s  %s, %.0f/s", now.Phase, of, rate)
	if now.Held > 0 {
		line = fmt.Sprintf("%-8s  %s, %d held", now.Phase, of, now.Held)
	}
	if now.Failed > 0 {
		line += fmt.Sprintf(", %d errors", now.Failed)
	}
	return line
}
