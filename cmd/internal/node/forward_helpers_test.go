package node

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/collector"
	"github.com/seed-b4c92e43/rollcall/registry"
)

var errCut = errors.New("the stream was cut")

type memFrame struct {
	typ     byte
	id      uint64
	payload []byte
}

// memStream is one end of a stream in memory. A cut loses what was not read,
// as that of a connection does.
type memStream struct {
	in, out chan memFrame
	cut     chan struct{}
	once    *sync.Once
}

func newMemStreams() (a, b *memStream) {
	one, two := make(chan memFrame, 64), make(chan memFrame, 64)
	cut, once := make(chan struct{}), new(sync.Once)
	return &memStream{one, two, cut, once}, &memStream{two, one, cut, once}
}

func (s *memStream) Write(typ byte, id uint64, payload []byte) error {
	select {
	case <-s.cut:
		return errCut
	default:
	}
	select {
	case s.out <- memFrame{typ, id, slices.Clone(payload)}:
		return nil
	case <-s.cut:
		return errCut
	}
}

func (s *memStream) Read() (byte, uint64, []byte, error) {
	select {
	case <-s.cut:
		return 0, 0, nil, errCut
	default:
	}
	select {
	case f := <-s.in:
		return f.typ, f.id, f.payload, nil
	case <-s.cut:
		return 0, 0, nil, errCut
	}
}

func (s *memStream) Close() error {
	s.once.Do(func() { close(s.cut) })
	return nil
}

// handBackend is a leader whose every answer the test gives.
type handBackend struct {
	followers
	batches chan handBatch
	acks    chan string
	reads   chan handRead
	asked   func(ctx context.Context, method string, body []byte) (any, error)
}

type handBatch struct {
	commands []registry.Command
	done     func([]registry.Result, collector.Commit, error)
}

type handRead struct {
	linearizable bool
	answer       chan<- uint64 // 0 refuses
}

func newHandBackend() *handBackend {
	return &handBackend{batches: make(chan handBatch, 64), acks: make(chan string, 64), reads: make(chan handRead, 64)}
}

func (b *handBackend) attend(f *follower) func() { return b.add(f) }

func (b *handBackend) Forwarded(c []registry.Command, done func([]registry.Result, collector.Commit, error)) {
	b.batches <- handBatch{c, done}
}

func (b *handBackend) PulseAck(from string, payload []byte) { b.acks <- from + " " + string(payload) }

func (b *handBackend) Ask(ctx context.Context, method string, body []byte) (any, error) {
	return b.asked(ctx, method, body)
}

func (b *handBackend) ReadIndex(ctx context.Context, linearizable bool) (uint64, error) {
	answer := make(chan uint64, 1)
	b.reads <- handRead{linearizable, answer}
	select {
	case index := <-answer:
		if index == 0 {
			return 0, collector.ErrNotSent
		}
		return index, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// linked is a follower's forwarder, a leader's hand, and the stream between.
type linked struct {
	*forwarder
	leader *handBackend
	stream *memStream // the leader's end
	ran    chan error
	served chan error
	since  time.Time // what the forwarder said of the last pulse
}

// linkBubble runs f in a bubble with both ends running. Every goroutine must
// have ended with them.
func linkBubble(t *testing.T, f func(t *testing.T, l *linked)) {
	synctest.Test(t, func(t *testing.T) {
		near, far := newMemStreams()
		l := &linked{
			leader: newHandBackend(), stream: far,
			ran: make(chan error, 1), served: make(chan error, 1),
		}
		l.forwarder = newForwarder(near, func(p []byte, since time.Time) ([]byte, error) {
			l.since = since
			if len(p) == 0 {
				return nil, errFrame
			}
			return append([]byte("ack "), p...), nil
		})
		go func() { l.ran <- l.Run(t.Context()) }()
		go func() { l.served <- serveForward(t.Context(), "n2/00", far, l.leader) }()
		synctest.Wait()
		f(t, l)
		_ = far.Close()
		<-l.ran
		<-l.served
	})
}

type sinkAnswer struct {
	results []registry.Result
	at      collector.Commit
	err     error
}

// send sends a batch and returns where its answer comes, with room for one too
// many.
func (l *linked) send(commands ...registry.Command) <-chan sinkAnswer {
	c := make(chan sinkAnswer, 2)
	l.Send(&collector.Batch{Commands: commands}, func(r []registry.Result, at collector.Commit, err error) {
		c <- sinkAnswer{r, at, err}
	})
	synctest.Wait()
	return c
}

// now returns what must be there already.
func now[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	synctest.Wait()
	select {
	case v := <-c:
		return v
	default:
		t.Fatal("nothing came")
		panic("unreachable")
	}
}
