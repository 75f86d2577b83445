package clientsdk

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func mailboxPath(id string) string { return wire.PathMailboxes + "/" + url.PathEscape(id) }

// Send puts a message into the mailbox of an id, which need not be alive, nor
// ever have been. It returns when a majority has it on disk. The id that makes
// all tries one is chosen before the first: an answer that was lost comes
// again, as a Duplicate. Where Send fails the message may still have arrived;
// sent again with the same Message.ID it arrives once.
func (c *Client) Send(ctx context.Context, to string, m Message) (*wire.Sent, error) {
	if to == "" {
		return nil, errNoID
	}
	body, err := m.Wire()
	if err != nil {
		return nil, err
	}
	k := call{method: http.MethodPost, path: mailboxPath(to) + "/messages", repeat: true, op: wire.OpSend, about: to}
	return fetch[wire.Sent](ctx, c, k, body)
}

// MessagesQuery says which messages of a mailbox to read.
type MessagesQuery struct {
	After uint64        // those behind this offset, and those before it that are due again
	Limit int           // messages, at most 1000; 0: 100
	Wait  time.Duration // how long to wait for the first, at most 5 minutes; 0: not
}

func (q MessagesQuery) values() url.Values {
	v := url.Values{"after": {strconv.FormatUint(q.After, 10)}}
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	if q.Wait > 0 {
		v.Set(paramWait, strconv.FormatInt(q.Wait.Milliseconds(), 10))
	}
	return v
}

// Messages reads pending messages in offset order. Reading removes none; [Client.Ack]
// does. A holder has [Client.Inbox], which does all of it.
func (c *Client) Messages(ctx context.Context, id string, q MessagesQuery, how ...ReadOption) (*wire.MessagesPage, error) {
	if id == "" {
		return nil, errNoID
	}
	return read[wire.MessagesPage](ctx, c, mailboxPath(id)+"/messages", q.values(), how)
}

// Ack ends messages: they are done. Again it is the same.
func (c *Client) Ack(ctx context.Context, id string, ack wire.Ack) (*wire.Acked, error) {
	if id == "" {
		return nil, errNoID
	}
	k := call{method: http.MethodPost, path: mailboxPath(id) + "/ack", repeat: true, op: wire.OpAck, about: id}
	return fetch[wire.Acked](ctx, c, k, ack)
}

// Nack gives messages back: each comes again after a while that doubles, and
// after too many of them (5 unless the cluster is told otherwise) becomes a
// dead letter. With Attempt it is the same again, and so tried again.
func (c *Client) Nack(ctx context.Context, id string, nack wire.Nack) (*wire.Nacked, error) {
	if id == "" {
		return nil, errNoID
	}
	k := call{method: http.MethodPost, path: mailboxPath(id) + "/nack", repeat: nack.Attempt > 0, op: wire.OpNack, about: id}
	return fetch[wire.Nacked](ctx, c, k, nack)
}

// Mailbox counts what is in the mailbox of an id.
func (c *Client) Mailbox(ctx context.Context, id string, how ...ReadOption) (*wire.Mailbox, error) {
	if id == "" {
		return nil, errNoID
	}
	return read[wire.Mailbox](ctx, c, mailboxPath(id), url.Values{}, how)
}

// MessageState says what has become of a message, while it or its tombstone
// is kept.
func (c *Client) MessageState(ctx context.Context, id, message string, how ...ReadOption) (*wire.MessageStatus, error) {
	if id == "" || message == "" {
		return nil, errNoID
	}
	return read[wire.MessageStatus](ctx, c, mailboxPath(id)+"/messages/"+url.PathEscape(message), url.Values{}, how)
}

// DeadLetters runs through the messages that were given back too often, in
// offset order. It ends with the first error.
func (c *Client) DeadLetters(ctx context.Context, id string, how ...ReadOption) iter.Seq2[wire.Message, error] {
	return pages("", func(cursor string) ([]wire.Message, string, error) {
		if id == "" {
			return nil, "", errNoID
		}
		query := url.Values{"limit": {strconv.Itoa(wire.DefaultLimit)}}
		if cursor != "" {
			query.Set("cursor", cursor)
		}
		page, err := read[wire.DeadPage](ctx, c, mailboxPath(id)+"/dead", query, how)
		if err != nil {
			return nil, "", err
		}
		return page.Messages, page.NextCursor, nil
	})
}

// Requeue puts a dead letter at the end of its mailbox, as if it was new.
func (c *Client) Requeue(ctx context.Context, id, message string) (*wire.Sent, error) {
	if id == "" || message == "" {
		return nil, errNoID
	}
	k := call{method: http.MethodPost, path: mailboxPath(id) + "/dead/" + url.PathEscape(message) + "/requeue"}
	return fetch[wire.Sent](ctx, c, k, nil)
}
