package api

import (
	"net"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// session is a WebSocket: requests that are answered in any order, and what
// its client is told beside. One goroutine reads frames and begins requests,
// one writes; a heartbeat takes no other, any other request has one of its own.
//
// Nothing of it grows with what waits for a client that does not read: answers
// are bounded by the requests that may be under way, and all else is fetched
// when there is room to write it. Such a client is cut off; its leases run on.
type session struct {
	server *Server
	ws     *websocket.Conn // read only; frames are written by writer
	conn   net.Conn
	format *frameFormat
	name   string // the X-Request-Id of its beginning, for the log

	wake    chan struct{}  // of capacity 1: there is something to write
	written chan struct{}  // closed when the writer has ended
	work    sync.WaitGroup // of requests that have a goroutine
	last    *turn          // that was given out; the reader's own

	mu       sync.Mutex // guards what follows
	room     sync.Cond  // signalled when used falls, or the session ends
	used     int        // weight of the requests whose answers are not written yet
	calls    calls
	out      outbox
	chores   []func() // that the writer does, for those who must not wait
	holdings holdings
	watches  []*sessionWatch
	news     chan struct{} // of capacity 1: a watch may have something; nil before the first
	ending   *ending       // nil while the session goes on
	draining bool          // no request is begun any more
}

// outbox is the frames that wait to be written.
type outbox struct {
	frames []byte
	memory *[]byte // of frames, from the pool
	count  int
	weight int // of the requests that they answer
}

// ending is how a session ends: with a close frame, or silently where the
// connection is gone or the client was told already.
type ending struct {
	code   int
	text   string
	silent bool
}

const (
	// pingEvery is how often a client is asked whether it is there; one from
	// which no frame has come for silence is cut off.
	pingEvery = 15 * time.Second
	silence   = 45 * time.Second
	// drainWithin is how long a session that ends waits for its last answers.
	drainWithin = 5 * time.Second
	// lingerWithin is how long a client may take to read the close frame.
	lingerWithin = time.Second
	// maxWeight bounds what is under way: a request weighs 1, and 1 more for each
	// KiB of its frame.
	maxWeight = wire.MaxInFlight
)

func newSession(s *Server, ws *websocket.Conn, format *frameFormat, name string) *session {
	c := &session{
		server: s, ws: ws, conn: ws.NetConn(), format: format, name: name,
		wake: make(chan struct{}, 1), written: make(chan struct{}),
	}
	c.room.L = &c.mu
	return c
}

// signal wakes whoever waits for a channel of capacity 1, now or next.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// admit waits until there is room for a request of that weight, and takes it;
// false when no request may begin any more.
func (c *session) admit(weight int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.used+weight > maxWeight && c.open() {
		c.room.Wait()
	}
	if !c.open() {
		return false
	}
	c.used += weight
	return true
}

// open tells whether requests may begin. The caller holds the lock.
func (c *session) open() bool { return c.ending == nil && !c.draining }

// end ends the session; the first reason counts.
func (c *session) end(e *ending) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ending == nil {
		c.ending = e
	}
	c.room.Broadcast()
	signal(c.wake)
}

// later has the writer do something.
func (c *session) later(chore func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ending == nil {
		c.chores = append(c.chores, chore)
		signal(c.wake)
	}
}

// put lets an answer wait to be written.
func (c *session) put(payload []byte, weight int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue(payload, weight)
}

// queue is put for a caller that holds the lock.
func (c *session) queue(payload []byte, weight int) { c.queueFrame(c.format.opcode, payload, weight) }

func (c *session) queueFrame(opcode byte, payload []byte, weight int) {
	if c.out.memory == nil {
		c.out.memory = outboxes.Get().(*[]byte)
		c.out.frames = (*c.out.memory)[:0]
	}
	c.out.frames = appendFrame(c.out.frames, opcode, payload)
	c.out.count++
	c.out.weight += weight
	signal(c.wake)
}

// outboxes keeps the memory of frames between writes.
var outboxes = sync.Pool{New: func() any { return new([]byte) }}

// wrote gives back the room of answers that were written.
func (c *session) wrote(weight int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used -= weight
	c.room.Signal()
}
