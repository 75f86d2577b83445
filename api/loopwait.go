package api

import "time"

// How long a connection may take; package http and loops keep to the same.
const (
	headWithin   = 5 * time.Second  // for a head, and the first byte of a new connection
	bodyWithin   = 15 * time.Second // for a request to its end
	answerWithin = 30 * time.Second // for an answer to be taken; the longest wait, min_revision's, is 5 s
	idleWithin   = 2 * time.Minute  // for the next request

	// halfWithin is how long a loop waits for the rest of a request. Then the
	// connection is package http's, which counts anew.
	halfWithin = time.Second
	// waitStep is how much longer idle connections and slow readers may take on a
	// loop: to move a deadline costs as much as to parse a request, so they are
	// moved this seldom.
	waitStep = 5 * time.Second
)

// waits are the deadlines of a loop's connection.
type waits struct {
	reading time.Duration // how long it may take to read; 0 where that is to be set anew
	since   time.Time     // of reading
	writing time.Time     // since when answerWithin counts; zero where no deadline is set
}

// await sets how long the next read may take.
func (l *beatLoop) await() {
	w := &l.waits
	switch {
	case l.held > 0 && w.reading != halfWithin: // once, however little comes at a time
		l.readWithin(time.Now(), halfWithin, 0)
	case l.held > 0:
	case !l.posted && w.reading != headWithin:
		l.readWithin(l.now, headWithin, 0)
	case l.posted && (w.reading != idleWithin || l.now.Sub(w.since) > waitStep):
		l.readWithin(l.now, idleWithin, waitStep)
	}
}

func (l *beatLoop) readWithin(now time.Time, within, slack time.Duration) {
	l.waits.reading, l.waits.since = within, now
	_ = l.conn.SetReadDeadline(now.Add(within + slack)) // a connection that is gone fails when it is read
}

// whole notes that a request came to its end: the next half has its own time.
func (w *waits) whole() {
	if w.reading == halfWithin {
		w.reading = 0
	}
}

// allow sets how long the client may take to read an answer.
func (l *beatLoop) allow() {
	if l.now.Sub(l.waits.writing) > waitStep {
		l.waits.writing = l.now
		_ = l.conn.SetWriteDeadline(l.now.Add(answerWithin + waitStep))
	}
}
