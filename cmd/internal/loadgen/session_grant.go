package loadgen

import (
	"fmt"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// sessionGrants registers a worker's leases over its session, each until it is
// granted or one is refused for good.
type sessionGrants struct {
	w     *worker
	codec sessionCodec
	again []int // leases whose registration failed
	ended int   // leases that are granted
	err   error // why it ended before all were
}

func newSessionGrants(w *worker) sessionJob {
	return &sessionGrants{w: w, codec: sessionCodecOf(w.cfg.Codec)}
}

func (g *sessionGrants) left() bool { return g.ended < len(g.w.leases) && g.err == nil }

func (g *sessionGrants) failure() error { return g.err }

func (g *sessionGrants) pick() int {
	if last := len(g.again) - 1; last >= 0 {
		i := g.again[last]
		g.again = g.again[:last]
		return i
	}
	if g.w.at == len(g.w.leases) {
		return -1
	}
	g.w.at++
	return g.w.at - 1
}

func (g *sessionGrants) appendFrame(b []byte, rid uint64, i int) []byte {
	return g.codec.register(b, rid, g.w.cfg.NS, &g.w.leases[i], g.w.shape)
}

func (g *sessionGrants) accepted(i int, frame []byte, _ answerFrame) (int64, error) {
	epoch, err := g.codec.epoch(frame)
	if err != nil {
		g.again = append(g.again, i)
		return 0, err
	}
	g.w.leases[i].epoch = epoch
	g.w.stuck = time.Time{}
	g.ended++
	return 1, nil
}

func (g *sessionGrants) refused(i int, p *wire.Problem) (slow bool) {
	g.w.tally.refused(string(p.Code), 1)
	g.again = append(g.again, i)
	if final(p) {
		g.err = fmt.Errorf("register a lease: %w", p)
		return false
	}
	g.err = g.w.givenUp(time.Now(), p)
	return true
}

// broken takes all up again that were begun and not granted: a registration
// that took effect without an answer is replaced by the next.
func (g *sessionGrants) broken(err error) {
	g.again = g.again[:0]
	for i := range g.w.leases[:g.w.at] {
		if g.w.leases[i].epoch == 0 {
			g.again = append(g.again, i)
		}
	}
	if final(err) {
		g.err = fmt.Errorf("register a lease: %w", err)
		return
	}
	g.err = g.w.givenUp(time.Now(), err)
}
