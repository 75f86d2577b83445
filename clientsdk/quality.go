package clientsdk

import "time"

// Level grades a connection.
type Level int

// The levels, from best to worst.
const (
	Good Level = iota
	Warning
	Critical
)

var levelNames = [...]string{Good: "good", Warning: "warning", Critical: "critical"}

func (l Level) String() string { return levelNames[l] }

// window is how many tries the statistics look back over: with one heartbeat
// every 3.3 s, five and a half minutes.
const window = 100

// Quality sums up the last 100 round trips.
type Quality struct {
	Level       Level
	Samples     int           // tries in the window
	Failures    int           // of them, those that got no usable answer
	Loss        float64       // Failures / Samples, 0 to 1
	Consecutive int           // failures in a row, up to now
	Mean        time.Duration // of the round trips that succeeded
	P95         time.Duration // nearest rank
	Jitter      time.Duration // RFC 3550 section 6.4.1, of successive round trips
}

// Thresholds are what a level begins at; any one of them is enough. A level is
// left again when all that it measures are below 80 % of it.
type Thresholds struct {
	P95      time.Duration // counts from the 20th success in the window on
	Loss     float64       // failures in the window / 100, so that one of few is not yet a trend
	Failures int           // in a row
}

// The thresholds where the configuration names none.
var (
	DefaultWarning  = Thresholds{P95: 200 * time.Millisecond, Loss: 0.02, Failures: 3}
	DefaultCritical = Thresholds{P95: 500 * time.Millisecond, Loss: 0.05, Failures: 5}
)

const (
	minForP95  = 20  // fewer, and one slow handshake would be the 95th percentile
	hysteresis = 0.8 // of a threshold, to leave its level
)

// or fills in what is zero.
func (t Thresholds) or(other Thresholds) Thresholds {
	orDefault(&t.P95, other.P95)
	orDefault(&t.Loss, other.Loss)
	orDefault(&t.Failures, other.Failures)
	return t
}

// reached says that q is at factor times the thresholds, or beyond. (The
// products are rounded to where floats do not matter: 0.02 x 100 failures.)
func (t Thresholds) reached(q Quality, factor float64) bool {
	const epsilon = 1e-9
	judged := q.Samples - q.Failures
	return judged >= minForP95 && float64(q.P95) >= factor*float64(t.P95) ||
		float64(q.Failures)/window >= factor*t.Loss-epsilon ||
		float64(q.Consecutive) >= factor*float64(t.Failures)-epsilon
}

// grade is the level of q, coming from level last.
func grade(q Quality, last Level, warning, critical Thresholds) Level {
	factor := func(level Level) float64 {
		if last >= level {
			return hysteresis
		}
		return 1
	}
	switch {
	case critical.reached(q, factor(Critical)):
		return Critical
	case warning.reached(q, factor(Warning)):
		return Warning
	}
	return Good
}
