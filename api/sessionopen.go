package api

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

const (
	headerUpgrade     = "Upgrade"
	headerSubprotocol = "Sec-WebSocket-Protocol"
)

// sessionBuffer is how many bytes of a session are read at once while little
// comes; see burst.
const sessionBuffer = 256

// session turns a request into a session, which outlives it.
func (s *Server) session(_ context.Context, r *request) (answer, error) {
	protocol, err := chooseProtocol(r.http)
	if err != nil {
		return answer{}, err
	}
	if err := s.sessions.enter(); err != nil {
		return answer{}, err
	}
	if err := s.openSession(r, protocol); err != nil {
		s.sessions.leave()
		return answer{}, err
	}
	return answer{status: http.StatusSwitchingProtocols, stream: func(http.ResponseWriter) {}}, nil
}

// chooseProtocol checks what the library checks too late, and returns the
// first subprotocol of the client's that this server speaks.
func chooseProtocol(r *http.Request) (string, error) {
	if r.Method != http.MethodGet || !websocket.IsWebSocketUpgrade(r) {
		return "", invalid(headerUpgrade, "%s: this is a WebSocket: want GET with Connection: Upgrade, Upgrade: websocket", headerUpgrade)
	}
	key, err := base64.StdEncoding.DecodeString(r.Header.Get("Sec-WebSocket-Key"))
	if err != nil || len(key) != 16 {
		return "", invalid("Sec-WebSocket-Key", "Sec-WebSocket-Key: want 16 bytes in Base64")
	}
	for _, protocol := range websocket.Subprotocols(r) {
		if slices.Contains([]string{wire.SessionJSON, wire.SessionCBOR}, protocol) {
			return protocol, nil
		}
	}
	return "", invalid(headerSubprotocol, "%s: want %s or %s", headerSubprotocol, wire.SessionJSON, wire.SessionCBOR)
}

// upgrader answers the handshake. Where an Origin may come from was checked at
// the gate; what it refuses is answered as any problem.
var upgrader = websocket.Upgrader{
	HandshakeTimeout: 10 * time.Second,
	ReadBufferSize:   sessionBuffer,
	WriteBufferSize:  sessionBuffer,
	WriteBufferPool:  &upgradeBuffers,
	CheckOrigin:      func(*http.Request) bool { return true },
	Error:            func(http.ResponseWriter, *http.Request, int, error) {},
}

// upgradeBuffers is for the library's own frames, which are few.
var upgradeBuffers sync.Pool

// bursting hands a connection over as a burst.
type bursting struct{ http.ResponseWriter }

func (b bursting) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(b.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	return &burst{Conn: conn}, rw, nil
}

// openSession upgrades the connection and starts the session.
func (s *Server) openSession(r *request, protocol string) error {
	h := http.Header{
		http.CanonicalHeaderKey(headerSubprotocol): {protocol},

		wire.HeaderNode:      s.nodeHeader,
		wire.HeaderRequestID: r.header[wire.HeaderRequestID],
	}
	ws, err := upgrader.Upgrade(bursting{r.writer}, r.http, h)
	if refusal := new(websocket.HandshakeError); errors.As(err, refusal) {
		return invalid(headerUpgrade, "%s: %v", headerUpgrade, *refusal)
	}
	if err != nil {
		s.sessions.leave() // the connection is gone, so nobody reads an answer
		return nil
	}
	format := jsonFrames
	if protocol == wire.SessionCBOR {
		format = cborFrames
	}
	s.begin(newSession(s, ws, format, strings.Clone(r.header.Get(wire.HeaderRequestID))))
	return nil
}

// begin starts the two goroutines of a session, which end by themselves, by
// their client, or by Close.
func (s *Server) begin(c *session) {
	s.sessions.adopt(c.conn)
	s.metrics.sessions.Inc()
	s.holders.start(s)
	go c.write()
	go func() {
		defer s.sessions.leave()
		defer s.metrics.sessions.Dec()
		defer s.sessions.drop(c.conn)
		c.read()
	}()
}
