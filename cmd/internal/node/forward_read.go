package node

import "context"

// readGate lets reads share questions to the leader: a read joins the next
// question, never one that was sent before it came.
type readGate struct {
	busy int       // questions on their way, at most readsInFlight
	next *readCall // what is asked when one of them is answered
}

// readCall is one question, and whoever waits for its answer.
type readCall struct {
	done  chan struct{}
	index uint64 // these two are set before done is closed
	err   error
}

// ReadIndex returns an index at which a read is as fresh as the leader (or,
// linearizable, a quorum) vouches for at some instant after the call.
func (f *forwarder) ReadIndex(ctx context.Context, linearizable bool) (uint64, error) {
	mode := readLeader
	if linearizable {
		mode = readLinearizable
	}
	r := f.joinRead(mode)
	select {
	case <-r.done:
		return r.index, r.err
	case <-ctx.Done():
		return 0, indeterminate(context.Cause(ctx))
	}
}

func (f *forwarder) joinRead(mode byte) *readCall {
	f.mu.Lock()
	gate := &f.reads[mode]
	if gate.next == nil {
		gate.next = &readCall{done: make(chan struct{})}
	}
	r := gate.next
	free := gate.busy < readsInFlight
	if free {
		gate.next = nil
		gate.busy++
	}
	f.mu.Unlock()
	if free {
		f.askIndex(mode, r)
	}
	return r
}

// askIndex sends a question, and after its answer the one that others have
// joined meanwhile.
func (f *forwarder) askIndex(mode byte, r *readCall) {
	_, err := f.start(frameReadIndex, appendReadIndex(nil, mode), func(typ byte, payload []byte, err error) error {
		err, malformed := expect(frameReadAnswer, typ, payload, err)
		if err == nil {
			if r.index, malformed = parseReadAnswer(payload); malformed != nil {
				err = indeterminate(malformed)
			}
		}
		f.finishRead(mode, r, err)
		return malformed
	})
	if err != nil {
		f.finishRead(mode, r, err)
	}
}

func (f *forwarder) finishRead(mode byte, r *readCall, err error) {
	r.err = err
	close(r.done)
	f.mu.Lock()
	gate := &f.reads[mode]
	next := gate.next
	gate.next = nil
	if next == nil {
		gate.busy--
	}
	f.mu.Unlock()
	if next != nil {
		f.askIndex(mode, next)
	}
}
