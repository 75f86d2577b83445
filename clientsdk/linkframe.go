package clientsdk

import (
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// heading is what a request's frame says beside its body.
type heading struct {
	Op     string `json:"op"`
	RID    uint64 `json:"rid"`
	NS     string `json:"ns,omitempty"`
	ID     string `json:"id,omitempty"`
	To     string `json:"to,omitempty"`
	Key    string `json:"idempotency_key,omitempty"`
	IfNone string `json:"if_none_match,omitempty"`
}

// frameOf is a call as it travels on a session.
func (c *Client) frameOf(k call, rid uint64) []byte {
	h := heading{
		Op: k.op, RID: rid, NS: c.config.Namespace, ID: k.about,
		Key: k.header.Get(headerKey), IfNone: k.header.Get(headerIfNone),
	}
	if k.op == wire.OpSend { // whose id is the message's
		h.ID, h.To = "", k.about
	}
	frame, _ := json.Marshal(h) // never fails
	body := k.body
	if k.fields != nil {
		body = k.fields
	}
	if len(body) > len("{}") {
		frame = append(frame[:len(frame)-1], ',')
		frame = append(frame, body[1:]...)
	}
	return frame
}

// answered is what every frame of the server's may say about itself.
type answered struct {
	Op  string  `json:"op"`
	RID *uint64 `json:"rid"` // null where the frame that it answers had none
}

// problemIn reads the answer "error".
func problemIn(end *url.URL, frame []byte) error {
	var p wire.Problem
	if err := json.Unmarshal(frame, &p); err != nil || p.Code == "" {
		return &NoAnswerError{Endpoint: end.Host, Err: fmt.Errorf("not an answer of rollcall's: %.100q", frame)}
	}
	return &p
}
