package loadgen

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
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

// sessionJob is what the frames of a session are about: leases by their index in
// those of the worker. It counts in the worker's tally what fails, and the
// session what is acknowledged.
type sessionJob interface {
	// pick returns the next lease to send a frame of, or -1 where that has to
	// wait for an answer.
	pick() int
	// appendFrame appends the frame of a lease that was picked.
	appendFrame(b []byte, rid uint64, i int) []byte
	// accepted takes the answer of a lease and returns for how many it counts.
	accepted(i int, frame []byte, a answerFrame) (int64, error)
	// refused takes the refusal of a lease and says whether it asks for patience.
	refused(i int, p *wire.Problem) (slow bool)
	// broken is told when nothing that is in flight will be answered.
	broken(err error)
	// left says that there is more to do.
	left() bool
	// failure is why nothing is left before all was done, if so.
	failure() error
}

// session works for a worker over one WebSocket, with several frames in flight:
// it sends what there is room for, and is due, in one write, and takes all
// answers that have come before it sends again.
type session struct {
	w      *worker
	job    sessionJob
	codec  sessionCodec
	in     frames
	key    [maskBytes]byte // of all frames of the session
	out    []byte          // what is to be written, reused
	flying flights
	slow   bool      // a refusal asked for patience
	free   time.Time // since when a frame that becomes due could be sent; of an open loop
}

func newSession(w *worker, job sessionJob) *session {
	w.conn.buffer = sessionBuffer
	return &session{w: w, job: job, codec: sessionCodecOf(w.cfg.Codec), flying: newFlights(w.cfg.Pipeline)}
}

// work goes on until the pace ends, the run is called off, or there is nothing
// left to do, and then takes the answers that are still to come.
func (s *session) work(p *pace) {
	s.free = p.start // before which it was prepared
	for now := time.Now(); s.job.left() && !p.ended(s.w.ctx, now); now = time.Now() {
		if err := s.turn(p, now); err != nil {
			s.broken(err)
		}
	}
	for s.flying.n > 0 {
		if err := s.take(); err != nil {
			s.broken(err)
		}
	}
}

// turn sends what can be sent at now and takes what answers there are: at least
// one, unless something becomes due before it comes.
func (s *session) turn(p *pace, now time.Time) error {
	if err := s.ready(); err != nil {
		return err
	}
	idle := s.fill(p, now)
	if err := s.flush(); err != nil {
		return err
	}
	if idle {
		s.free = now
		if answered, err := s.await(p.due()); !answered || err != nil {
			return err
		}
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

// fill composes frames, as many as are due and there is room for. It is true
// where more could be sent, but is not due yet.
func (s *session) fill(p *pace, now time.Time) (idle bool) {
	if s.free.IsZero() {
		s.free = now
	}
	from := now
	for s.flying.room() {
		if p.open() {
			if from = p.due(); from.After(now) || p.over(from) {
				return true
			}
		}
		i := s.job.pick()
		if i < 0 {
			break
		}
		if p.open() {
			p.take(from, s.free)
		}
		s.w.body = s.job.appendFrame(s.w.body[:0], s.flying.add(i, from), i)
		s.out = appendFrame(s.out, s.codec.opcode, s.key, s.w.body)
	}
	s.free = time.Time{} // not before an answer has come
	return false
}

func (s *session) flush() error {
	if len(s.out) == 0 {
		return nil
	}
	_, err := s.w.conn.nc.Write(s.out)
	s.out = s.out[:0]
	if err != nil {
		return fmt.Errorf("send frames: %w", err)
	}
	return nil
}

// await waits until something can be read, which is true, or the time has come.
func (s *session) await(until time.Time) (answered bool, err error) {
	if s.in.in.Buffered() > 0 {
		return true, nil
	}
	if err := s.w.conn.nc.SetReadDeadline(until); err != nil {
		return false, fmt.Errorf("set deadline: %w", err)
	}
	if s.w.ctx.Err() == nil { // else the deadline of its end was just overwritten
		_, err = s.in.in.Peek(1)
	} else {
		err = os.ErrDeadlineExceeded
	}
	s.w.conn.rearm()
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return false, nil
	}
	return false, fmt.Errorf("read session: %w", err)
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
	i, from, ok := s.flying.remove(a.rid)
	if !ok {
		return fmt.Errorf("%w: an answer to rid %d, which is not asked", errFrame, a.rid)
	}
	if a.wrong {
		s.slow = s.job.refused(i, s.codec.problem(frame)) || s.slow
		return nil
	}
	n, err := s.job.accepted(i, frame, a)
	if err != nil {
		return err
	}
	s.w.pause = 0
	s.w.tally.acknowledged(n, now.Sub(from))
	return nil
}

// broken counts what was in flight as lost, or what failed to be sent at all,
// and turns to another node.
func (s *session) broken(err error) {
	lost := max(int64(s.flying.n), 1)
	s.flying.clear()
	s.out, s.free = s.out[:0], time.Time{}
	if s.w.conn.nc != nil { // else it has turned already
		s.w.conn.drop()
	}
	s.w.tally.missed += lost - 1 // each was a request
	s.w.failed(err, lost)
	s.job.broken(err)
}
