package api_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/gorilla/websocket"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// line is the client's end of a session.
type line struct {
	t      testing.TB
	ws     *websocket.Conn
	cbor   bool
	rid    int
	pushed []object // that came while an answer was awaited
}

// object is a frame.
type object map[string]any

// open opens a session of a subprotocol.
func (c *client) open(protocol string) *line {
	c.t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{"nonsense", protocol}}
	ws, resp, err := dialer.Dial("ws"+strings.TrimPrefix(c.base, "http")+wire.PathSession, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	if resp.Header.Get(wire.HeaderNode) != "n1" || resp.Header.Get(wire.HeaderRequestID) == "" || ws.Subprotocol() != protocol {
		c.t.Errorf("upgraded with %v", resp.Header)
	}
	c.t.Cleanup(func() { ws.Close() })
	return &line{t: c.t, ws: ws, cbor: protocol == wire.SessionCBOR}
}

func (c *client) session() *line {
	c.t.Helper()
	return c.open(wire.SessionJSON)
}

// send sends a frame in the session's format.
func (l *line) send(frame object) {
	l.t.Helper()
	data, err := json.Marshal(frame)
	kind := websocket.TextMessage
	if l.cbor {
		data, err = cbor.Marshal(frame)
		kind = websocket.BinaryMessage
	}
	if err != nil {
		l.t.Fatal(err)
	}
	l.raw(kind, string(data))
}

func (l *line) raw(kind int, data string) {
	l.t.Helper()
	if err := l.ws.WriteMessage(kind, []byte(data)); err != nil {
		l.t.Fatal(err)
	}
}

// next returns the next frame.
func (l *line) next() object {
	l.t.Helper()
	l.ws.SetReadDeadline(time.Now().Add(20 * time.Second))
	kind, data, err := l.ws.ReadMessage()
	if err != nil {
		l.t.Fatal(err)
	}
	if (kind == websocket.BinaryMessage) != l.cbor {
		l.t.Errorf("a frame of type %d", kind)
	}
	if l.cbor {
		var v map[string]any
		if err := cbor.Unmarshal(data, &v); err != nil {
			l.t.Fatal(err)
		}
		if data, err = json.Marshal(stringKeys(v)); err != nil {
			l.t.Fatal(err)
		}
	}
	var frame object
	if err := json.Unmarshal(data, &frame); err != nil {
		l.t.Fatalf("%s: %v", data, err)
	}
	return frame
}

// ask sends a request and returns its answer; pushed frames are kept.
func (l *line) ask(op string, members object) object {
	l.t.Helper()
	l.rid++
	frame := object{"op": op, "rid": l.rid}
	for name, v := range members {
		frame[name] = v
	}
	l.send(frame)
	return l.answer(float64(l.rid))
}

// answer returns the answer to a request.
func (l *line) answer(rid any) object {
	l.t.Helper()
	for {
		frame := l.next()
		if op := frame["op"]; frame["rid"] == rid && (op == wire.OpOK || op == wire.OpError) {
			return frame
		}
		l.pushed = append(l.pushed, frame)
	}
}

// push returns the next pushed frame, which must be of that op.
func (l *line) push(op string) object {
	l.t.Helper()
	var frame object
	if len(l.pushed) > 0 {
		frame, l.pushed = l.pushed[0], l.pushed[1:]
	} else {
		frame = l.next()
	}
	if frame["op"] != op {
		l.t.Fatalf("pushed %v, want %s", frame, op)
	}
	return frame
}

// ok and refused check an answer.
func (o object) ok(t testing.TB) object {
	t.Helper()
	if o["op"] != wire.OpOK {
		t.Fatalf("answer %v", o)
	}
	return o
}

func (o object) refused(t testing.TB, code wire.Code, field string) object {
	t.Helper()
	got, _ := o["field"].(string)
	if o["op"] != wire.OpError || o["code"] != string(code) || got != field || o["status"] != float64(code.Status()) ||
		o["detail"] == "" || o["retryable"] != code.Retryable() {
		t.Fatalf("answer %v, want %s %s", o, code, field)
	}
	return o
}

func (o object) number(t testing.TB, name string) uint64 {
	t.Helper()
	n, ok := o[name].(float64)
	if !ok {
		t.Fatalf("%s is missing in %v", name, o)
	}
	return uint64(n)
}

// register grants a lease on a session and returns its epoch.
func (l *line) register(id string) uint64 {
	l.t.Helper()
	return l.ask(wire.OpRegister, object{"id": id}).ok(l.t).number(l.t, "epoch")
}

// closes checks that the server closes with a code, maybe after further frames.
func (l *line) closes(code int) {
	l.t.Helper()
	l.ws.SetReadDeadline(time.Now().Add(20 * time.Second))
	for {
		_, _, err := l.ws.ReadMessage()
		if websocket.IsCloseError(err, code) {
			return
		}
		if err != nil {
			l.t.Fatalf("closed with %v, want %d", err, code)
		}
	}
}

// eventually waits for what happens on other goroutines.
func eventually(t testing.TB, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); {
		if time.Now().After(end) {
			t.Fatal("it never came so far")
		}
		<-time.After(time.Millisecond)
	}
}
