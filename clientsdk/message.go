package clientsdk

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// Message is what to send: a Body or Binary, at most 64 KiB.
type Message struct {
	// ID is a UUID, "" for one that is made. The same message again, for as long
	// as the mailbox remembers it (24 h after its end), has no second effect.
	ID     string
	From   string        // who sends it, as a remark for its reader; at most 128 bytes
	Body   any           // anything that encoding/json encodes
	Binary []byte        // instead of a Body, unless it is nil
	TTL    time.Duration // until it expires unread: 1 ms to 30 days, 0 for 24 h
}

// Wire returns the message as it travels, an id included. It fails where Body
// cannot be encoded, or both it and Binary are given.
func (m Message) Wire() (wire.NewMessage, error) {
	w := wire.NewMessage{ID: m.ID, From: m.From, TTLMS: wholeMS(m.TTL)}
	if w.ID == "" {
		w.ID = newUUID()
	}
	if m.Binary != nil {
		if m.Body != nil {
			return w, invalid("body", "a message has a body or bytes, not both")
		}
		w.BodyB64 = new(base64.StdEncoding.EncodeToString(m.Binary))
		return w, nil
	}
	body, err := json.Marshal(m.Body)
	if err != nil {
		return w, fmt.Errorf("encode message: %w", err)
	}
	w.Body = body
	return w, nil
}

// newUUID makes a random UUID (RFC 9562, version 4).
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Received is a message as its reader gets it.
type Received struct {
	To         string // the mailbox
	ID         string
	Offset     uint64 // from 1, in the order of sending
	From       string
	Body       json.RawMessage // nil where it is Binary
	Binary     []byte          // nil where it is a Body
	EnqueuedAt time.Time
	Attempts   int    // how often it was given back
	Reason     string // why, the last time
}

// Decode decodes the Body into out.
func (m *Received) Decode(out any) error {
	if m.Binary != nil {
		return fmt.Errorf("message %s is binary, not JSON", m.ID)
	}
	if err := json.Unmarshal(m.Body, out); err != nil {
		return fmt.Errorf("decode message %s: %w", m.ID, err)
	}
	return nil
}

func received(to string, m *wire.Message) (Received, error) {
	r := Received{
		To: to, ID: m.ID, Offset: m.Offset, From: m.From, Body: m.Body,
		EnqueuedAt: m.EnqueuedAt.Time(), Attempts: int(m.Attempts), Reason: m.Reason,
	}
	if m.BodyB64 == nil {
		return r, nil
	}
	var err error
	if r.Binary, err = base64.StdEncoding.DecodeString(*m.BodyB64); err != nil {
		return r, fmt.Errorf("decode message %s: %w", m.ID, err)
	}
	return r, nil
}
