package api

import (
	"github.com/fxamacker/cbor/v2"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// mailPage and deadPage are answers whose CBOR has the CBOR of bodies that are
// JSON.
type (
	mailPage wire.MessagesPage
	deadPage wire.DeadPage
)

// cborMessage is a wire.Message in CBOR.
type cborMessage struct {
	ID         string          `json:"id"`
	Offset     uint64          `json:"offset"`
	From       string          `json:"from"`
	Body       cbor.RawMessage `json:"body,omitempty"`
	BodyB64    *string         `json:"body_b64,omitempty"`
	EnqueuedAt wire.Time       `json:"enqueued_at"`
	Attempts   uint32          `json:"attempts"`
	Reason     string          `json:"reason,omitempty"`
}

func messageInCBOR(m *wire.Message) (cborMessage, error) {
	c := cborMessage{
		ID: m.ID, Offset: m.Offset, From: m.From, BodyB64: m.BodyB64,
		EnqueuedAt: m.EnqueuedAt, Attempts: m.Attempts, Reason: m.Reason,
	}
	if m.Body == nil {
		return c, nil
	}
	var err error
	c.Body, err = cborOfJSON(m.Body)
	return c, err
}

func messagesInCBOR(messages []wire.Message) (all []cborMessage, err error) {
	all = make([]cborMessage, len(messages))
	for i := range messages {
		if all[i], err = messageInCBOR(&messages[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (p mailPage) inCBOR() (any, error) {
	messages, err := messagesInCBOR(p.Messages)
	return struct {
		Messages []cborMessage `json:"messages"`
		Next     uint64        `json:"next"`
		Gap      *wire.Gap     `json:"gap"`
	}{messages, p.Next, p.Gap}, err
}

func (p deadPage) inCBOR() (any, error) {
	messages, err := messagesInCBOR(p.Messages)
	return struct {
		Messages   []cborMessage `json:"messages"`
		NextCursor string        `json:"next_cursor,omitempty"`
	}{messages, p.NextCursor}, err
}

// pushedMessage is a wire.PushedMessage in either format.
type pushedMessage wire.PushedMessage

func (p pushedMessage) inCBOR() (any, error) {
	message, err := messageInCBOR(&p.Message)
	return struct {
		Op      string      `json:"op"`
		NS      string      `json:"ns,omitempty"`
		To      string      `json:"to"`
		Message cborMessage `json:"message"`
	}{p.Op, p.NS, p.To, message}, err
}
