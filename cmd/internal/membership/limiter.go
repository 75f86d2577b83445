package membership

import "time"

const (
	sayEvery    = time.Minute // how often a lasting trouble is told
	subjectsMax = 1024
)

// limiter lets each subject through once a minute. It belongs to one goroutine.
type limiter struct {
	last map[string]time.Time
}

func (l *limiter) allow(subject string) bool {
	now := time.Now()
	if last, told := l.last[subject]; told && now.Sub(last) < sayEvery {
		return false
	}
	if l.last == nil || len(l.last) >= subjectsMax {
		l.last = make(map[string]time.Time)
	}
	l.last[subject] = now
	return true
}
