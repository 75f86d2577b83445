package peer

import (
	"io"
	"net"
	"os"
	"sync"
)

// pipeBuffer is how many bytes one direction of a connection holds.
const pipeBuffer = 64 << 10

// pipe is one direction of a connection. The two ends have their own errors: a
// closed writer lets the reader finish.
type pipe struct {
	mu      sync.Mutex
	buffer  []byte
	held    bool          // cut: nothing comes out
	ended   bool          // the writer's end was closed
	broken  error         // the reader's end was closed, or all was reset
	changed chan struct{} // closed with the next change; nil while nobody waits
}

// change tells those who wait. The lock must be held.
func (p *pipe) change() {
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}

// wait gives up the lock until something changes or the deadline has passed.
func (p *pipe) wait(until *deadline) error {
	if p.changed == nil {
		p.changed = make(chan struct{})
	}
	changed := p.changed
	p.mu.Unlock()
	defer p.mu.Lock()
	select {
	case <-changed:
		return nil
	case <-until.passed():
		return os.ErrDeadlineExceeded
	}
}

func (p *pipe) read(b []byte, until *deadline) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case until.isPassed():
			return 0, os.ErrDeadlineExceeded
		case p.broken != nil:
			return 0, p.broken
		case len(b) == 0:
			return 0, nil
		case !p.held && len(p.buffer) > 0:
			n := copy(b, p.buffer)
			p.buffer = p.buffer[n:]
			p.change()
			return n, nil
		case !p.held && p.ended:
			return 0, io.EOF
		}
		if err := p.wait(until); err != nil {
			return 0, err
		}
	}
}

func (p *pipe) write(b []byte, until *deadline) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for written := 0; ; {
		switch {
		case until.isPassed():
			return written, os.ErrDeadlineExceeded
		case p.ended:
			return written, net.ErrClosed
		case p.broken != nil && !p.held:
			return written, errMemoryReset
		}
		n := min(len(b)-written, pipeBuffer-len(p.buffer))
		p.buffer = append(p.buffer, b[written:written+n]...)
		written += n
		p.change()
		if written == len(b) {
			return written, nil
		}
		if err := p.wait(until); err != nil {
			return written, err
		}
	}
}

func (p *pipe) hold(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = on
	p.change()
}

// finish closes the writer's end.
func (p *pipe) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	p.change()
}

// close breaks the pipe and drops what is in it.
func (p *pipe) close(cause error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken == nil {
		p.broken, p.buffer = cause, nil
	}
	p.change()
}
