package api

import (
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// answer answers the request that was read: hot when the loop goes on.
func (l *beatLoop) answer() verdict {
	if !l.knows() {
		return foreign
	}
	s, start := l.server, time.Now()
	s.metrics.inFlight.Inc()
	status := l.renew()
	s.metrics.inFlight.Dec()
	s.loopRoute.observe(status, l.now.Sub(start))
	if !l.write() {
		return gone
	}
	l.forget(l.asked.size)
	l.waits.whole()
	l.beats++
	l.blank, l.posted = 0, true
	return hot
}

// knows tells whether the request's Host may come in; what may not is told so by
// the gate. It makes strings of what the request names.
func (l *beatLoop) knows() bool {
	q := &l.asked
	if string(q.host) != l.host {
		host := string(q.host)
		if !l.server.gate.knows(host) {
			return false
		}
		l.host = host
	}
	l.id = same(l.id, q.id)
	if l.ns = same(l.ns, q.ns); l.ns == "" {
		l.ns = wire.DefaultNS
	}
	if l.requestID = q.requestID; l.requestID == nil {
		l.made = l.server.ids.appendNext(l.made[:0])
		l.requestID = l.made
	}
	return true
}

// same returns text as a string, the one there is if it is the same.
func same(last string, text []byte) string {
	if string(text) == last {
		return last
	}
	return string(text)
}

// renew renews the lease, prepares the answer and returns its status.
func (l *beatLoop) renew() int {
	renewed, err := l.beat()
	l.now = time.Now()
	l.last = l.panicked || l.closing()
	if err == nil {
		var body [512]byte
		l.put(http.StatusOK, wire.TypeJSON, false, appendRenewed(body[:0], &renewed))
		return http.StatusOK
	}
	p := l.server.problemOf(err, asked{string(l.requestID), http.MethodPost, string(l.asked.path)})
	body, err := encodeJSON(p)
	if err != nil {
		l.server.log.Error("encode problem", "error", err)
	}
	l.put(p.Status, wire.TypeProblem, p.Retryable, body)
	return p.Status
}

// beat hands the beat to the node and waits for what becomes of it, which the
// node bounds; a panic becomes an error.
func (l *beatLoop) beat() (renewed wire.Renewed, err error) {
	defer func() {
		if p := recover(); p != nil {
			l.panicked, err = true, fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	b, err := decodeBeat(l.asked.body, mediaJSON)
	if err != nil {
		return renewed, err
	}
	l.server.node.BeatLater(l.ns, l.id, b.epoch, b.seq, l, 0)
	<-l.answered
	return l.server.beaten(l.ns, l.id, b, l.result, l.revision, l.err)
}

// BeatDone hears what became of the beat.
func (l *beatLoop) BeatDone(_ uint64, r registry.BeatResult, revision uint64, err error) {
	l.result, l.revision, l.err = r, revision, err
	l.answered <- struct{}{} // there is room: only one is under way
}

// put prepares an answer (RFC 9112 section 4), with the headers of serve and
// answerProblem in the order in which package http writes them.
func (l *beatLoop) put(status int, contentType string, retryable bool, body []byte) {
	b := append(l.out[:0], "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, ' ')
	b = append(b, http.StatusText(status)...)
	b = append(b, "\r\nContent-Type: "...)
	b = append(b, contentType...)
	if retryable {
		b = append(b, "\r\nRetry-After: 1"...)
	}
	b = append(b, "\r\n"+wire.HeaderNode+": "...)
	b = append(b, l.server.nodeHeader[0]...)
	b = append(b, "\r\nX-Content-Type-Options: nosniff\r\n"+wire.HeaderRequestID+": "...)
	b = append(b, l.requestID...)
	b = append(b, "\r\nDate: "...)
	b = append(b, l.today()...)
	b = append(b, "\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(body)), 10)
	if l.last {
		b = append(b, "\r\nConnection: close"...)
	}
	b = append(b, "\r\n\r\n"...)
	l.out = append(b, body...)
}

// today returns the Date of an answer, made once a second.
func (l *beatLoop) today() []byte {
	if at := l.now.Unix(); at != l.dated {
		l.dated, l.date = at, l.now.UTC().AppendFormat(l.date[:0], http.TimeFormat)
	}
	return l.date
}

// write sends the answer; false where it is the last, or the client is gone.
func (l *beatLoop) write() bool {
	l.allow()
	_, err := l.conn.Conn.Write(l.out)
	l.out = l.out[:0]
	return err == nil && !l.last
}
