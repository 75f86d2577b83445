package loadgen

import (
	"crypto/rand"
	"fmt"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// maxPipeline bounds the heartbeats in flight on one session. All of them fit
// into the buffers of its socket, so that the driver, which writes before it
// reads, and a node that does not read while it cannot write never wait for
// each other.
const maxPipeline = 1024

// sessionBuffer is how much a session reads at once: a hundred answers.
const sessionBuffer = 16 << 10

// session renews a worker's leases over one WebSocket, with several heartbeats
// in flight: it sends what there is room for in one write, and takes all
// answers that have come before it sends again.
type session struct {
	w      *worker
	codec  sessionCodec
	in     frames
	key    [maskBytes]byte // of all frames of the session
	out    []byte          // what is to be written, reused
	flying flights
	busy   []bool // by index in w.leases: its heartbeat is in flight
	alive  int    // leases that are not over
	slow   bool   // a refusal asked for patience
}

func newSession(w *worker) *session {
	s := &session{
		w: w, codec: sessionCodecOf(w.cfg.Codec), flying: newFlights(w.cfg.Pipeline),
		busy: make([]bool, len(w.leases)), alive: len(w.leases),
	}
	w.conn.buffer = sessionBuffer
	return s
}

// renew renews until the time has come, the run is called off, or no lease
// lives any more, and then takes the answers that are still to come.
func (s *session) renew(until time.Time) {
	if err := s.ready(); err != nil { // first, so that no latency is that of connecting
		s.broken(err)
	}
	for now := time.Now(); now.Before(until) && s.w.ctx.Err() == nil && s.alive > 0; now = time.Now() {
		if err := s.turn(now); err != nil {
			s.broken(err)
		}
	}
	for s.flying.n > 0 {
		if err := s.take(); err != nil {
			s.broken(err)
		}
	}
}

// turn fills the pipeline and takes what answers there are, at least one.
func (s *session) turn(now time.Time) error {
	if err := s.ready(); err != nil {
		return err
	}
	s.fill(now)
	if err := s.flush(); err != nil {
		return err
	}
	if err := s.take(); err != nil {
		return err
	}
	if s.slow {
		s.slow = false
		s.w.backOff()
	}
	return nil
}

// ready connects where needed and keeps the deadline ahead.
func (s *session) ready() error {
	fresh := s.w.conn.nc == nil
	if err := s.w.conn.ready(); err != nil || !fresh {
		return err
	}
	if err := s.w.conn.upgrade(s.codec.protocol); err != nil {
		return err
	}
	_, _ = rand.Read(s.key[:]) // never fails
	s.in = frames{in: s.w.conn.in.in, message: s.in.message}
	return nil
}

// fill composes heartbeats of as many leases as there is room for.
func (s *session) fill(now time.Time) {
	for s.flying.room() {
		i := s.pick()
		if i < 0 {
			return
		}
		rid := s.flying.add(i, now)
		s.busy[i] = true
		s.w.body = s.codec.beat(s.w.body[:0], rid, s.w.cfg.NS, &s.w.leases[i])
		s.out = appendFrame(s.out, s.codec.opcode, s.key, s.w.body)
	}
}

// pick returns the next lease that lives and has no heartbeat in flight, or -1.
func (s *session) pick() int {
	for range s.w.leases {
		i := s.w.at
		if s.w.at++; s.w.at == len(s.w.leases) {
			s.w.at = 0
		}
		if !s.busy[i] && s.w.leases[i].epoch != 0 {
			return i
		}
	}
	return -1
}

func (s *session) flush() error {
	if len(s.out) == 0 {
		return nil
	}
	_, err := s.w.conn.nc.Write(s.out)
	s.out = s.out[:0]
	if err != nil {
		return fmt.Errorf("send heartbeats: %w", err)
	}
	return nil
}

// take waits for a frame and takes all that came with it.
func (s *session) take() error {
	var now time.Time
	for first := true; first || s.in.more(); first = false {
		opcode, frame, err := s.in.next()
		if err != nil {
			return fmt.Errorf("read session: %w", err)
		}
		if first {
			now = time.Now()
		}
		if err := s.taken(opcode, frame, now); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) taken(opcode byte, frame []byte, now time.Time) error {
	switch opcode {
	case s.codec.opcode:
		return s.answered(frame, now)
	case framePing:
		s.out = appendFrame(s.out, framePong, s.key, frame)
		return s.flush()
	case frameClose:
		return errClosed
	case framePong:
		return nil
	default:
		return fmt.Errorf("%w: opcode %#x", errFrame, opcode)
	}
}

// answered notes an answer. What the node pushes is none, and none of it
// matters here: what is lost shows at the next heartbeat.
func (s *session) answered(frame []byte, now time.Time) error {
	a, err := s.codec.answer(frame)
	switch {
	case err != nil:
		return err
	case !a.ok && !a.wrong:
		return nil
	case a.wrong && a.rid == 0:
		return s.codec.problem(frame)
	}
	i, sent, ok := s.flying.remove(a.rid)
	if !ok {
		return fmt.Errorf("%w: an answer to rid %d, which is not asked", errFrame, a.rid)
	}
	s.busy[i] = false
	if a.wrong {
		s.refused(i, s.codec.problem(frame))
		return nil
	}
	s.w.leases[i].seq++
	s.w.pause = 0
	renewals := int64(1)
	if a.duplicate {
		renewals = 0 // one before was committed, though its answer was lost
	}
	s.w.tally.acknowledged(renewals, now.Sub(sent))
	return nil
}

// refused counts a refusal and gives the lease up if it is over.
func (s *session) refused(i int, p *wire.Problem) {
	s.w.tally.refused(string(p.Code), 1)
	switch {
	case over(p.Code):
		s.w.leases[i].epoch = 0
		s.w.tally.lost++
		s.alive--
	case p.CurrentSeq != nil:
		s.w.leases[i].seq = *p.CurrentSeq
	default:
		s.slow = true
	}
}

// broken counts what was in flight as lost, or what failed to be sent at all,
// and turns to another node.
func (s *session) broken(err error) {
	lost := max(int64(s.flying.n), 1)
	s.flying.clear()
	clear(s.busy)
	s.out = s.out[:0]
	if s.w.conn.nc != nil { // else it has turned already
		s.w.conn.drop()
	}
	s.w.failed(err, lost)
}
