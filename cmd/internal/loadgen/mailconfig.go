package loadgen

import (
	"errors"
	"fmt"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// Phases of a run of mail, in order.
const (
	PhaseSend = "send"
	PhaseRead = "read"
)

// MailConfig says how much mail to send and to read. Zero values take the
// defaults that stand beside the fields.
type MailConfig struct {
	Target
	Senders   int           // connections that send, each its next message when the one before was answered; 16
	Mailboxes int           // to send to in turn, each with a reader of its own; 64
	Messages  int           // in all; 10,000. A mailbox holds 10,000
	Body      int           // bytes of a body; 256
	Page      int           // messages that are read, and acknowledged, at once; 100
	Patience  time.Duration // how long a message is tried, and a reader waits for one that is missing; 10 s

	// Together reads while sending, so that the latency of delivery is that of
	// live mail; else all is sent before anything is read.
	Together bool
}

// MailResult is what a run of mail measured. As JSON it is the object of
// `bench mail -o json`.
type MailResult struct {
	Mode    string  `json:"mode"`
	Seconds float64 `json:"seconds"` // of sending and reading

	Sent      int64   `json:"sent"` // acknowledged
	SentPerS  float64 `json:"sent_per_s"`
	SendMS    Latency `json:"send_ms"`   // until it was acknowledged
	Unsettled int64   `json:"unsettled"` // given up: refused, or without an answer for too long

	Delivered     int64   `json:"delivered"` // read for the first time
	DeliveredPerS float64 `json:"delivered_per_s"`
	Acked         int64   `json:"acked"`
	ReadMS        Latency `json:"read_ms"`     // of a page with messages; Together: with the wait for them
	AckMS         Latency `json:"ack_ms"`      // of its acknowledgement
	DeliveryMS    Latency `json:"delivery_ms"` // from sending a message to having read it

	Errors     int64            `json:"errors"` // requests that were refused or not answered
	ErrorCodes map[string]int64 `json:"error_codes"`
	Findings

	Usage // of sending and reading; a request is a message

	Senders     int      `json:"senders"`
	Mailboxes   int      `json:"mailboxes"`
	BodyBytes   int      `json:"body_bytes"`
	Together    bool     `json:"together"`
	Endpoints   []string `json:"endpoints"`
	Interrupted bool     `json:"interrupted"`
}

// MailDefaults returns the configuration that a zero one becomes.
func MailDefaults() MailConfig { return MailConfig{}.withDefaults() }

func (c MailConfig) withDefaults() MailConfig {
	c.Target = c.Target.withDefaults()
	orElse(&c.Senders, 16)
	orElse(&c.Mailboxes, 64)
	orElse(&c.Messages, 10_000)
	orElse(&c.Body, 256)
	orElse(&c.Page, wire.DefaultLimit)
	orElse(&c.Patience, 10*time.Second)
	return c
}

func (c MailConfig) validate() error {
	return errors.Join(
		c.Target.validate(),
		check(c.Senders >= 1 && c.Senders <= 10_000, "senders %d: want 1 to 10,000", c.Senders),
		check(c.Mailboxes >= 1 && c.Mailboxes <= 10_000, "mailboxes %d: want 1 to 10,000", c.Mailboxes),
		check(c.Messages >= 1 && c.Messages <= 1_000_000, "messages %d: want 1 to 1,000,000", c.Messages),
		check(c.Body >= 2 && c.Body <= wire.MaxMessage, "body %d: want 2 to %d bytes", c.Body, wire.MaxMessage),
		check(c.Page >= 1 && c.Page <= wire.MaxLimit, "page %d: want 1 to %d", c.Page, wire.MaxLimit),
		check(c.Patience > 0, "patience %v: want more than 0", c.Patience),
	)
}

// Failed returns an error when a message was lost, altered, dropped or came
// otherwise than once and in order, or none was sent.
func (r *MailResult) Failed() error {
	switch {
	case r.Findings != Findings{}:
		return fmt.Errorf("%d messages lost, %d twice, %d altered, %d that nobody sent, %d out of order, %d dropped",
			r.Lost, r.Twice, r.Altered, r.Strange, r.Unsorted, r.Gaps)
	case r.Sent == 0 && !r.Interrupted:
		return fmt.Errorf("nothing was sent; errors by code: %v", r.ErrorCodes)
	}
	return nil
}
