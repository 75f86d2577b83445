package node

import (
	"context"
	"sync"
	"time"
)

// A pulse carries, as its frame's id, that of the newest ack which had come
// over the same stream: so it was sent after that ack, whatever a pause of
// either process, a buffer or the network did to it on the way. When it was
// received says nothing of that kind: a process that was stopped for a minute
// finds a minute of pulses in its buffers.

// onPulse takes a leader's pulse, sent after the instant since, which is zero
// where that is not known. It returns what to answer, nil for nothing; its
// error ends the stream.
type onPulse func(payload []byte, since time.Time) (ack []byte, err error)

// ackTimes says when the newest acks of one stream were sent. Their ids begin
// at 1.
type ackTimes struct {
	last uint64
	sent [64]time.Time // by id, a ring
}

// next numbers an ack that is sent now.
func (a *ackTimes) next() (id uint64) {
	a.last++
	a.sent[a.last%uint64(len(a.sent))] = time.Now()
	return a.last
}

// at returns when an ack was sent; zero for none, or one too long ago.
func (a *ackTimes) at(id uint64) time.Time {
	if id == 0 || id > a.last || id+uint64(len(a.sent)) <= a.last {
		return time.Time{}
	}
	return a.sent[id%uint64(len(a.sent))]
}

// pulse leaves a pulse to be sent; one that was not sent yet is replaced. One
// goroutine calls it at a time.
func (f *follower) pulse(payload []byte) {
	select {
	case <-f.pulses:
	default:
	}
	f.pulses <- payload
}

func (f *follower) sendPulses(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case payload := <-f.pulses:
			f.write(framePulse, f.acked.Load(), payload)
		}
	}
}

// followers are those who have a stream to this node. The zero value is ready.
type followers struct {
	mu   sync.Mutex
	each map[*follower]struct{}
}

func (f *followers) add(one *follower) (left func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.each == nil {
		f.each = make(map[*follower]struct{})
	}
	f.each[one] = struct{}{}
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.each, one)
	}
}

// pulse sends a pulse to every follower, without waiting for any. payload must
// not be changed afterwards.
func (f *followers) pulse(payload []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for one := range f.each {
		one.pulse(payload)
	}
}
