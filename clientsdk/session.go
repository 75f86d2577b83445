package clientsdk

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// sessionRetry is the rhythm of connecting; meanwhile requests go over HTTP.
var sessionRetry = Retry{Base: 100 * time.Millisecond, Max: 30 * time.Second}

// session is a WebSocket to one node at a time, over which the client asks
// what can be asked there. It begins with the first such request.
type session struct {
	client *Client
	ends   *rotation
	dialer *websocket.Dialer
	begin  sync.Once
	tried  chan struct{} // closed when a link was made, or could not be

	mu      sync.Mutex // guards what follows
	link    *link      // that takes requests; nil where there is none
	keepers map[uint64]*keeper
	inboxes map[string][]*inbox // by mailbox
	touched time.Time
}

func newSession(c *Client) (*session, error) {
	roots, err := loadRoots(c.config.CACert)
	if err != nil {
		return nil, err
	}
	return &session{
		client: c, ends: newRotation(c.ends.list), tried: make(chan struct{}),
		keepers: map[uint64]*keeper{}, inboxes: map[string][]*inbox{},
		dialer: &websocket.Dialer{
			Proxy:            http.ProxyFromEnvironment,
			NetDialContext:   newDialer(c.config).DialContext,
			TLSClientConfig:  &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			HandshakeTimeout: 2 * c.config.DialTimeout,
			Subprotocols:     []string{wire.SessionJSON},
			ReadBufferSize:   frameBuffer,
			WriteBufferSize:  frameBuffer,
		},
	}, nil
}

// ready returns the link to ask, nil where there is none. It begins the session
// where nobody has, and then waits for its first link, at most that long.
func (s *session) ready(ctx context.Context, most time.Duration) *link {
	s.begin.Do(func() { s.client.spawn(func() { s.run(s.client.base) }) })
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-s.tried:
	case <-timer.C:
	case <-ctx.Done():
	}
	return s.current()
}

func (s *session) current() *link {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.link
}

// run keeps a link until ctx ends.
func (s *session) run(ctx context.Context) {
	var l lull
	first := sync.OnceFunc(func() { close(s.tried) })
	defer first()
	for l.sleep(ctx, sessionRetry) == nil {
		end, turn := s.ends.current()
		made, err := s.dial(ctx, end)
		if err == nil {
			s.follow(ctx, made, first)
		} else {
			first()
			s.client.log.Debug("no session", "endpoint", end.Host, "error", err)
		}
		s.ends.failed(turn)
		l.failed(nil, sessionRetry)
	}
}

// dial makes a link, and starts its two goroutines.
func (s *session) dial(ctx context.Context, end *url.URL) (*link, error) {
	target := *end
	target.Scheme = map[string]string{"http": "ws", "https": "wss"}[end.Scheme]
	target.Path += wire.PathSession
	header := http.Header{"User-Agent": {userAgent}}
	if token := s.client.config.Token; token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	var conn *gathered
	dialer := *s.dialer
	dialer.NetDialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		plain, err := s.dialer.NetDialContext(ctx, network, addr)
		conn = &gathered{Conn: plain}
		return conn, err
	}
	ws, _, err := dialer.DialContext(ctx, target.String(), header)
	if err != nil {
		return nil, err
	}
	ws.SetReadLimit(s.client.config.MaxAnswer)
	l := newLink(end, ws, conn)
	if !s.client.spawn(l.write) || !s.client.spawn(func() { l.read(func(op string, frame []byte) { s.pushed(l, op, frame) }) }) {
		l.fail(ErrClosed)
		return nil, ErrClosed
	}
	return l, nil
}

// follow lets requests use a link until it is left, or ctx ends.
func (s *session) follow(ctx context.Context, l *link, begun func()) {
	s.use(l)
	begun()
	select {
	case <-l.leaving:
	case <-ctx.Done():
		l.fail(context.Cause(ctx))
	}
	s.use(nil)
}

// use makes a link the one that is asked. Inboxes to which the one before
// pushed have to ask again.
func (s *session) use(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.link = l
	for _, list := range s.inboxes {
		for _, b := range list {
			nudge(b.rung)
		}
	}
}
