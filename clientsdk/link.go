package clientsdk

import (
	"context"
	"errors"
	"net/url"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	// linkSilence is how long a link may say nothing: three pings that did not come.
	linkSilence = 45 * time.Second
	// linkDrain is how long a link that takes no more requests waits for the
	// answers to those before.
	linkDrain = 6 * time.Second
	linkQueue = 64 // frames that wait to be written, before callers do
)

var (
	errLinkLeft   = errors.New("the session moves to another node")
	errLinkBroken = errors.New("the session's connection broke")
)

// link is one connection of a session: requests that are answered in any order,
// and what the node pushes. One goroutine reads, one writes.
type link struct {
	end  *url.URL
	ws   *websocket.Conn
	conn *gathered
	out  chan []byte

	leaving chan struct{} // closed when it takes no more requests
	broken  chan struct{} // closed with the connection

	mu    sync.Mutex // guards what follows
	rid   uint64
	waits map[uint64]chan<- linkAnswer // each of capacity 1; their callers bound them
	left  *time.Timer                  // ends the link after it was left; nil before
	err   error                        // why it is broken; nil before
}

// linkAnswer is the answer to one request.
type linkAnswer struct {
	op    string // wire.OpOK or wire.OpError
	frame []byte
}

func newLink(end *url.URL, ws *websocket.Conn, conn *gathered) *link {
	return &link{
		end: end, ws: ws, conn: conn, out: make(chan []byte, linkQueue),
		leaving: make(chan struct{}), broken: make(chan struct{}), waits: map[uint64]chan<- linkAnswer{},
	}
}

// ask sends a frame and returns its answer. Its errors are the cause of ctx's
// end, and why the link is broken; whether the request took effect is unknown.
func (l *link) ask(ctx context.Context, frame func(rid uint64) []byte) (linkAnswer, error) {
	answer := make(chan linkAnswer, 1)
	rid := l.expect(answer)
	defer l.forget(rid)
	select {
	case l.out <- frame(rid):
	case <-l.broken:
		return linkAnswer{}, l.err
	case <-ctx.Done():
		return linkAnswer{}, context.Cause(ctx)
	}
	select {
	case got := <-answer:
		return got, nil
	case <-ctx.Done():
		return linkAnswer{}, context.Cause(ctx)
	case <-l.broken:
	}
	select {
	case got := <-answer: // it came before the end
		return got, nil
	default:
		return linkAnswer{}, l.err
	}
}

func (l *link) expect(answer chan<- linkAnswer) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rid++
	l.waits[l.rid] = answer
	return l.rid
}

func (l *link) forget(rid uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waits, rid)
}

// leave begins no more requests on the link; those under way have linkDrain.
func (l *link) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left == nil {
		l.left = time.AfterFunc(linkDrain, func() { l.fail(errLinkLeft) })
		close(l.leaving)
	}
	if l.err != nil {
		l.left.Stop()
	}
}

// fail ends the link, the first time.
func (l *link) fail(err error) {
	l.mu.Lock()
	first := l.err == nil
	if first {
		l.err = err
	}
	l.mu.Unlock()
	l.leave()
	if first {
		close(l.broken)
		_ = l.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now())
		_ = l.ws.Close()
	}
}
