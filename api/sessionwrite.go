package api

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/gorilla/websocket"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// pushRoom is how many bytes of frames are put together for one write, unless
// answers alone are more.
const pushRoom = 64 << 10

// writer writes the frames of a session. What is pushed it fetches by itself,
// when there is room.
type writer struct {
	*session
	done   <-chan struct{} // closed when the server ends its sessions; nil when that was seen
	timer  *time.Timer
	armed  time.Time // what timer is set to
	ping   time.Time // when the next one is due
	drain  time.Time // when a draining session ends at the latest
	due    time.Time // when a message may come again; zero where none is known
	until  time.Time // how long a write may take, as was set
	waits  map[*box]time.Time
	visits []*sessionWatch // that may have something
	more   bool            // not all was fetched

	mailFirst bool // of what is pushed, the last time
}

// write writes until the session ends.
func (c *session) write() {
	defer close(c.written)
	now := time.Now()
	w := &writer{session: c, done: c.server.sessions.done, timer: time.NewTimer(pingEvery), ping: now.Add(pingEvery)}
	defer w.timer.Stop()
	defer func() {
		if p := recover(); p != nil {
			c.end(c.broke(fmt.Errorf("panic: %v\n%s", p, debug.Stack())))
			c.conn.Close()
		}
	}()
	w.run()
}

func (w *writer) run() {
	for {
		w.doChores()
		out, closing := w.fetch()
		if closing == nil {
			w.push(&out)
		}
		if len(out.frames) > 0 && !w.flush(&out) {
			w.end(&ending{silent: true})
			w.conn.Close() // which the reader notices
			return
		}
		if e := w.over(); e != nil {
			w.goodbye(e)
			return
		}
		w.wait(len(out.frames) > 0 || w.more)
	}
}

// doChores does what others left to the writer.
func (w *writer) doChores() {
	w.mu.Lock()
	chores := w.chores
	w.chores = nil
	w.mu.Unlock()
	for _, chore := range chores {
		chore()
	}
}

// fetch returns all answers that wait, and how the session ends if it does. One
// whose client hears nothing more gets none.
func (w *writer) fetch() (out outbox, e *ending) {
	w.mu.Lock()
	defer w.mu.Unlock()
	out, w.out = w.out, outbox{}
	if w.ending != nil && w.ending.silent {
		out.frames = out.frames[:0]
	}
	return out, w.ending
}

// push appends what is to be pushed while there is room: of events and mail
// each comes first by turns, so that neither waits for all of the other.
func (w *writer) push(out *outbox) {
	w.more = false
	sources := [...]func([]byte) ([]byte, int){w.pushLost, w.pushEvents, w.pushMail}
	if w.mailFirst = !w.mailFirst; w.mailFirst {
		sources[1], sources[2] = sources[2], sources[1]
	}
	for _, source := range sources {
		n := 0
		out.frames, n = source(out.frames)
		out.count += n
	}
}

// frame appends a pushed frame; what cannot be encoded ends the session.
func (w *writer) frame(b []byte, body any) ([]byte, int) {
	payload, err := w.format.encode(body)
	if err != nil {
		w.end(w.broke(err))
		return b, 0
	}
	return appendFrame(b, w.format.opcode, trimLine(payload)), 1
}

func trimLine(b []byte) []byte {
	if n := len(b); n > 0 && b[n-1] == '\n' {
		return b[:n-1]
	}
	return b
}

// flush writes frames and gives their memory and the room of their requests
// back; it is false where the client is gone, or does not read.
func (w *writer) flush(out *outbox) bool {
	err := pieces(out.frames, w.deadline, w.conn.Write)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		w.server.metrics.slowSessions.Inc()
	}
	w.server.metrics.framesOut.Add(float64(out.count))
	if out.memory != nil && cap(out.frames) <= maxKept {
		*out.memory = out.frames[:0]
		outboxes.Put(out.memory)
	}
	w.wrote(out.weight)
	return err == nil
}

// deadlineStep is how much longer than asked a write may take: to move a deadline
// costs a good part of a small write, so it is done this seldom.
const deadlineStep = time.Second

// deadline bounds a write; when the session drains it has no longer than that.
func (w *writer) deadline(at time.Time) error {
	switch last := w.drain.Add(lingerWithin); {
	case !w.drain.IsZero() && at.After(last):
		w.until = last
	case !at.After(w.until):
		return nil
	default:
		w.until = at.Add(deadlineStep)
	}
	return w.conn.SetWriteDeadline(w.until)
}

// over says how the session ends, when it does and all that waited is written.
func (w *writer) over() *ending {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.out.count > 0 {
		return nil
	}
	if w.ending == nil && w.draining && (w.used == 0 || time.Until(w.drain) <= 0) {
		w.ending = &ending{code: websocket.CloseGoingAway, text: "this node goes away"}
		w.room.Broadcast()
	}
	return w.ending
}

// goodbye closes the session, and gives the client a moment to do so too.
func (w *writer) goodbye(e *ending) {
	if !e.silent && !w.flush(&outbox{frames: appendFrame(nil, frameClose, closePayload(e.code, e.text)), count: 1}) {
		w.conn.Close()
		return
	}
	_ = w.conn.SetReadDeadline(time.Now().Add(lingerWithin))
}

// wait returns when there may be something to write; at once where there is.
func (w *writer) wait(busy bool) {
	w.arm()
	bell, news := w.channels()
	if busy {
		signal(w.wake)
	}
	switch w.pause(bell, news) {
	case byDone:
		w.startDraining()
	case byNews:
		w.visit(false)
	case byBell:
		w.rung()
	case byTimer:
		w.tick()
	}
}

// cause is why a pause of the writer ended.
type cause uint8

const (
	byWake cause = iota
	byDone
	byNews
	byBell
	byTimer
)

// pause waits.
func (w *writer) pause(bell, news <-chan struct{}) cause {
	select {
	case <-w.wake:
		return byWake
	case <-w.done:
		return byDone
	case <-news:
		return byNews
	case <-bell:
		return byBell
	case <-w.timer.C:
		return byTimer
	}
}

// arm sets the timer to what is due first.
func (w *writer) arm() {
	next := w.ping
	for _, at := range [...]time.Time{w.drain, w.due} {
		if !at.IsZero() && at.Before(next) {
			next = at
		}
	}
	if next != w.armed {
		w.armed = next
		w.timer.Reset(time.Until(next))
	}
}

// tick does what is due.
func (w *writer) tick() {
	now := time.Now()
	w.armed = time.Time{}
	if !now.Before(w.ping) {
		w.ping = now.Add(pingEvery)
		w.mu.Lock()
		w.queueFrame(framePing, nil, 0)
		w.mu.Unlock()
		w.visit(true)
	}
	if !w.due.IsZero() && !now.Before(w.due) {
		w.wakeBoxes(now)
	}
}

// startDraining tells the client that it should go elsewhere. What it asked for
// until now is answered.
func (w *writer) startDraining() {
	w.done = nil
	w.drain = time.Now().Add(drainWithin)
	payload, err := w.format.encode(struct {
		Op string `json:"op"`
	}{wire.OpDraining})
	if err != nil {
		w.end(w.broke(err))
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.draining = true
	w.queue(trimLine(payload), 0)
	w.room.Broadcast()
}
