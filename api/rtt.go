package api

import (
	"math"
	"slices"
	"sync"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

const (
	// maxRTTHints bounds how many leases this node keeps round trips of; each
	// takes some 100 bytes. Beyond it the hint of some other lease is forgotten.
	maxRTTHints = 100_000
	// rttSamples is how many round trips of a lease a hint sums up.
	rttSamples = 16
)

// rttHints keeps the last round-trip times that holders told this node of, by
// epoch. They are hints: not replicated, lost on restart, and that of a lease
// which ends elsewhere stays until its room is needed (nobody can see it, for
// epochs do not come back).
type rttHints struct {
	most int

	mu    sync.Mutex
	rings map[uint64]*rttRing
}

// rttRing holds the last samples of one lease, in milliseconds.
type rttRing struct {
	samples [rttSamples]float32
	n       int // ever added
}

func newRTTHints(most int) *rttHints {
	return &rttHints{most: most, rings: make(map[uint64]*rttRing)}
}

func (h *rttHints) add(epoch uint64, ms float64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	ring := h.rings[epoch]
	if ring == nil {
		ring = h.room()
		h.rings[epoch] = ring
	}
	ring.samples[ring.n%rttSamples] = float32(ms)
	ring.n++
}

// room returns an empty ring, if need be another lease's.
func (h *rttHints) room() *rttRing {
	if len(h.rings) < h.most {
		return new(rttRing)
	}
	for epoch, ring := range h.rings {
		delete(h.rings, epoch)
		*ring = rttRing{}
		return ring
	}
	return new(rttRing)
}

func (h *rttHints) forget(epoch uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.rings, epoch)
}

// of returns the summary for an epoch, or nil.
func (h *rttHints) of(epoch uint64) *wire.RTT {
	h.mu.Lock()
	defer h.mu.Unlock()
	if ring := h.rings[epoch]; ring != nil {
		return ring.summary()
	}
	return nil
}

// summary returns the mean, the 95th percentile (nearest rank) and the jitter,
// which is the mean difference of one sample from the one before it.
func (r *rttRing) summary() *wire.RTT {
	kept := min(r.n, rttSamples)
	var sum, steps float64
	ordered := make([]float64, kept)
	for i := range kept {
		ordered[i] = float64(r.samples[(r.n-kept+i)%rttSamples])
		sum += ordered[i]
		if i > 0 {
			steps += math.Abs(ordered[i] - ordered[i-1])
		}
	}
	slices.Sort(ordered)
	return &wire.RTT{
		Mean:   micro(sum / float64(kept)),
		P95:    micro(ordered[(kept*95+99)/100-1]),
		Jitter: micro(steps / float64(max(1, kept-1))),
	}
}

// micro rounds milliseconds to microseconds.
func micro(ms float64) float64 { return math.Round(ms*1000) / 1000 }
