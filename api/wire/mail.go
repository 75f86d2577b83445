package wire

import "encoding/json"

// NewMessage is the body of POST /v1/mailboxes/{id}/messages.
type NewMessage struct {
	ID      string          `json:"id,omitempty"` // a UUID; made where it is left out
	From    string          `json:"from,omitempty"`
	Body    json.RawMessage `json:"body,omitempty"`     // any JSON
	BodyB64 *string         `json:"body_b64,omitempty"` // or any bytes
	TTLMS   int64           `json:"ttl_ms,omitempty"`   // 1 ms to 30 days; left out it is 24 h
}

// Sent is the answer to a message that was sent or requeued.
type Sent struct {
	ID        string `json:"id"`
	Offset    uint64 `json:"offset"`
	Duplicate bool   `json:"duplicate"`
	State     string `json:"state"`
	Revision  uint64 `json:"revision"`
}

// Message is a message as its reader gets it.
type Message struct {
	ID         string          `json:"id"`
	Offset     uint64          `json:"offset"`
	From       string          `json:"from"`
	Body       json.RawMessage `json:"body,omitempty"`
	BodyB64    *string         `json:"body_b64,omitempty"`
	EnqueuedAt Time            `json:"enqueued_at"`
	Attempts   uint32          `json:"attempts"`         // nacks
	Reason     string          `json:"reason,omitempty"` // of the last nack
}

// MessagesPage is the answer of GET /v1/mailboxes/{id}/messages.
type MessagesPage struct {
	Messages []Message `json:"messages"`
	Next     uint64    `json:"next"`
	Gap      *Gap      `json:"gap"` // null where nothing was dropped
}

// Gap says which offsets were dropped, both included, and why.
type Gap struct {
	From  uint64 `json:"from"`
	To    uint64 `json:"to"`
	Cause string `json:"cause"` // "expired"
}

// Ack is the body of POST /v1/mailboxes/{id}/ack: UpTo or IDs.
type Ack struct {
	Epoch uint64   `json:"epoch,omitempty"`
	UpTo  uint64   `json:"up_to,omitempty"`
	IDs   []string `json:"ids,omitempty"`
}

// Acked is the answer to an Ack.
type Acked struct {
	Acked    int    `json:"acked"` // newly
	Pending  int    `json:"pending"`
	Revision uint64 `json:"revision"`
}

// Nack is the body of POST /v1/mailboxes/{id}/nack.
type Nack struct {
	Epoch   uint64   `json:"epoch,omitempty"`
	IDs     []string `json:"ids"`
	Attempt uint32   `json:"attempt,omitempty"`
	Reason  string   `json:"reason,omitempty"`
}

// Nacked is the answer to a Nack.
type Nacked struct {
	Nacked   int    `json:"nacked"`
	Dead     int    `json:"dead"` // of these
	Pending  int    `json:"pending"`
	Revision uint64 `json:"revision"`
}

// DeadPage is one page of GET /v1/mailboxes/{id}/dead.
type DeadPage struct {
	Messages   []Message `json:"messages"`
	NextCursor string    `json:"next_cursor,omitempty"`
}

// Mailbox is the answer of GET /v1/mailboxes/{id}.
type Mailbox struct {
	NS          string `json:"ns"`
	ID          string `json:"id"`
	Pending     int    `json:"pending"`
	Dead        int    `json:"dead"`
	Bytes       uint64 `json:"bytes"`         // of the pending
	OldestAgeMS uint64 `json:"oldest_age_ms"` // of the pending; 0 where there is none
	LastOffset  uint64 `json:"last_offset"`
}

// MessageStatus is the answer of GET /v1/mailboxes/{id}/messages/{msg}.
type MessageStatus struct {
	ID       string `json:"id"`
	Offset   uint64 `json:"offset"`
	State    string `json:"state"` // pending, acked, dead, expired
	Attempts uint32 `json:"attempts"`
}
