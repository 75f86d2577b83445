package api

import (
	"context"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// A connection moves between a loop and package http, always between two
// requests: to package http when something comes that the loop does not know,
// and back when package http has read a heartbeat. A move costs as much as some
// tens of heartbeats save, so who alternates stays with package http.
const (
	maxMoves = 3  // back to a loop, in a row
	minBeats = 32 // answered by a loop in one stay make it worth its move: the row ends
)

// connKey is under what the context of a request has its connection.
type connKey struct{}

// withConn is a ConnContext of package http.
func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// leave prepares the connection for package http: what was read comes first, and
// there is no deadline of the loop's.
func (l *beatLoop) leave() {
	c := l.conn
	c.rest = slices.Concat(l.in[:l.held], c.rest)
	if l.beats >= minBeats {
		c.moves = 0
	}
	_ = c.SetDeadline(time.Time{}) // one that is gone fails when it is read
}

// comeBack takes a connection over from package http, if it is worth it, and
// returns the loop that answers the request at hand and those after it; nil
// where package http goes on. The loop has its place in loops, and is to be run.
func (s *Server) comeBack(r *request, a *answer) *beatLoop {
	if !r.route.Loop {
		return nil
	}
	c, ok := r.http.Context().Value(connKey{}).(*conn)
	if !ok || c.moves >= maxMoves || !keepsAlive(r.http) || r.header.Get("Content-Type") != wire.TypeJSON {
		return nil
	}
	if s.plain || s.loops.enter() != nil {
		return nil
	}
	_, rw, err := http.NewResponseController(r.writer).Hijack()
	if err != nil {
		s.loops.leave()
		return nil
	}
	ahead, _ := rw.Reader.Peek(rw.Reader.Buffered()) // which are there
	c.rest = slices.Concat(ahead, c.rest)
	c.moves++
	l := s.newBeatLoop(c)
	l.posted = true
	l.requestID = []byte(r.header[wire.HeaderRequestID][0])
	l.put(a.status, wire.TypeJSON, false, a.raw)
	return l
}

// keepsAlive tells whether further requests may come as this one did.
func keepsAlive(r *http.Request) bool {
	return r.ProtoMajor == 1 && r.ProtoMinor == 1 && r.TLS == nil && !r.Close
}
