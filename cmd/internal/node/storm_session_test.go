package node

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/gorilla/websocket"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// addressee holds a lease through sessions, on one node after another, and is
// pushed what it sends to itself by requests to others.
type addressee struct {
	*witness
	ws      *websocket.Conn // nil while there is none
	rid     int
	epoch   uint64
	seq     uint64
	sent    int
	waiting []string // acknowledged messages that were not acknowledged as read
	pushed  []string // on this session, neither
	last    uint64   // offset pushed last on this session
}

// frame is what of any server's frame matters here.
type frame struct {
	Op      string       `json:"op"`
	RID     int          `json:"rid"`
	Code    string       `json:"code"`
	Epoch   uint64       `json:"epoch"`
	Message wire.Message `json:"message"`
}

func (a *addressee) run(ctx context.Context) {
	for ctx.Err() == nil {
		if a.ws == nil && !a.open(a.hosts[a.rnd.IntN(len(a.hosts))]) {
			pass(100 * time.Millisecond)
			continue
		}
		a.send(ctx)
		if a.await(3*time.Second) && a.settle() {
			a.counts.pushed++
		} else {
			a.close()
		}
		pass(time.Duration(a.rnd.IntN(200)) * time.Millisecond)
	}
}

// open begins a session on a node and registers there.
func (a *addressee) open(host string) bool {
	dial := a.c.peers.Host("10.0.9.8")
	d := websocket.Dialer{
		Subprotocols: []string{wire.SessionJSON}, HandshakeTimeout: 2 * time.Second,
		NetDialContext: func(ctx context.Context, _, addr string) (net.Conn, error) { return dial.Dial(ctx, addr) },
	}
	ws, resp, err := d.Dial("ws://"+host+":7700/v1/session", nil)
	if resp != nil {
		resp.Body.Close()
	}
	if err != nil {
		return false
	}
	a.ws, a.pushed, a.last = ws, nil, 0
	got, ok := a.ask("register", map[string]any{"id": a.id, "service": "storm", "ttl_ms": 5000})
	if !ok {
		a.close()
		return false
	}
	a.epoch, a.seq = got.Epoch, 0
	return true
}

func (a *addressee) close() {
	if a.ws != nil {
		a.ws.Close()
	}
	a.ws = nil
}

// ask sends a request on the session and waits for its answer; false where the
// session is of no more use.
func (a *addressee) ask(op string, members map[string]any) (got frame, ok bool) {
	a.rid++
	members["op"], members["rid"] = op, a.rid
	if a.ws.WriteJSON(members) != nil {
		return frame{}, false
	}
	for {
		if got, ok = a.next(3 * time.Second); !ok || got.RID == a.rid {
			return got, ok && got.Op == wire.OpOK
		}
	}
}

// next reads a frame, and notes what was pushed: in order, and nothing twice.
func (a *addressee) next(within time.Duration) (got frame, ok bool) {
	_ = a.ws.SetReadDeadline(time.Now().Add(within))
	if a.ws.ReadJSON(&got) != nil {
		return frame{}, false
	}
	if got.Op == wire.OpMessage {
		if got.Message.Offset <= a.last {
			a.t.Errorf("offset %d was pushed after %d", got.Message.Offset, a.last)
		}
		a.last = got.Message.Offset
		a.pushed = append(a.pushed, got.Message.ID)
	}
	return got, true
}

// send sends a message by requests to any nodes.
func (a *addressee) send(ctx context.Context) {
	a.sent++
	id := fmt.Sprintf("aaaaaaaa-0000-4000-8000-%012x", a.sent)
	for ctx.Err() == nil {
		got, ok := a.witness.ask("POST", "/v1/mailboxes/"+a.id+"/messages", wire.NewMessage{ID: id, Body: []byte(`"x"`)})
		if ok && got.status/100 != 2 {
			a.t.Errorf("send: %d %s", got.status, got.body)
		}
		if ok {
			a.waiting = append(a.waiting, id)
			return
		}
	}
}

// await reads until all that waits was pushed.
func (a *addressee) await(within time.Duration) bool {
	for _, id := range a.waiting {
		for !slices.Contains(a.pushed, id) {
			if _, ok := a.next(within); !ok {
				return false
			}
		}
	}
	return true
}

// settle renews the lease and acknowledges what was pushed.
func (a *addressee) settle() bool {
	if _, ok := a.ask("heartbeat", map[string]any{"id": a.id, "epoch": a.epoch, "seq": a.seq + 1}); !ok {
		return false
	}
	a.seq++
	read := slices.Clone(a.pushed)
	if len(read) == 0 {
		return true
	}
	if _, ok := a.ask("ack", map[string]any{"id": a.id, "epoch": a.epoch, "ids": read}); !ok {
		return false
	}
	a.waiting = slices.DeleteFunc(a.waiting, func(id string) bool { return slices.Contains(read, id) })
	a.pushed = slices.DeleteFunc(a.pushed, func(id string) bool { return slices.Contains(read, id) })
	return true
}

// finish checks on every node that what waits is pushed, and then what comes.
func (a *addressee) finish(c *cluster) {
	for _, r := range c.nodes {
		a.close()
		if !a.open(r.host) {
			a.t.Errorf("no session on %s", r.name)
			continue
		}
		for range 5 {
			a.send(c.t.Context())
			if !a.await(2*time.Second) || !a.settle() {
				a.t.Errorf("%s pushed %v, want all of %v", r.name, a.pushed, a.waiting)
				break
			}
		}
	}
	a.close()
	var page wire.MessagesPage
	c.must(c.leader(), "GET", "/v1/mailboxes/"+a.id+"/messages?consistency=linearizable", nil, http.StatusOK).into(c.t, &page)
	if len(page.Messages) > 1 { // one that the storm's end left the fate of open, and which was not known of
		a.t.Errorf("%d messages are left: %+v", len(page.Messages), page.Messages)
	}
}
