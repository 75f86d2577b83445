package api

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// streamPage is how many events a stream takes at once.
const streamPage = 64

// noBuffering asks proxies to pass a stream on as it comes.
var noBuffering = []string{"no"}

// stream sends a watch as server-sent events, on a goroutine of its own where
// package http hands the connection over: nothing of the request is kept then.
func (s *Server) stream(rw http.ResponseWriter, r *request, w *watching) {
	h := r.header
	h["Content-Type"], h["X-Accel-Buffering"] = []string{wire.TypeEvents}, noBuffering
	control := http.NewResponseController(rw)
	conn, _, err := control.Hijack()
	if err != nil {
		rw.WriteHeader(http.StatusOK)
		_ = control.Flush() // what cannot be flushed fails at its first write
		defer w.close()
		w.run(newFlushOutlet(rw, r.http))
		return
	}
	head := streamHead(r)
	s.streams.adopt(conn)
	_ = conn.SetDeadline(time.Time{}) // each write has its own
	go func() {
		defer w.close()
		defer s.streams.drop(conn)
		defer s.survive("stream")
		if out := (connOutlet{conn, s.streams.done}); out.write(head) == nil {
			w.run(out)
		}
	}()
}

// survive logs a panic of what has a goroutine of its own, which ends that
// alone, as package http does for handlers.
func (s *Server) survive(what string) {
	if p := recover(); p != nil {
		s.log.Error(what+" failed", "error", fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
	}
}

// streamHead is what comes before the body of a stream: it ends with the
// connection.
func streamHead(r *request) []byte {
	h := r.header
	h["Connection"] = []string{"close"}
	h["Date"] = []string{time.Now().UTC().Format(http.TimeFormat)}
	version := "HTTP/1.1"
	if !r.http.ProtoAtLeast(1, 1) {
		version = "HTTP/1.0"
	}
	b := bytes.NewBufferString(version + " 200 OK\r\n")
	_ = h.Write(b) // to memory
	return append(b.Bytes(), "\r\n"...)
}

// run sends a watch until its client goes away or is cut off, or the server
// ends it.
func (w *watching) run(out outlet) {
	err := w.sendSnapshot(out)
	if err == nil {
		err = w.sendEvents(out)
	}
	if err == nil {
		err = w.follow(out)
	}
	w.cutOff(out, err)
}

// sendSnapshot sends who is alive. Only the last part has an id, so that a
// client that did not get it begins anew.
func (w *watching) sendSnapshot(out outlet) error {
	if w.snapshot == nil {
		return nil
	}
	for {
		data, err := encodeJSON(w.part)
		if err != nil {
			return fmt.Errorf("encode snapshot: %w", err)
		}
		var b []byte
		if !w.part.More {
			b = appendID(b, w.part.Revision)
		}
		w.part.Leases = nil
		if err := out.write(appendSSE(b, wire.EventSnapshot, data[:len(data)-1])); err != nil || !w.part.More {
			return err
		}
		if w.ending(out) {
			return errEnding
		}
		if w.part, err = w.snapshot.next(); err != nil {
			return err
		}
	}
}

// errEnding is returned when the server ends its streams, or the client has
// gone away.
var errEnding = errors.New("the stream ends")

func (w *watching) ending(out outlet) bool {
	select {
	case <-w.server.streams.done:
	case <-out.gone():
	default:
		return false
	}
	return true
}

// sendEvents sends what was read.
func (w *watching) sendEvents(out outlet) error {
	if len(w.events) == 0 {
		return nil
	}
	var b []byte
	for _, e := range w.events {
		b = appendSSE(appendID(b, e.Revision), e.Type.String(), e.Raw)
	}
	w.server.metrics.events.Add(float64(len(w.events)))
	w.events = nil
	return out.write(b)
}

// follow sends events as they come, and a bookmark when none has come for a
// while.
func (w *watching) follow(out outlet) error {
	idle := time.NewTimer(wire.BookmarkEvery)
	defer idle.Stop()
	for {
		quiet := false
		select {
		case <-w.server.streams.done:
			return errEnding
		case <-out.gone():
			return errEnding
		case <-idle.C:
			quiet = true
		case <-w.Wait():
		}
		if err := w.read(streamPage); err != nil {
			return err
		}
		if len(w.events) == 0 && !quiet {
			continue
		}
		if err := w.send(out); err != nil {
			return err
		}
		idle.Reset(wire.BookmarkEvery)
	}
}

// send sends what was read, or how far that was.
func (w *watching) send(out outlet) error {
	if len(w.events) > 0 {
		return w.sendEvents(out)
	}
	data := fmt.Appendf(nil, `{"revision":%d,"type":%q}`, w.upTo, wire.EventBookmark)
	return out.write(appendSSE(appendID(nil, w.upTo), wire.EventBookmark, data))
}

// cutOff counts a stream that the node ended against its client's will, and
// says so where the client reads: connecting again it gets the problem.
func (w *watching) cutOff(out outlet, err error) {
	m := w.server.metrics
	if c, ok := asCompacted(err); ok {
		m.compacted.Inc()
		_ = out.write(appendComment(nil, fmt.Sprintf("compacted: the oldest revision is %d", c.Oldest)))
		return
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		m.slow.Inc()
	}
}
