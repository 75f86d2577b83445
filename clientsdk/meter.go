package clientsdk

import (
	"math"
	"slices"
	"sync"
	"time"
)

// lost marks a try in the window that got no usable answer.
const lost time.Duration = -1

// meter measures round trips over a window of the last tries.
type meter struct {
	warning, critical Thresholds

	mu          sync.Mutex
	ring        [window]time.Duration
	n           int // tries ever
	consecutive int
	last        time.Duration // the last round trip that succeeded
	jitter      float64       // nanoseconds
	level       Level         // as last graded
}

func newMeter(warning, critical Thresholds) *meter {
	return &meter{warning: warning, critical: critical, last: lost}
}

// add notes one try: its round trip, or that it failed.
func (m *meter) add(rtt time.Duration, failed bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if failed {
		m.consecutive++
		rtt = lost
	} else {
		m.consecutive = 0
		m.vary(rtt)
	}
	m.ring[m.n%window] = rtt
	m.n++
}

// vary moves the jitter a sixteenth of the way (RFC 3550, section 6.4.1).
func (m *meter) vary(rtt time.Duration) {
	if m.last != lost {
		m.jitter += (math.Abs(float64(rtt-m.last)) - m.jitter) / 16
	}
	m.last = rtt
}

// quality sums up the window and grades it anew.
func (m *meter) quality() Quality {
	m.mu.Lock()
	defer m.mu.Unlock()
	q := m.sum()
	m.level = grade(q, m.level, m.warning, m.critical)
	q.Level = m.level
	return q
}

// addAndGrade notes a try and says whether the level changed by it.
func (m *meter) addAndGrade(rtt time.Duration, failed bool) (q Quality, changed bool) {
	m.mu.Lock()
	before := m.level
	m.mu.Unlock()
	m.add(rtt, failed)
	q = m.quality()
	return q, q.Level != before
}

func (m *meter) sum() Quality {
	tries := m.ring[:min(m.n, window)]
	good := make([]time.Duration, 0, window)
	var total time.Duration
	for _, rtt := range tries {
		if rtt != lost {
			good = append(good, rtt)
			total += rtt
		}
	}
	q := Quality{
		Samples: len(tries), Failures: len(tries) - len(good),
		Consecutive: m.consecutive, Jitter: time.Duration(m.jitter),
	}
	if len(tries) > 0 {
		q.Loss = float64(q.Failures) / float64(len(tries))
	}
	if len(good) > 0 {
		slices.Sort(good)
		q.Mean = total / time.Duration(len(good))
		q.P95 = good[(len(good)*95+99)/100-1]
	}
	return q
}
