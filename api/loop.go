package api

import (
	"errors"
	"io"
	"sync"
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// beatLoop answers single heartbeats on a connection of HTTP/1.1 (RFC 9112) for
// less than package http can: one goroutine, one buffer, one write an answer,
// and nothing made on the way. It knows only what clients usually send and
// answers it as package http and this package's handler would, to the letter;
// at whatever else comes it hands the connection over to package http, with all
// that was read. See [hotRequest] for what it knows.
//
// While a beat is under way nobody listens to the client: one that hangs up does
// not recall its beat, and is noticed when the answer is written.
type beatLoop struct {
	conn   *conn
	server *Server

	in    [loopBuffer]byte
	held  int        // bytes of in that were read and not answered
	asked hotRequest // in in
	out   []byte     // the answer

	id, ns, host string // of the last request: one like it needs no memory
	requestID    []byte // of this answer
	made         []byte // memory for one that came without

	answered chan struct{} // of capacity 1: the three below are set
	result   registry.BeatResult
	revision uint64
	err      error

	waits    waits
	now      time.Time // when the last answer was ready
	date     []byte    // of dated, as headers have it
	dated    int64     // in Unix seconds
	beats    int       // answered since the connection came here
	blank    int       // bytes of empty lines skipped before this request
	posted   bool      // a request was answered on this connection, so empty lines may come
	last     bool      // the answer says that it is the last
	panicked bool      // a beat may still be answered: not to be used again
}

// loopBuffer is how many bytes of a request, head and body, a loop reads; longer
// ones are package http's. A heartbeat has 200 to 500.
const loopBuffer = 2 << 10

var beatLoops = sync.Pool{New: func() any { return new(beatLoop) }}

// newBeatLoop returns a loop for a connection; run has to follow, which ends it.
func (s *Server) newBeatLoop(c *conn) *beatLoop {
	l := beatLoops.Get().(*beatLoop)
	l.conn, l.server, l.now, l.answered = c, s, time.Now(), make(chan struct{}, 1)
	s.loops.adopt(c)
	return l
}

// release keeps the memory for another connection.
func (l *beatLoop) release() {
	if l.panicked {
		return
	}
	*l = beatLoop{out: l.out[:0], made: l.made[:0], date: l.date[:0]}
	beatLoops.Put(l)
}

// run answers until the connection ends or is package http's. It takes the place
// in loops that its caller entered.
func (l *beatLoop) run() {
	s, c := l.server, l.conn
	defer s.loops.leave()
	moves := false
	defer func() {
		if !moves {
			s.loops.drop(c)
		}
	}()
	defer s.survive("heartbeats of a connection")
	if moves = l.serve() == foreign; moves {
		l.leave()
		s.loops.yield(c)
	}
	l.release()
	if moves {
		c.from.pass(c)
	}
}

// serve answers requests. What ends it is gone or foreign.
func (l *beatLoop) serve() verdict {
	if len(l.out) > 0 && !l.write() {
		return gone
	}
	for {
		l.skipBlank()
		v := l.asked.read(l.in[:l.held], l.server.limits.MaxBody)
		switch {
		case v == hot:
			v = l.answer()
		case v == partial || l.few():
			v = l.fill()
		}
		if v == foreign || v == gone {
			return v
		}
	}
}

// skipBlank drops empty lines before a request, as many as package http does
// after a POST (RFC 9112 section 2.2).
func (l *beatLoop) skipBlank() {
	n := 0
	for l.posted && n < l.held && l.blank < leastRequest && (l.in[n] == '\r' || l.in[n] == '\n') {
		n++
		l.blank++
	}
	l.forget(n)
}

// forget drops what was read first.
func (l *beatLoop) forget(n int) {
	if n > 0 {
		l.held = copy(l.in[:], l.in[n:l.held])
	}
}

// fill reads more: partial when something came.
func (l *beatLoop) fill() verdict {
	if l.held == len(l.in) {
		return foreign
	}
	l.await()
	if l.closing() { // looked at after the deadline was moved: the end of all loops moves it too
		return gone
	}
	n, err := l.conn.Read(l.in[l.held:])
	l.held += n
	switch {
	case n > 0 || err == nil:
		return partial
	case l.held == 0 || l.closing():
		return gone
	case l.few() && errors.Is(err, io.EOF):
		return gone
	}
	return foreign // package http knows what to say to half a request
}

// leastRequest is how many bytes package http waits for before it takes them for
// a further request.
const leastRequest = 4

// few tells whether what was read is less than that.
func (l *beatLoop) few() bool { return l.posted && l.blank+l.held < leastRequest }

// closing tells whether the server ends its loops.
func (l *beatLoop) closing() bool {
	select {
	case <-l.server.loops.done:
		return true
	default:
		return false
	}
}
