package sim

import (
	"fmt"
	"time"
)

// traceLength is how many steps are kept for the report of a failure.
const traceLength = 60

// trace keeps the last steps, if it is on; a seed that failed is run again
// with it.
type trace struct {
	on    bool
	steps []string
}

func (t *trace) reset(on bool) { t.on, t.steps = on, nil }

func (t *trace) lines() []string { return t.steps }

// logf notes a step. Callers guard it with w.trace.on where arguments cost.
func (w *World) logf(format string, args ...any) {
	if !w.trace.on {
		return
	}
	line := fmt.Sprintf("%11.6fs  ", float64(w.now)/float64(time.Second)) + fmt.Sprintf(format, args...)
	if len(w.trace.steps) >= traceLength {
		w.trace.steps = append(w.trace.steps[:0], w.trace.steps[1:]...)
	}
	w.trace.steps = append(w.trace.steps, line)
}
