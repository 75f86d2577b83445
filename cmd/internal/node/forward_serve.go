package node

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/collector"
	"github.com/seed-b4c92e43/rollcall/registry"
)

const (
	// followerBatches is how many batches of one follower may be on their way
	// here; beyond it its stream is not read. Followers keep to two.
	followerBatches = 8
	// followerQuestions is the same for reads and questions.
	followerQuestions = 64
	// questionTimeout bounds the work on one of them.
	questionTimeout = 10 * time.Second
)

// backend is what a leader does for its followers.
type backend interface {
	// Forwarded proposes a follower's batch; done is called exactly once.
	Forwarded(commands []registry.Command, done func([]registry.Result, collector.Commit, error))
	ReadIndex(ctx context.Context, linearizable bool) (uint64, error)
	// Ask answers a question by name; the answer travels as JSON.
	Ask(ctx context.Context, method string, body []byte) (any, error)
	// PulseAck takes a follower's answer to a pulse.
	PulseAck(from string, payload []byte)
	// attend lets a follower have pulses, until left is called.
	attend(f *follower) (left func())
}

// follower is the leader's end of one follower's stream.
type follower struct {
	from    string // server id
	stream  stream
	backend backend

	pulses    chan []byte   // the newest that was not written yet
	acked     atomic.Uint64 // id of the newest ack
	batches   chan struct{} // one token for each in the works
	questions chan struct{}
	work      sync.WaitGroup
}

// serveForward serves the stream of one follower until it ends, or ctx does,
// and closes it. Whether this node leads is for the backend to say. Nothing
// that was begun here is left behind.
func serveForward(ctx context.Context, from string, s stream, b backend) error {
	f := &follower{
		from: from, stream: s, backend: b,
		pulses:    make(chan []byte, 1),
		batches:   make(chan struct{}, followerBatches),
		questions: make(chan struct{}, followerQuestions),
	}
	ctx, cancel := context.WithCancel(ctx)
	closed := make(chan struct{})
	context.AfterFunc(ctx, func() {
		defer close(closed)
		_ = s.Close()
	})
	left := b.attend(f)
	f.work.Go(func() { f.sendPulses(ctx) })
	err := f.read(ctx)
	left()
	cancel()
	<-closed
	f.work.Wait()
	return err
}

func (f *follower) read(ctx context.Context) error {
	for {
		typ, id, payload, err := f.stream.Read()
		if err != nil {
			return fmt.Errorf("read from follower: %w", err)
		}
		if err := f.handle(ctx, typ, id, payload); err != nil {
			return fmt.Errorf("frame %d from follower: %w", typ, err)
		}
	}
}

func (f *follower) handle(ctx context.Context, typ byte, id uint64, payload []byte) error {
	switch typ {
	case frameBatch:
		return f.batch(ctx, id, payload)
	case frameReadIndex:
		return f.readIndex(ctx, id, payload)
	case frameAsk:
		return f.ask(ctx, id, payload)
	case framePulseAck:
		f.acked.Store(id)
		f.backend.PulseAck(f.from, payload)
		return nil
	}
	return errFrame
}

// begin does work beside the reader while there is a token for it, else waits
// for one: that is what holds back a follower that sends too much.
func (f *follower) begin(ctx context.Context, tokens chan struct{}, work func()) error {
	select {
	case tokens <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	f.work.Go(func() {
		defer func() { <-tokens }()
		work()
	})
	return nil
}

// outcome is what became of a batch.
type outcome struct {
	results []registry.Result
	at      collector.Commit
	err     error
}

func (f *follower) batch(ctx context.Context, id uint64, payload []byte) error {
	commands, err := parseBatch(payload)
	if err != nil {
		return err
	}
	proposed := make(chan outcome, 1) // so that done never blocks
	err = f.begin(ctx, f.batches, func() {
		select {
		case o := <-proposed:
			f.answerBatch(id, o)
		case <-ctx.Done():
		}
	})
	if err != nil {
		return err
	}
	f.backend.Forwarded(commands, func(results []registry.Result, at collector.Commit, err error) {
		proposed <- outcome{results, at, err}
	})
	return nil
}

func (f *follower) answerBatch(id uint64, o outcome) {
	if o.err != nil {
		f.refuse(id, o.err)
		return
	}
	f.write(frameResults, id, appendResults(nil, o.results, o.at))
}

func (f *follower) readIndex(ctx context.Context, id uint64, payload []byte) error {
	linearizable, err := parseReadIndex(payload)
	if err != nil {
		return err
	}
	return f.question(ctx, id, func(ctx context.Context) (byte, []byte, error) {
		index, err := f.backend.ReadIndex(ctx, linearizable)
		return frameReadAnswer, appendReadAnswer(nil, index), err
	})
}

func (f *follower) ask(ctx context.Context, id uint64, payload []byte) error {
	method, body, err := parseAsk(payload)
	if err != nil {
		return err
	}
	return f.question(ctx, id, func(ctx context.Context) (byte, []byte, error) {
		answer, err := f.backend.Ask(ctx, method, body)
		if err != nil {
			return 0, nil, err
		}
		encoded, err := json.Marshal(answer)
		return frameAnswer, encoded, err
	})
}

// question works on an answer beside the reader.
func (f *follower) question(ctx context.Context, id uint64, work func(context.Context) (byte, []byte, error)) error {
	return f.begin(ctx, f.questions, func() {
		bounded, cancel := context.WithTimeout(ctx, questionTimeout)
		defer cancel()
		typ, answer, err := work(bounded)
		if err != nil {
			f.refuse(id, err)
			return
		}
		f.write(typ, id, answer)
	})
}

func (f *follower) refuse(id uint64, err error) { f.write(frameRefused, id, appendRefused(nil, err)) }

// write sends a frame. An error means that the stream has ended, and the reader
// says so.
func (f *follower) write(typ byte, id uint64, payload []byte) {
	if err := f.stream.Write(typ, id, payload); err != nil {
		_ = f.stream.Close()
	}
}
