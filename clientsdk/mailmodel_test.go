package clientsdk

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// The cluster's mailboxes, by the contract's section 5.

const modelAttempts = 5

type modelMailbox struct {
	messages []*modelMessage
	gap      *wire.Gap
}

type modelMessage struct {
	wire.Message
	state string
	due   time.Time // of one that was given back
}

// answer serves a request; one for messages may wait for them.
func (c *cluster) answer(node string, req *http.Request, body []byte) (answer, error) {
	rest, mail := strings.CutPrefix(req.URL.Path, wire.PathMailboxes+"/")
	if !mail {
		return c.serve(node, req, body), nil
	}
	wait, _ := strconv.Atoi(req.URL.Query().Get("wait_ms"))
	until := time.Now().Add(time.Duration(wait) * time.Millisecond)
	for {
		a, again, changed := c.serveMail(node, rest, req, body)
		left := min(time.Until(until), again)
		if page, ok := a.body.(wire.MessagesPage); !ok || len(page.Messages) > 0 || page.Gap != nil || left <= 0 {
			return a, nil
		}
		timer := time.NewTimer(left)
		select {
		case <-changed:
		case <-timer.C:
		case <-req.Context().Done():
			timer.Stop()
			return answer{}, req.Context().Err()
		}
		timer.Stop()
	}
}

// serveMail answers, and says when the answer may be another: in again, or
// when changed is closed.
func (c *cluster) serveMail(node, rest string, req *http.Request, body []byte) (a answer, again time.Duration, changed chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.nodes[node]
	if len(n.script) > 0 {
		a, n.script = n.script[0], n.script[1:]
		return a, 0, nil
	}
	if n.noLeader && req.Method != http.MethodGet {
		return problem(503, wire.CodeNoLeader), 0, nil
	}
	c.bury()
	id, op, _ := strings.Cut(rest, "/")
	box := c.mail[id]
	if box == nil {
		box = &modelMailbox{}
		c.mail[id] = box
	}
	if req.Method == http.MethodGet {
		a, again = c.readMail(box, id, op, req)
		return a, again, c.sent
	}
	a = c.writeMail(box, id, op, body)
	close(c.sent)
	c.sent = make(chan struct{})
	return a, 0, nil
}

func (c *cluster) readMail(box *modelMailbox, id, op string, req *http.Request) (answer, time.Duration) {
	what, message, _ := strings.Cut(op, "/")
	switch {
	case op == "":
		return answer{200, wire.Mailbox{ID: id, Pending: len(box.in("pending")), Dead: len(box.in("dead")), LastOffset: uint64(len(box.messages))}}, 0
	case what == "dead":
		return answer{200, box.deadPage(req.URL.Query().Get("cursor"))}, 0
	case message != "":
		m := box.find(message)
		if m == nil {
			return problem(404, wire.CodeMessageNotFound), 0
		}
		return answer{200, wire.MessageStatus{ID: m.ID, Offset: m.Offset, State: m.state, Attempts: m.Attempts}}, 0
	}
	return box.page(req)
}

func (box *modelMailbox) page(req *http.Request) (answer, time.Duration) {
	after, _ := strconv.ParseUint(req.URL.Query().Get("after"), 10, 64)
	limit, _ := strconv.Atoi(req.URL.Query().Get("limit"))
	page := wire.MessagesPage{Messages: []wire.Message{}, Next: after}
	if box.gap != nil && box.gap.To > after {
		page.Gap = box.gap
	}
	again := time.Hour
	for _, m := range box.in("pending") {
		due := time.Until(m.due)
		switch {
		case len(page.Messages) == limit:
		case m.Attempts > 0 && due > 0:
			again = min(again, due)
		case m.Offset > after || m.Attempts > 0:
			page.Messages = append(page.Messages, m.Message)
			page.Next = max(page.Next, m.Offset)
		}
	}
	return answer{200, page}, again
}

// deadPage pages one by one; the cursor is the last offset.
func (box *modelMailbox) deadPage(cursor string) wire.DeadPage {
	after, _ := strconv.ParseUint(cursor, 10, 64)
	page := wire.DeadPage{Messages: []wire.Message{}}
	for _, m := range box.in("dead") {
		switch {
		case m.Offset <= after:
		case len(page.Messages) == 0:
			page.Messages = append(page.Messages, m.Message)
		default:
			page.NextCursor = strconv.FormatUint(page.Messages[0].Offset, 10)
		}
	}
	return page
}

func (c *cluster) writeMail(box *modelMailbox, id, op string, body []byte) answer {
	switch parts := strings.Split(op, "/"); {
	case op == "messages":
		return c.post(box, body)
	case parts[0] == "dead":
		return c.requeue(box, parts[1])
	}
	var ask struct {
		wire.Nack
		UpTo uint64 `json:"up_to"`
	}
	if err := json.Unmarshal(body, &ask); err != nil {
		return problem(400, wire.CodeInvalidRequest)
	}
	if l := c.leases[id]; ask.Epoch != 0 && (l == nil || !l.live || l.epoch != ask.Epoch) {
		return c.over(id, ask.Epoch)
	}
	if op == "nack" {
		return c.nack(box, ask.Nack)
	}
	var acked wire.Acked
	for _, m := range box.in("pending") {
		if m.Offset <= ask.UpTo || slices.Contains(ask.IDs, m.ID) {
			m.state = "acked"
			acked.Acked++
			c.revision++
		}
	}
	acked.Pending, acked.Revision = len(box.in("pending")), c.revision
	return answer{200, acked}
}

func (c *cluster) post(box *modelMailbox, body []byte) answer {
	var n wire.NewMessage
	if err := json.Unmarshal(body, &n); err != nil || (n.Body == nil) == (n.BodyB64 == nil) {
		return problem(400, wire.CodeInvalidRequest)
	}
	if m := box.find(n.ID); m != nil {
		return answer{200, wire.Sent{ID: m.ID, Offset: m.Offset, Duplicate: true, State: m.state, Revision: c.revision}}
	}
	c.revision++
	m := &modelMessage{state: "pending", Message: wire.Message{
		ID: n.ID, Offset: uint64(len(box.messages) + 1), From: n.From, Body: n.Body, BodyB64: n.BodyB64,
		EnqueuedAt: wire.Time(time.Now().UnixMilli()),
	}}
	box.messages = append(box.messages, m)
	return answer{201, wire.Sent{ID: m.ID, Offset: m.Offset, State: m.state, Revision: c.revision}}
}

func (c *cluster) nack(box *modelMailbox, ask wire.Nack) answer {
	var nacked wire.Nacked
	for _, m := range box.in("pending") {
		if !slices.Contains(ask.IDs, m.ID) || ask.Attempt != 0 && ask.Attempt != m.Attempts+1 {
			continue
		}
		c.revision++
		m.Attempts++
		m.Reason = ask.Reason
		m.due = time.Now().Add(min(200*time.Millisecond<<(m.Attempts-1), 30*time.Second))
		nacked.Nacked++
		if m.Attempts == modelAttempts {
			m.state = "dead"
			nacked.Dead++
		}
	}
	nacked.Pending, nacked.Revision = len(box.in("pending")), c.revision
	return answer{200, nacked}
}

func (c *cluster) requeue(box *modelMailbox, message string) answer {
	m := box.find(message)
	if m == nil || m.state != "dead" {
		return problem(404, wire.CodeMessageNotFound)
	}
	c.revision++
	m.state = "requeued"
	again := &modelMessage{state: "pending", Message: m.Message}
	again.Offset, again.Attempts = uint64(len(box.messages)+1), 0
	box.messages = append(box.messages, again)
	return answer{201, wire.Sent{ID: m.ID, Offset: again.Offset, State: "pending", Revision: c.revision}}
}

func (box *modelMailbox) in(state string) []*modelMessage {
	return slices.DeleteFunc(slices.Clone(box.messages), func(m *modelMessage) bool { return m.state != state })
}

func (box *modelMailbox) find(id string) *modelMessage {
	for _, m := range box.messages {
		if m.ID == id && m.state != "requeued" {
			return m
		}
	}
	return nil
}

// state says where the messages of a mailbox stand, in offset order.
func (c *cluster) states(id string) (states []string) {
	c.with(func(c *cluster) {
		for _, m := range c.mail[id].messages {
			states = append(states, m.state)
		}
	})
	return states
}
