package clientsdk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// sessions are the cluster's ends of WebSockets, by the contract's section 6.
type sessions struct {
	cluster *cluster
	ctx     context.Context // ends the servers

	mu     sync.Mutex
	ways   map[string]chan net.Conn // to the nodes
	dials  int
	lines  []*modelLine // of connections that are open
	frames []frameHit
	mute   bool // neither pings nor pushes
	deaf   bool // frames are taken and not answered
	closed bool // connections are refused
	noPush bool
}

// frameHit is a frame that reached a node.
type frameHit struct {
	node, op, text string
	at             time.Time
}

// modelLine is one connection.
type modelLine struct {
	s      *sessions
	node   string
	ws     *websocket.Conn
	out    chan any
	ended  chan struct{}
	claims map[string]uint64 // epochs by id; the cluster's lock guards it
	seen   map[string]uint64 // offset pushed, by id
	again  map[string]uint32 // attempts, by message
}

// inSession runs f in virtual time with a cluster, and a client with a session.
func inSession(t *testing.T, f func(t *testing.T, b *bench, s *sessions)) {
	t.Helper()
	bubble(t, func(t *testing.T, b *bench) {
		ctx, stop := context.WithCancel(context.Background())
		s := &sessions{cluster: b.cluster, ctx: ctx, ways: map[string]chan net.Conn{}}
		for _, node := range []string{"n1", "n2", "n3"} {
			s.serve(node)
		}
		b.with(func(c *cluster) { c.onEnd = s.tellLost })
		var err error
		if b.client.session, err = newSession(b.client); err != nil {
			t.Fatal(err)
		}
		b.client.session.dialer.NetDialContext, b.client.session.dialer.Proxy = s.dial, nil
		b.client.session.ends.turn.Store(0)
		f(t, b, s)
		_ = b.client.Close()
		stop()
		synctest.Wait()
	})
}

// serve is a node's server of this process.
func (s *sessions) serve(node string) {
	way := make(chan net.Conn)
	s.ways[node] = way
	server := &http.Server{
		Handler:  http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.accept(node, w, r) }),
		ErrorLog: log.New(io.Discard, "", 0),
	}
	go func() { _ = server.Serve(&listener{s.ctx, way}) }()
	context.AfterFunc(s.ctx, func() { _ = server.Close() })
}

type listener struct {
	ctx context.Context
	way <-chan net.Conn
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.way:
		return conn, nil
	case <-l.ctx.Done():
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error   { return nil }
func (l *listener) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

func (s *sessions) dial(ctx context.Context, _, addr string) (net.Conn, error) {
	s.mu.Lock()
	s.dials++
	closed := s.closed
	s.mu.Unlock()
	host, _, _ := net.SplitHostPort(addr)
	down := false
	s.cluster.node(host, func(n *modelNode) { down = n.down })
	if closed || down {
		return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	}
	near, far := net.Pipe()
	select {
	case s.ways[host] <- far:
		return near, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *sessions) accept(node string, w http.ResponseWriter, r *http.Request) {
	up := websocket.Upgrader{Subprotocols: []string{wire.SessionJSON}}
	ws, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	l := &modelLine{
		s: s, node: node, ws: ws, out: make(chan any, 10_000), ended: make(chan struct{}),
		claims: map[string]uint64{}, seen: map[string]uint64{}, again: map[string]uint32{},
	}
	s.with(func() { s.lines = append(s.lines, l) })
	go l.write()
	go l.push()
	l.read()
	close(l.ended)
	_ = ws.Close()
}

func (s *sessions) with(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// flag reads a switch.
func (s *sessions) flag(f *bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *f
}

// heard returns the frames of an op so far, of all where op is empty.
func (s *sessions) heard(op string) (list []frameHit) {
	s.with(func() {
		for _, h := range s.frames {
			if op == "" || h.op == op {
				list = append(list, h)
			}
		}
	})
	return list
}

// last returns the newest connection.
func (s *sessions) last() (l *modelLine) {
	s.with(func() {
		if len(s.lines) > 0 {
			l = s.lines[len(s.lines)-1]
		}
	})
	return l
}

func (l *modelLine) write() {
	ping := time.NewTicker(15 * time.Second)
	defer ping.Stop()
	for {
		var err error
		select {
		case frame := <-l.out:
			if raw, ok := frame.([]byte); ok {
				err = l.ws.WriteMessage(websocket.TextMessage, raw)
			} else {
				err = l.ws.WriteJSON(frame)
			}
		case <-ping.C:
			if !l.s.flag(&l.s.mute) {
				err = l.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second))
			}
		case <-l.ended:
			return
		}
		if err != nil {
			_ = l.ws.Close()
		}
	}
}

func (l *modelLine) read() {
	for {
		_, text, err := l.ws.ReadMessage()
		if err != nil {
			return
		}
		var h heading
		_ = json.Unmarshal(text, &h)
		l.s.with(func() { l.s.frames = append(l.s.frames, frameHit{l.node, h.Op, string(text), time.Now()}) })
		if !l.s.flag(&l.s.deaf) {
			l.serve(&h, text)
		}
	}
}

// serve answers a frame as its endpoint would have.
func (l *modelLine) serve(h *heading, text []byte) {
	method, path := http.MethodPost, wire.PathLeases+"/"+h.ID
	switch h.Op {
	case wire.OpRegister:
		method = http.MethodPut
	case wire.OpHeartbeat:
		path += "/heartbeat"
	case wire.OpUpdate:
		method = http.MethodPatch
	case wire.OpLeave:
		var leave struct{ Epoch json.Number }
		_ = json.Unmarshal(text, &leave)
		method, path = http.MethodDelete, path+"?epoch="+leave.Epoch.String()
		l.s.cluster.with(func(*cluster) { delete(l.claims, h.ID) })
	case wire.OpSend:
		path = wire.PathMailboxes + "/" + h.To + "/messages"
	default:
		path = wire.PathMailboxes + "/" + h.ID + "/" + h.Op
	}
	req, _ := http.NewRequest(method, "http://"+l.node+path, bytes.NewReader(text))
	for name, value := range map[string]string{headerKey: h.Key, headerIfNone: h.IfNone} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	a, _ := l.s.cluster.answer(l.node, req, text)
	l.claim(a.body)
	l.out <- frameBack(h.RID, a)
}

// claim notes for which lease the session speaks.
func (l *modelLine) claim(body any) {
	l.s.cluster.with(func(c *cluster) {
		switch g := body.(type) {
		case wire.Grant:
			l.claims[g.ID] = g.Epoch
			l.seen[g.ID] = 0
		case wire.Renewed:
			if l.claims[g.ID] != g.Epoch {
				l.claims[g.ID], l.seen[g.ID] = g.Epoch, 0
			}
		}
		close(c.sent)
		c.sent = make(chan struct{})
	})
}

// frameBack is an answer as a frame.
func frameBack(rid uint64, a answer) map[string]any {
	response := a.response(nil, "")
	body, _ := io.ReadAll(response.Body)
	frame := map[string]any{}
	_ = json.Unmarshal(body, &frame)
	frame["op"], frame["rid"] = wire.OpOK, rid
	if a.status/100 != 2 {
		frame["op"] = wire.OpError
	}
	return frame
}

// push pushes mail until the connection ends.
func (l *modelLine) push() {
	for {
		changed, again := l.pushMail()
		timer := time.NewTimer(again)
		select {
		case <-changed:
		case <-timer.C:
		case <-l.ended:
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

func (l *modelLine) pushMail() (changed chan struct{}, again time.Duration) {
	again = time.Hour
	silent := l.s.flag(&l.s.noPush)
	l.s.cluster.with(func(c *cluster) {
		changed = c.sent
		for id := range l.claims {
			box := c.mail[id]
			if box == nil || silent {
				continue
			}
			for _, m := range box.in("pending") {
				due := time.Until(m.due)
				switch {
				case m.Attempts > 0 && due > 0:
					again = min(again, due)
				case m.Offset > l.seen[id] || m.Attempts > l.again[m.ID]:
					l.seen[id], l.again[m.ID] = max(l.seen[id], m.Offset), m.Attempts
					l.out <- wire.PushedMessage{Op: wire.OpMessage, To: id, Message: m.Message}
				}
			}
		}
	})
	return changed, again
}

// tellLost tells who speaks for an epoch that it has ended. The cluster's lock
// is held.
func (s *sessions) tellLost(cert *wire.Certificate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.lines {
		if l.claims[cert.ID] == cert.Epoch {
			delete(l.claims, cert.ID)
			l.out <- wire.LostLease{Op: wire.OpLost, ID: cert.ID, Epoch: cert.Epoch, Certificate: cert}
		}
	}
}

// overHTTP counts the requests for leases and mailboxes that took the other way.
func (b *bench) overHTTP() (n int) {
	for _, method := range []string{"PUT", "POST", "PATCH", "DELETE"} {
		n += len(b.record(method))
	}
	return n
}

func (s *sessions) text(t *testing.T, op string) string {
	t.Helper()
	list := s.heard(op)
	if len(list) == 0 {
		t.Fatalf("no frame %s", op)
	}
	return strings.TrimSpace(list[len(list)-1].text)
}

// counted counts writes and takes them all.
type counted struct {
	net.Conn
	writes int
}

func newCounted() (near *counted, far net.Conn) {
	a, b := net.Pipe()
	return &counted{Conn: a}, b
}

func (c *counted) Write(b []byte) (int, error) {
	c.writes++
	return c.Conn.Write(b)
}

// newClientConn shakes hands over g with a server that reads all there is.
func newClientConn(t *testing.T, g net.Conn, far net.Conn) *websocket.Conn {
	t.Helper()
	way := make(chan net.Conn, 1)
	way <- far
	ctx, stop := context.WithCancel(context.Background())
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		up := websocket.Upgrader{}
		if ws, err := up.Upgrade(w, r, nil); err == nil {
			for err == nil {
				_, _, err = ws.NextReader()
			}
			_ = ws.Close()
		}
	})}
	go func() { _ = server.Serve(&listener{ctx, way}) }()
	t.Cleanup(func() { _ = g.Close(); stop(); _ = server.Close() })
	dialer := websocket.Dialer{NetDialContext: func(context.Context, string, string) (net.Conn, error) { return g, nil }}
	ws, _, err := dialer.Dial("ws://n1/", nil)
	if err != nil {
		t.Fatal(err)
	}
	return ws
}
