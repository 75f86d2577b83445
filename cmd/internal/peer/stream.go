package peer

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

const (
	// writeTimeout is how long a write may make no progress.
	writeTimeout = 5 * time.Second
	// writeChunk is what has to be taken within one writeTimeout, in bytes.
	writeChunk = 256 << 10
	// pendingMax is how many bytes may wait before Write waits, too.
	pendingMax = 4 << 20
	// pendingKept is the largest buffer that is kept for the next frames.
	pendingKept = 1 << 20
	readBuffer  = 64 << 10
)

// StreamHandler owns s until it returns; then s is closed.
type StreamHandler func(from Identity, s *Stream)

// Stream is a persistent connection of frames to one node. Frames that are
// written while others are on their way leave together.
type Stream struct {
	conn   net.Conn
	reader *bufio.Reader
	from   Identity
	unbind func() bool // forgets the port

	mu      sync.Mutex
	pending []byte        // frames that wait for the writer
	room    chan struct{} // closed when the writer has taken pending; nil while nobody waits
	cause   error         // why the stream was closed

	wake    chan struct{} // capacity 1: pending is not empty
	done    chan struct{} // closed with the stream
	written chan struct{} // closed when the writer has returned
}

func newStream(conn net.Conn, from Identity) *Stream {
	return &Stream{
		conn:    conn,
		reader:  bufio.NewReaderSize(conn, readBuffer),
		from:    from,
		wake:    make(chan struct{}, 1),
		done:    make(chan struct{}),
		written: make(chan struct{}),
	}
}

// HandleStream sets who takes streams that other nodes open.
func (p *Port) HandleStream(f StreamHandler) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.onStream = f
}

func (p *Port) streamHandler() StreamHandler {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.onStream
}

// DialStream opens a stream to the node at addr, which must have the server id
// want unless that is empty. The caller closes it; ctx only bounds the dialling.
func (p *Port) DialStream(ctx context.Context, addr, want string) (*Stream, error) {
	conn, from, err := p.dial(ctx, kindStream, addr, want)
	if err != nil {
		return nil, err
	}
	return p.openStream(conn, from)
}

// openStream starts the writer of a stream that ends with the port.
func (p *Port) openStream(conn net.Conn, from Identity) (*Stream, error) {
	s := newStream(conn, from)
	if !p.run(s.write) {
		_ = conn.Close()
		return nil, ErrClosed
	}
	s.unbind = context.AfterFunc(p.ctx, func() { s.end(ErrClosed) })
	return s, nil
}

func (p *Port) serveStream(conn net.Conn, from Identity) {
	s, err := p.openStream(conn, from)
	if err != nil {
		return
	}
	defer func() { _ = s.Close() }()
	p.streamHandler()(from, s)
}

// From says who is at the other end.
func (s *Stream) From() Identity { return s.from }

// Done is closed when the stream is, by whichever side.
func (s *Stream) Done() <-chan struct{} { return s.done }

// Cause says why the stream was closed; nil while it is open.
func (s *Stream) Cause() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cause
}

// Write queues a frame and returns; payload may be used again at once. It waits
// only while 4 MiB are queued already, at most 5 s without progress. An error
// means that the stream is closed; nil does not mean that the frame arrived. It
// is safe for concurrent use.
func (s *Stream) Write(typ byte, id uint64, payload []byte) error {
	if len(payload) > MaxFrame {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(payload), MaxFrame)
	}
	s.mu.Lock()
	for s.cause == nil && len(s.pending) >= pendingMax {
		s.waitForRoom()
	}
	if s.cause != nil {
		defer s.mu.Unlock()
		return s.cause
	}
	s.pending = frame{typ: typ, id: id, payload: payload}.append(s.pending)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return nil
}

// waitForRoom gives up the lock until the writer has taken what is pending or
// the stream is closed.
func (s *Stream) waitForRoom() {
	if s.room == nil {
		s.room = make(chan struct{})
	}
	room := s.room
	s.mu.Unlock()
	select {
	case <-room:
	case <-s.done:
	}
	s.mu.Lock()
}

// Read returns the next frame; its payload belongs to the caller. One goroutine
// may read at a time. It waits for as long as the stream is open: whoever must
// notice a silent peer sends something now and then and closes the stream.
func (s *Stream) Read() (typ byte, id uint64, payload []byte, err error) {
	f, err := readFrame(s.reader, MaxFrame)
	if err != nil {
		s.end(fmt.Errorf("read from %s: %w", s.from.ServerID(), err))
		return 0, 0, nil, s.Cause()
	}
	return f.typ, f.id, f.payload, nil
}

// Close closes the stream, drops what was not written yet and waits for its
// writer.
func (s *Stream) Close() error { return s.CloseWith(ErrClosed) }

// CloseWith is Close; pending and later reads and writes on this side fail with
// cause, unless the stream had failed before.
func (s *Stream) CloseWith(cause error) error {
	s.end(cause)
	s.unbind()
	<-s.written
	return nil
}

// end closes the connection once and remembers why.
func (s *Stream) end(cause error) {
	s.mu.Lock()
	first := s.cause == nil
	if first {
		s.cause = cause
	}
	s.mu.Unlock()
	if first {
		close(s.done)
		_ = s.conn.Close()
	}
}

// write is the writer's goroutine: it ends with the stream.
func (s *Stream) write() {
	defer close(s.written)
	var spare []byte
	for {
		select {
		case <-s.wake:
		case <-s.done:
			return
		}
		taken := s.take(spare)
		if err := s.flush(taken); err != nil {
			s.end(fmt.Errorf("write to %s: %w", s.from.ServerID(), err))
			return
		}
		spare = nil
		if cap(taken) <= pendingKept {
			spare = taken[:0]
		}
	}
}

// take exchanges what is pending for an empty buffer.
func (s *Stream) take(spare []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.pending
	s.pending = spare
	if s.room != nil {
		close(s.room)
		s.room = nil
	}
	return taken
}

func (s *Stream) flush(b []byte) error {
	for len(b) > 0 {
		n := min(len(b), writeChunk)
		if err := s.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
			return err
		}
		if _, err := s.conn.Write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}
