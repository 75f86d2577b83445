package loadgen

import "github.com/seed-b4c92e43/rollcall/api/wire"

// sessionBeats renews a worker's leases over its session.
type sessionBeats struct {
	w      *worker
	encode func(b []byte, rid uint64, ns string, l *lease) []byte
	busy   []bool // by lease: its heartbeat is in flight
	alive  int    // leases that are not over
}

func newSessionBeats(w *worker) sessionJob {
	return &sessionBeats{w: w, encode: sessionCodecOf(w.cfg.Codec).beat, busy: make([]bool, len(w.leases)), alive: len(w.leases)}
}

func (b *sessionBeats) left() bool { return b.alive > 0 }

// pick returns the next lease that lives and has no heartbeat in flight.
func (b *sessionBeats) pick() int {
	for range b.w.leases {
		i := b.w.at
		if b.w.at++; b.w.at == len(b.w.leases) {
			b.w.at = 0
		}
		if !b.busy[i] && b.w.leases[i].epoch != 0 {
			b.busy[i] = true
			return i
		}
	}
	return -1
}

func (b *sessionBeats) appendFrame(out []byte, rid uint64, i int) []byte {
	return b.encode(out, rid, b.w.cfg.NS, &b.w.leases[i])
}

func (b *sessionBeats) accepted(i int, _ []byte, a answerFrame) (int64, error) {
	b.busy[i] = false
	b.w.leases[i].seq++
	if a.duplicate {
		return 0, nil // one before was committed, though its answer was lost
	}
	return 1, nil
}

// refused counts a refusal and gives the lease up if it is over.
func (b *sessionBeats) refused(i int, p *wire.Problem) (slow bool) {
	b.busy[i] = false
	b.w.tally.refused(string(p.Code), 1)
	switch {
	case over(p.Code):
		b.w.leases[i].epoch = 0
		b.w.tally.lost++
		b.alive--
	case p.CurrentSeq != nil:
		b.w.leases[i].seq = *p.CurrentSeq
	default:
		return true
	}
	return false
}

func (b *sessionBeats) broken(error) { clear(b.busy) }

func (b *sessionBeats) failure() error { return nil } // who renews goes on
