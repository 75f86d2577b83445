package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/seed-b4c92e43/rollcall/api"
	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func TestSessionOps(t *testing.T) {
	for _, protocol := range []string{wire.SessionJSON, wire.SessionCBOR} {
		t.Run(protocol, func(t *testing.T) { testSessionOps(t, protocol) })
	}
}

func testSessionOps(t *testing.T, protocol string) {
	n, c := newServer(t)
	l := c.open(protocol)
	g := l.ask("register", object{"id": "web-1", "service": "web", "tags": []string{"v2"}, "meta": object{"zone": "a"}, "ttl_ms": 9000}).ok(t)
	epoch := g.number(t, "epoch")
	if g["ns"] != "default" || g["id"] != "web-1" || g["ttl_ms"] != 9000.0 || g["heartbeat_every_ms"] != 3000.0 || g["pending"] != 0.0 || g["replaced_epoch"] != nil {
		t.Errorf("grant %v", g)
	}
	b := l.ask("heartbeat", object{"id": "web-1", "epoch": epoch, "seq": 1, "rtt_ms": 1.5}).ok(t)
	if b["id"] != "web-1" || b["seq"] != 1.0 || b["duplicate"] != false || b["ttl_ms"] != 9000.0 || b["revision"] != float64(epoch) {
		t.Errorf("renewed %v", b)
	}
	if b := l.ask("heartbeat", object{"id": "web-1", "epoch": epoch, "seq": 1}).ok(t); b["duplicate"] != true {
		t.Errorf("renewed again %v", b)
	}
	l.ask("heartbeat", object{"id": "web-1", "epoch": epoch, "seq": 5, "ns": "default"}).ok(t)
	if p := l.ask("heartbeat", object{"id": "web-1", "epoch": epoch, "seq": 4}).refused(t, wire.CodeStaleSequence, ""); p["current_seq"] != 5.0 {
		t.Errorf("problem %v", p)
	}
	l.ask("heartbeat", object{"id": "web-1", "epoch": 99, "seq": 4}).refused(t, wire.CodeLeaseNotFound, "")
	many := l.ask("heartbeats", object{"beats": [][]uint64{{epoch, 6}, {epoch, 6}, {99, 1}}}).ok(t)
	if many["accepted"] != 1.0 || many["duplicates"] != 1.0 || len(many["rejected"].([]any)) != 1 {
		t.Errorf("batch %v", many)
	}
	if lease := l.ask("update", object{"id": "web-1", "epoch": epoch, "state": "draining"}).ok(t); lease["state"] != "draining" || lease["service"] != "web" {
		t.Errorf("lease %v", lease)
	}
	l.ask("register", object{"id": "web-1", "if_none_match": "*"}).refused(t, wire.CodeIDTaken, "")
	made := l.ask("register", object{"ns": "other", "idempotency_key": "k"}).ok(t)
	if again := l.ask("register", object{"ns": "other", "idempotency_key": "k"}).ok(t); again["id"] != made["id"] || again["epoch"] != made["epoch"] {
		t.Errorf("the key made %v, then %v", made, again)
	}

	sent := l.ask("send", object{"to": "web-1", "id": firstUUID, "from": "me", "body": object{"x": nil}}).ok(t)
	if sent["id"] != firstUUID || sent["offset"] != 1.0 || sent["state"] != "pending" || sent["duplicate"] != false {
		t.Errorf("sent %v", sent)
	}
	m := l.push("message")
	message := m["message"].(map[string]any)
	if m["to"] != "web-1" || m["ns"] != nil || message["id"] != firstUUID || message["offset"] != 1.0 || message["from"] != "me" ||
		fmt.Sprint(message["body"]) != "map[x:<nil>]" || message["attempts"] != 0.0 {
		t.Errorf("pushed %v", m)
	}
	nacked := l.ask("nack", object{"id": "web-1", "epoch": epoch, "ids": []string{firstUUID}, "attempt": 1, "reason": "later"}).ok(t)
	if nacked["nacked"] != 1.0 || nacked["pending"] != 1.0 {
		t.Errorf("nacked %v", nacked)
	}
	n.pass(time.Second)
	message = l.push("message")["message"].(map[string]any)
	if message["id"] != firstUUID || message["attempts"] != 1.0 || message["reason"] != "later" {
		t.Errorf("pushed again %v", message)
	}
	l.ask("ack", object{"id": "web-1", "epoch": 1_000_000, "up_to": 1}).refused(t, wire.CodeLeaseNotFound, "")
	if acked := l.ask("ack", object{"id": "web-1", "epoch": epoch, "up_to": 1}).ok(t); acked["acked"] != 1.0 || acked["pending"] != 0.0 {
		t.Errorf("acked %v", acked)
	}
	certificate := l.ask("leave", object{"id": "web-1", "epoch": epoch}).ok(t)
	if certificate["cause"] != "left" || certificate["last_seq"] != 6.0 {
		t.Errorf("left %v", certificate)
	}
	p := l.ask("heartbeat", object{"id": "web-1", "epoch": epoch, "seq": 7}).refused(t, wire.CodeLeaseEnded, "")
	if p["certificate"].(map[string]any)["cause"] != "left" {
		t.Errorf("problem %v", p)
	}
	if len(l.pushed) > 0 {
		t.Errorf("pushed %v", l.pushed)
	}
	other := l.ask("send", object{"ns": "other", "to": made["id"], "body_b64": "AAH/"}).ok(t)
	if m := l.push("message"); m["ns"] != "other" || m["message"].(map[string]any)["body_b64"] != "AAH/" || other["offset"] != 1.0 {
		t.Errorf("pushed %v", m)
	}
}

func TestSessionHandshake(t *testing.T) {
	n := newNode()
	c := serve(t, twoSessions(n))
	upgrade := []option{
		header("Connection", "Upgrade"), header("Upgrade", "websocket"), header("Sec-WebSocket-Version", "13"),
		header("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="), header("Sec-WebSocket-Protocol", wire.SessionJSON),
	}
	with := func(skip int, more ...option) *reply {
		options := append([]option{}, upgrade[:skip]...)
		return c.do("GET", "/v1/session", "", append(append(options, upgrade[skip+1:]...), more...)...)
	}
	c.do("GET", "/v1/session", "").invalid("Upgrade")
	c.do("HEAD", "/v1/session", "").is(400)
	c.do("POST", "/v1/session", "").refuses(wire.CodeMethodNotAllowed)
	c.do("GET", "/v1/session?ns=x", "", upgrade...).invalid("ns")
	with(0).invalid("Upgrade")
	with(1).invalid("Upgrade")
	with(2).invalid("Upgrade")
	with(2, header("Sec-WebSocket-Version", "8")).invalid("Upgrade")
	with(3, header("Sec-WebSocket-Key", "AAAA")).invalid("Sec-WebSocket-Key")
	with(4).invalid("Sec-WebSocket-Protocol")
	with(4, header("Sec-WebSocket-Protocol", "rollcall.v2.json")).invalid("Sec-WebSocket-Protocol")
	c.do("GET", "/v1/session", "", append(upgrade, header("Origin", "http://evil.example"))...).refuses(wire.CodeForbidden)
	first := c.session()
	second := c.session()
	c.do("GET", "/v1/session", "", upgrade...).refuses(wire.CodeOverloaded)
	first.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, "bye"), time.Now().Add(time.Second))
	first.closes(websocket.CloseNormalClosure)
	first.ws.Close()
	eventually(t, func() bool {
		_, resp, err := (&websocket.Dialer{Subprotocols: []string{wire.SessionJSON}}).Dial("ws"+strings.TrimPrefix(c.base, "http")+wire.PathSession, nil)
		return err == nil && resp.StatusCode == http.StatusSwitchingProtocols
	})
	second.register("a")
}

// TestBadFrames: what is wrong with one request is answered, and the session
// goes on.
func TestBadFrames(t *testing.T) {
	_, c := newServer(t)
	l := c.session()
	for _, test := range []struct {
		rid         any
		field, text string
	}{
		{nil, "rid", `{"op":"register"}`},
		{nil, "rid", `{"op":"heartbeat","id":"a","epoch":1,"seq":1}`},
		{nil, "rid", `{"op":"heartbeat","rid":null,"id":"a","epoch":1,"seq":1}`},
		{nil, "rid", `{"op":"register","rid":[1]}`},
		{nil, "rid", `{"op":"register","rid":true}`},
		{nil, "rid", `{"op":"register","rid":"` + strings.Repeat("r", 129) + `"}`},
		{nil, "rid", `{"op":"register","rid":1e999}`},
		{nil, "body", `[]`},
		{nil, "body", `7`},
		{nil, "x", `{"op":"register","rid":1,"x":1,"x":2}`},
		{"a\n", "op", `{"rid":"a\n"}`},
		{1.0, "op", `{"rid":1,"op":7}`},
		{1.5, "op", `{"rid":1.5,"op":"nonsense"}`},
		{-1.0, "op", `{"rid":-1,"op":"ok"}`},
		{0.0, "op", `{"rid":0,"op":"Register"}`},
		{1.0, "nonsense", `{"rid":1,"op":"register","nonsense":1}`},
		{1.0, "ttl_ms", `{"rid":1,"op":"register","ttl_ms":1}`},
		{1.0, "id", `{"rid":1,"op":"register","id":"a b"}`},
		{1.0, "ns", `{"rid":1,"op":"register","ns":"a b"}`},
		{1.0, "if_none_match", `{"rid":1,"op":"register","if_none_match":"x"}`},
		{1.0, "idempotency_key", `{"rid":1,"op":"register","idempotency_key":""}`},
		{1.0, "id", `{"rid":1,"op":"heartbeat","epoch":1,"seq":1}`},
		{1.0, "seq", `{"rid":1,"op":"heartbeat","id":"a","epoch":1,"seq":0}`},
		{1.0, "to", `{"rid":1,"op":"heartbeat","id":"a","epoch":1,"seq":1,"to":"b"}`},
		{1.0, "beats", `{"rid":1,"op":"heartbeats","beats":[[1]]}`},
		{1.0, "id", `{"rid":1,"op":"update","epoch":1}`},
		{1.0, "epoch", `{"rid":1,"op":"leave","id":"a"}`},
		{1.0, "evict", `{"rid":1,"op":"leave","id":"a","epoch":1,"evict":true}`},
		{1.0, "to", `{"rid":1,"op":"send","body":1}`},
		{1.0, "body", `{"rid":1,"op":"send","to":"a"}`},
		{1.0, "id", `{"rid":1,"op":"send","to":"a","body":1,"id":"x"}`},
		{1.0, "up_to", `{"rid":1,"op":"ack","id":"a"}`},
		{1.0, "ids", `{"rid":1,"op":"nack","id":"a"}`},
		{1.0, "tag", `{"rid":1,"op":"watch","tag":7}`},
		{1.0, "after", `{"rid":1,"op":"watch","after":-1}`},
		{1.0, "watch", `{"rid":1,"op":"unwatch"}`},
		{1.0, "watch", `{"rid":1,"op":"unwatch","watch":9}`},
	} {
		l.raw(websocket.TextMessage, test.text)
		answer := l.next().refused(t, wire.CodeInvalidRequest, test.field)
		if rid, there := answer["rid"]; !there || rid != test.rid {
			t.Errorf("%s is answered under %v", test.text, rid)
		}
	}
	l.raw(websocket.TextMessage, `{"rid":1,"op":"send","to":"a","body":"`+strings.Repeat("x", wire.MaxMessage)+`"}`)
	l.next().refused(t, wire.CodeTooLarge, "")
	l.register("a")
}

// TestFramesThatEndTheSession are those after which nobody knows what comes.
func TestFramesThatEndTheSession(t *testing.T) {
	_, c := newServer(t)
	for _, test := range []struct {
		name, protocol, data string
		kind, code           int
	}{
		{"not JSON", wire.SessionJSON, `{"op":`, websocket.TextMessage, websocket.CloseInvalidFramePayloadData},
		{"empty", wire.SessionJSON, ``, websocket.TextMessage, websocket.CloseInvalidFramePayloadData},
		{"not UTF-8", wire.SessionJSON, "\"\xff\"", websocket.TextMessage, websocket.CloseInvalidFramePayloadData},
		{"not CBOR", wire.SessionCBOR, "\xff", websocket.BinaryMessage, websocket.CloseInvalidFramePayloadData},
		{"binary JSON", wire.SessionJSON, `{"op":"register","rid":1}`, websocket.BinaryMessage, websocket.CloseUnsupportedData},
		{"text CBOR", wire.SessionCBOR, "\xa0", websocket.TextMessage, websocket.CloseUnsupportedData},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := c.open(test.protocol)
			l.raw(test.kind, test.data)
			if answer := l.next().refused(t, wire.CodeInvalidRequest, "frame"); answer["rid"] != nil {
				t.Errorf("answer %v", answer)
			}
			l.closes(test.code)
		})
	}
	l := c.session()
	l.raw(websocket.TextMessage, `{"op":"send","rid":1,"to":"a","body":"`+strings.Repeat("x", wire.MaxBody)+`"}`)
	l.closes(websocket.CloseMessageTooBig)
}

// TestLargeFrames: a frame may be what a request body may be, though it outweighs
// all that may be under way.
func TestLargeFrames(t *testing.T) {
	_, c := newServer(t)
	l := c.session()
	l.ask("send", object{"to": "a", "body": strings.Repeat("x", wire.MaxBody-100)}).refused(t, wire.CodeTooLarge, "")
	epoch := l.register("a")
	beats := make([][2]uint64, wire.MaxBeats)
	for i := range beats {
		beats[i] = [2]uint64{epoch, 1}
	}
	beats[0][0] = wire.Unknown
	answer := l.ask("heartbeats", object{"beats": beats}).ok(t)
	if answer["accepted"] != 1.0 || answer["duplicates"] != float64(wire.MaxBeats-2) {
		t.Errorf("answer %v", answer)
	}
}

// TestFragments: a request may come in many frames, with others between them.
func TestFragments(t *testing.T) {
	_, c := newServer(t)
	l := c.session()
	text := `{"op":"register","rid":"Ünïcode","id":"a"}`
	w, err := l.ws.NextWriter(websocket.TextMessage)
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(text) {
		if _, err := w.Write([]byte{text[i]}); err != nil {
			t.Fatal(err)
		}
		if i == 7 {
			l.ws.WriteControl(websocket.PingMessage, []byte("x"), time.Now().Add(time.Second))
		}
	}
	ponged := ""
	l.ws.SetPongHandler(func(data string) error { ponged = data; return nil })
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	l.answer("Ünïcode").ok(t)
	if ponged != "x" {
		t.Errorf("ponged %q", ponged)
	}
}

// TestPipelining: many requests are under way at once, and each is answered once.
func TestPipelining(t *testing.T) {
	n, c := newServer(t)
	l := c.session()
	epochs := map[string]uint64{}
	for i := range 20 {
		id := fmt.Sprint("id-", i)
		epochs[id] = l.register(id)
	}
	n.gate = make(chan struct{})
	const rounds = 40
	for seq := 1; seq <= rounds; seq++ {
		for id, epoch := range epochs {
			l.send(object{"op": "heartbeat", "rid": fmt.Sprint(id, "/", seq), "id": id, "epoch": epoch, "seq": seq})
		}
	}
	eventually(t, func() bool { return n.beats.Load() == 20*rounds })
	l.send(object{"op": "heartbeat", "rid": "id-0/1", "id": "id-0", "epoch": 1, "seq": 1})
	l.next().refused(t, wire.CodeInvalidRequest, "rid")
	if n.beats.Load() != 20*rounds {
		t.Error("a request under a rid in use had an effect")
	}
	close(n.gate)
	seen := map[any]bool{}
	for range 20 * rounds {
		answer := l.next()
		if seen[answer["rid"]] {
			t.Fatalf("answered again: %v", answer)
		}
		seen[answer["rid"]] = true
	}
	l.send(object{"op": "heartbeat", "rid": "id-0/1", "id": "id-0", "epoch": epochs["id-0"], "seq": rounds + 1})
	l.answer("id-0/1").ok(t)
}

// TestSessionKeepsTheOrder: what is sent without waiting is in the mailbox as it
// was sent, though a request in between is refused.
func TestSessionKeepsTheOrder(t *testing.T) {
	_, c := newServer(t)
	l := c.session()
	const all = 300
	for i := range all {
		frame := object{"op": "send", "rid": i, "to": "a", "body": i}
		if i%50 == 49 {
			delete(frame, "body")
		}
		l.send(frame)
	}
	for range all {
		answer := l.next()
		if i := answer.number(t, "rid"); i%50 == 49 {
			answer.refused(t, wire.CodeInvalidRequest, "body")
		} else if offset := answer.ok(t).number(t, "offset"); offset != i-i/50+1 {
			t.Errorf("message %d has offset %d", i, offset)
		}
	}
}

// TestBackPressure: a session reads no further while 1,024 requests are under
// way, and loses none.
func TestBackPressure(t *testing.T) {
	n, c := newServer(t)
	l := c.session()
	epoch := l.register("a")
	n.gate = make(chan struct{})
	const all = 3000
	sent := make(chan error, 1)
	go func() {
		for i := range all {
			frame := fmt.Sprintf(`{"op":"heartbeat","rid":%d,"id":"a","epoch":%d,"seq":%d}`, i, epoch, i+1)
			if err := l.ws.WriteMessage(websocket.TextMessage, []byte(frame)); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	eventually(t, func() bool { return n.beats.Load() == wire.MaxInFlight })
	<-time.After(50 * time.Millisecond)
	if got := n.beats.Load(); got != wire.MaxInFlight {
		t.Fatalf("%d requests are under way", got)
	}
	close(n.gate)
	seen := make([]bool, all)
	for range all {
		rid := int(l.next().number(t, "rid"))
		if seen[rid] {
			t.Fatalf("%d was answered again", rid)
		}
		seen[rid] = true
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
}

// twoSessions is a server with room for two sessions.
func twoSessions(n *node) api.Config { return api.Config{Node: n, Limits: api.Limits{Sessions: 2}} }
