package gossip

import (
	"sync"
	"time"
)

// sayEvery is how often a lasting trouble is logged.
const sayEvery = time.Minute

// limiter lets each subject through at most once in sayEvery. Subjects are few
// and fixed (configured names and node ids), and old ones are dropped.
type limiter struct {
	mu   sync.Mutex
	last map[string]time.Time
}

const maxSubjects = 1024

func newLimiter() *limiter { return &limiter{last: make(map[string]time.Time)} }

func (l *limiter) allow(subject string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if last, ok := l.last[subject]; ok && now.Sub(last) < sayEvery {
		return false
	}
	if len(l.last) >= maxSubjects {
		clear(l.last)
	}
	l.last[subject] = now
	return true
}

// over forgets a subject, so that the next trouble with it is told at once.
func (l *limiter) over(subject string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.last, subject)
}
