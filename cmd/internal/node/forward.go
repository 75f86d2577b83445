package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/collector"
	"github.com/seed-b4c92e43/rollcall/registry"
)

const (
	// leaderSilence is after how long without any frame the link is given up. A
	// serving leader sends a pulse every 50 ms.
	leaderSilence = 2 * time.Second
	// callsMax is how many requests may be on their way to the leader.
	callsMax = 256
	// readsInFlight is how many reads of one mode may be; later ones share the
	// next.
	readsInFlight = 2
)

// stream is what a forwarder and a leader's side need of a *peer.Stream: frames
// of at most 32 MiB, Write safe for concurrent use and not keeping the payload,
// one reader.
type stream interface {
	Write(typ byte, id uint64, payload []byte) error
	Read() (typ byte, id uint64, payload []byte, err error)
	Close() error
}

// forwarder is a follower's end of the stream to its leader: the sink of the
// collector's batches, and the way for questions that only a leader answers.
type forwarder struct {
	stream  stream
	onPulse onPulse
	acks    ackTimes // of Run's goroutine
	faults  faults

	mu    sync.Mutex
	last  uint64            // id
	calls map[uint64]finish // what waits for an answer, at most callsMax
	ended error             // why nothing can be sent any more
	reads [readModes]readGate
}

// finish takes the answer to a request, exactly once: a frame, or why there
// will be none. It returns an error for a frame that does not fit.
type finish func(typ byte, payload []byte, err error) error

var _ collector.Sink = (*forwarder)(nil)

// newForwarder returns the forwarder of a stream that was just dialled.
func newForwarder(s stream, onPulse onPulse) *forwarder {
	return &forwarder{stream: s, onPulse: onPulse, calls: make(map[uint64]finish)}
}

// Run reads until the stream ends, ctx does, or the leader falls silent, and
// closes the stream. Whatever was written and has no answer by then is
// indeterminate.
func (f *forwarder) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(leaderSilence, func() { cancel(errors.New("the leader has fallen silent")) })
	defer silence.Stop()
	closed := make(chan struct{})
	context.AfterFunc(ctx, func() {
		defer close(closed)
		_ = f.stream.Close()
	})
	err := f.read(func() { silence.Reset(leaderSilence) })
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	cancel(err)
	<-closed
	f.end(err)
	return err
}

func (f *forwarder) read(heard func()) error {
	for {
		typ, id, payload, err := f.stream.Read()
		if err != nil {
			return fmt.Errorf("read from leader: %w", err)
		}
		heard()
		if err := f.handle(typ, id, payload); err != nil {
			return fmt.Errorf("frame %d from leader: %w", typ, err)
		}
	}
}

func (f *forwarder) handle(typ byte, id uint64, payload []byte) error {
	switch typ {
	case framePulse:
		ack, err := f.onPulse(payload, f.acks.at(id))
		if err != nil || ack == nil {
			return err
		}
		return f.stream.Write(framePulseAck, f.acks.next(), ack)
	case frameResults, frameReadAnswer, frameAnswer, frameRefused:
		if finish, ok := f.take(id); ok { // else its caller has left
			return finish(typ, payload, nil)
		}
		return nil
	}
	return errFrame
}

// take gives the right to finish a request, to one.
func (f *forwarder) take(id uint64) (finish, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	call, ok := f.calls[id]
	delete(f.calls, id)
	return call, ok
}

// end finishes what still waits.
func (f *forwarder) end(cause error) {
	f.mu.Lock()
	f.ended = cause
	calls := f.calls
	f.calls = nil
	f.mu.Unlock()
	for _, finish := range calls {
		_ = finish(0, nil, f.faults.lost(fmt.Errorf("the link to the leader broke: %w", cause)))
	}
}

// start sends a request. With an error nothing was sent and call is not used.
func (f *forwarder) start(typ byte, payload []byte, call finish) (id uint64, err error) {
	if id, err = f.register(call); err != nil {
		return 0, err
	}
	if err := f.stream.Write(typ, id, payload); err != nil {
		if _, ok := f.take(id); ok {
			return 0, fmt.Errorf("%w: %w", collector.ErrNotSent, err)
		} // else the stream's end was faster, and call has been told
	}
	return id, nil
}

func (f *forwarder) register(call finish) (id uint64, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.ended != nil:
		return 0, fmt.Errorf("%w: the link to the leader is gone: %w", collector.ErrNotSent, f.ended)
	case len(f.calls) >= callsMax:
		return 0, fmt.Errorf("%w: too many questions for the leader", collector.ErrOverloaded)
	}
	f.last++
	f.calls[f.last] = call
	return f.last, nil
}

// expect makes errors of what is not the answer that was wanted: one for the
// caller, and one for the stream if the frame is malformed.
func expect(want, typ byte, payload []byte, err error) (refused, malformed error) {
	switch {
	case err != nil:
		return err, nil
	case typ == want:
		return nil, nil
	case typ == frameRefused:
		refused, malformed = parseRefused(payload)
	default:
		malformed = fmt.Errorf("%w: type %d where %d was expected", errFrame, typ, want)
	}
	if malformed != nil {
		refused = indeterminate(malformed)
	}
	return refused, malformed
}

func indeterminate(err error) error { return fmt.Errorf("%w: %w", collector.ErrNoLeader, err) }

// Send forwards a batch.
func (f *forwarder) Send(b *collector.Batch, done func([]registry.Result, collector.Commit, error)) {
	_, err := f.start(frameBatch, appendBatch(nil, b.Commands), func(typ byte, payload []byte, err error) error {
		refused, malformed := expect(frameResults, typ, payload, err)
		if refused != nil {
			done(nil, collector.Commit{}, refused)
			return malformed
		}
		results, at, malformed := parseResults(payload)
		if malformed != nil {
			done(nil, collector.Commit{}, indeterminate(malformed))
			return malformed
		}
		done(results, at, nil)
		return nil
	})
	if err != nil {
		done(nil, collector.Commit{}, err)
	}
}

// Ask asks the leader a question by name; req travels as JSON, and so does the
// answer, into resp unless that is nil.
func (f *forwarder) Ask(ctx context.Context, method string, req, resp any) error {
	if len(method) > 255 {
		return fmt.Errorf("question of %d letters, at most 255", len(method))
	}
	body, err := json.Marshal(req)
	if err != nil {
		return fmt.Errorf("encode question %q: %w", method, err)
	}
	answer, err := f.request(ctx, frameAsk, appendAsk(nil, method, body), frameAnswer)
	if err != nil || resp == nil {
		return err
	}
	if err := json.Unmarshal(answer, resp); err != nil {
		return fmt.Errorf("decode the leader's answer to %q: %w", method, err)
	}
	return nil
}

// reply is the answer to one request.
type reply struct {
	payload []byte
	err     error
}

// request sends one frame and waits for its answer, of type want. One that
// comes after ctx has ended finds nobody.
func (f *forwarder) request(ctx context.Context, typ byte, payload []byte, want byte) ([]byte, error) {
	answered := make(chan reply, 1)
	id, err := f.start(typ, payload, func(typ byte, payload []byte, err error) error {
		refused, malformed := expect(want, typ, payload, err)
		answered <- reply{payload, refused}
		return malformed
	})
	if err != nil {
		return nil, err
	}
	select {
	case r := <-answered:
		return r.payload, r.err
	case <-ctx.Done():
		f.take(id)
		return nil, indeterminate(context.Cause(ctx))
	}
}
