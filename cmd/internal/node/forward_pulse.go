package node

import (
	"context"
	"sync"
)

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
			f.write(framePulse, 0, payload)
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
