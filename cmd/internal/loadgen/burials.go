package loadgen

import (
	"bytes"
	"strconv"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// burials knows when each lease was due to be buried, and when it was known to
// be. It takes five bytes a lease.
type burials struct {
	key    []byte // before the number of a lease in an event
	silent int    // the first so many fall silent
	ttl    time.Duration
	all    chan struct{} // closed when all silent ones are buried or held

	mu     sync.Mutex // guards all below
	last   []lastRenewal
	lastOf []int32 // by lease that falls silent: its place in last; -1: none yet
	fate   []fate  // by lease
	beaten int64   // silent ones of which the last renewal is known

	buried, held, early, liveDied int64
	refused                       int64 // silent ones whose last renewal was refused

	firstKnown, lastKnown time.Time

	late, least, overdue *hdrhistogram.Histogram
}

// lastRenewal is when the last renewals of one batch were sent and answered.
type lastRenewal struct{ sent, answered time.Time }

// fate is what became of a lease.
type fate uint8

const (
	alive fate = iota
	held
	dead
)

func newBurials(prefix string, leases, silent int, ttl time.Duration) *burials {
	b := &burials{
		key: []byte(`"id":"` + prefix), silent: silent, ttl: ttl, all: make(chan struct{}),
		lastOf: make([]int32, silent), fate: make([]fate, leases),
		late: newHistogram(), least: newHistogram(), overdue: newHistogram(),
	}
	for i := range b.lastOf {
		b.lastOf[i] = -1
	}
	return b
}

// expect notes the last renewals of a batch. Those that were refused had ended
// before: nothing is known of when they were due.
func (b *burials) expect(batch []lease, refused map[uint64]bool, sent, answered time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last = append(b.last, lastRenewal{sent, answered})
	for i := range batch {
		if refused[batch[i].epoch] {
			b.refused++
			continue
		}
		b.lastOf[batch[i].number] = int32(len(b.last) - 1)
	}
	b.beaten += int64(len(batch))
}

func (b *burials) expected() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.beaten
}

// known is how many silent leases are buried.
func (b *burials) known() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buried
}

// due is when the first burial may be, and by when all have to be.
func (b *burials) due() (first, last time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, r := range b.last {
		if i == 0 || r.sent.Before(first) {
			first = r.sent
		}
		if r.answered.After(last) {
			last = r.answered
		}
	}
	if last.IsZero() {
		first, last = time.Now(), time.Now()
	}
	return first.Add(b.ttl), last.Add(b.ttl)
}

var (
	typeExpired  = []byte(`"type":"expired"`)
	typeHeld     = []byte(`"type":"held"`)
	typeReleased = []byte(`"type":"released"`)
	keyOverdue   = []byte(`"overdue_ms":`)
)

// note takes an event of the watch. It looks for members by their text: no name
// or number of ours could look like another, and reading all of an event would
// cost more than burying.
func (b *burials) note(_ heard, data []byte, at time.Time) {
	n, ok := numberAfter(data, b.key)
	if !ok || n >= uint64(len(b.fate)) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case bytes.Contains(data, typeExpired):
		b.bury(int(n), data, at)
	case bytes.Contains(data, typeHeld) && b.fate[n] == alive && int(n) < b.silent:
		b.fate[n] = held
		b.held++
		b.settle()
	case bytes.Contains(data, typeReleased) && b.fate[n] == held:
		b.fate[n] = alive
		b.held--
	}
}

// numberAfter finds the number that follows a key.
func numberAfter(data, key []byte) (n uint64, ok bool) {
	_, rest, ok := bytes.Cut(data, key)
	if !ok {
		return 0, false
	}
	end := 0
	for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
		end++
	}
	n, err := strconv.ParseUint(string(rest[:end]), 10, 63)
	return n, err == nil
}

// bury notes that a lease is known to be buried. b.mu is held.
func (b *burials) bury(n int, data []byte, at time.Time) {
	before := b.fate[n]
	if before == dead {
		return
	}
	if before == held {
		b.held--
	}
	b.fate[n] = dead
	if n >= b.silent {
		b.liveDied++
		return
	}
	b.buried++
	b.settle()
	if b.firstKnown.IsZero() {
		b.firstKnown = at
	}
	b.lastKnown = at
	b.judge(b.lastOf[n], data, at)
}

// judge notes how late a burial was, unless nobody knows when it was due: the
// driver itself may have been late with the renewal before. b.mu is held.
func (b *burials) judge(last int32, data []byte, at time.Time) {
	if last < 0 {
		return
	}
	if at.Before(b.last[last].sent.Add(b.ttl)) {
		b.early++
		return
	}
	record(b.late, at.Sub(b.last[last].sent.Add(b.ttl)))
	record(b.least, at.Sub(b.last[last].answered.Add(b.ttl)))
	if ms, ok := numberAfter(data, keyOverdue); ok {
		record(b.overdue, time.Duration(ms)*time.Millisecond)
	}
}

// settle closes all when the fate of every silent lease is known. b.mu is held.
func (b *burials) settle() {
	if b.buried+b.held < int64(b.silent) {
		return
	}
	select {
	case <-b.all:
	default:
		close(b.all)
	}
}

// forget makes leases that are dead such that were not granted.
func (b *burials) forget(leases []lease) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range leases {
		if b.fate[leases[i].number] == dead {
			leases[i].epoch = 0
		}
	}
}

// sum tells what was noted.
func (b *burials) sum(out *StormResult) {
	b.mu.Lock()
	defer b.mu.Unlock()
	out.Buried, out.Held, out.Early, out.LiveDied = b.buried, b.held, b.early, b.liveDied
	out.Refused = b.refused
	out.Unburied = int64(b.silent) - b.buried - b.held
	out.Late, out.LateLeast, out.Overdue = latencyOf(b.late), latencyOf(b.least), latencyOf(b.overdue)
	var firstSent, lastAnswered time.Time
	for i, r := range b.last {
		if i == 0 || r.sent.Before(firstSent) {
			firstSent = r.sent
		}
		if r.answered.After(lastAnswered) {
			lastAnswered = r.answered
		}
	}
	out.SilenceMS = inMS(lastAnswered.Sub(firstSent))
	if b.buried > 0 {
		out.SpreadMS = inMS(b.lastKnown.Sub(b.firstKnown))
		out.Seconds = b.lastKnown.Sub(lastAnswered).Seconds()
	}
}

func inMS(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
