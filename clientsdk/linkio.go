package clientsdk

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/gorilla/websocket"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// write sends what is asked, what waits together in one write, until the link
// is broken.
func (l *link) write() {
	for {
		select {
		case frame := <-l.out:
			if err := l.send(frame); err != nil {
				l.fail(fmt.Errorf("%w: %w", errLinkBroken, err))
				return
			}
		case <-l.broken:
			return
		}
	}
}

func (l *link) send(frame []byte) error {
	l.conn.hold()
	for {
		_ = l.ws.SetWriteDeadline(time.Now().Add(writeTimeout))
		if err := l.ws.WriteMessage(websocket.TextMessage, frame); err != nil {
			return err
		}
		if l.conn.size() >= gatherMost {
			return l.conn.release()
		}
		select {
		case frame = <-l.out:
		default:
			return l.conn.release()
		}
	}
}

// read takes what comes until the link is broken. Every frame, pings among
// them, is a sign of life.
func (l *link) read(pushed func(op string, frame []byte)) {
	l.ws.SetPingHandler(func(data string) error {
		l.extend()
		_ = l.ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(writeTimeout))
		return nil
	})
	for {
		l.extend()
		_, frame, err := l.ws.ReadMessage()
		if err == nil {
			err = l.take(frame, pushed)
		}
		if err != nil {
			l.fail(fmt.Errorf("%w: %w", errLinkBroken, err))
			return
		}
	}
}

func (l *link) extend() { _ = l.ws.SetReadDeadline(time.Now().Add(linkSilence)) }

// take hands a frame to whom it is for. One that is for nobody any more, or of
// an op that is not known, is left out.
func (l *link) take(frame []byte, pushed func(op string, frame []byte)) error {
	var head answered
	if err := json.Unmarshal(frame, &head); err != nil {
		return fmt.Errorf("not a frame of rollcall's: %w", err)
	}
	switch head.Op {
	case wire.OpDraining:
		l.leave()
	case wire.OpOK, wire.OpError:
		if head.RID == nil {
			return fmt.Errorf("a frame was refused: %w", problemIn(l.end, frame))
		}
		l.answer(*head.RID, linkAnswer{head.Op, frame})
	default:
		pushed(head.Op, frame)
	}
	return nil
}

func (l *link) answer(rid uint64, a linkAnswer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if wait := l.waits[rid]; wait != nil {
		delete(l.waits, rid)
		wait <- a
	}
}
