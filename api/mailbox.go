package api

import (
	"context"
	"net/http"
	"net/url"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// sendMessage puts a message into a mailbox.
func (s *Server) sendMessage(ctx context.Context, r *request) (answer, error) {
	f, err := r.deepFields()
	if err != nil {
		return answer{}, err
	}
	sent, err := s.deliver(ctx, r.ns, r.param, f)
	if err != nil {
		return answer{}, err
	}
	if sent.Duplicate {
		return answer{status: http.StatusOK, body: sent}, nil
	}
	r.locate(sent.ID)
	return answer{status: http.StatusCreated, body: sent}, nil
}

// deepFields begins with a body that may have a message in it.
func (r *request) deepFields() (*fields, error) {
	v, err := decodeDeep(r.body, r.media)
	return fieldsOf(v), err
}

func (r *request) fields() (*fields, error) {
	v, err := decodeValue(r.body, r.media)
	return fieldsOf(v), err
}

// locate says where a message is found.
func (r *request) locate(message string) {
	r.header.Set("Location", wire.PathMailboxes+"/"+r.param+"/messages/"+message+"?"+url.Values{paramNS: {r.ns}}.Encode())
}

// deliver commits the message that f has.
func (s *Server) deliver(ctx context.Context, ns, to string, f *fields) (wire.Sent, error) {
	c := f.letter(s.limits.MaxMessage)
	if err := f.done(); err != nil {
		return wire.Sent{}, err
	}
	c.NS, c.ID = ns, to
	result, err := s.mail(ctx, &c, ns, to, 0)
	if err != nil {
		return wire.Sent{}, err
	}
	return showSent(&result), nil
}

// mail commits a command of a mailbox.
func (s *Server) mail(ctx context.Context, c registry.Command, ns, id string, epoch uint64) (registry.Result, error) {
	result, err := s.do(ctx, c)
	if err != nil {
		return result, err
	}
	return result, refused(&result, ns, id, epoch)
}

func showSent(result *registry.Result) wire.Sent {
	m := &result.Mail.Message
	return wire.Sent{
		ID:        showUUID(m.ID),
		Offset:    m.Offset,
		Duplicate: result.Code == registry.Duplicate,
		State:     m.State.String(),
		Revision:  result.Revision,
	}
}

// ackMessages ends messages that were dealt with.
func (s *Server) ackMessages(ctx context.Context, r *request) (answer, error) {
	f, err := r.fields()
	if err != nil {
		return answer{}, err
	}
	acked, err := s.acknowledge(ctx, r.ns, r.param, f)
	return answer{status: http.StatusOK, body: acked}, err
}

// acknowledge commits the acknowledgement that f has.
func (s *Server) acknowledge(ctx context.Context, ns, id string, f *fields) (wire.Acked, error) {
	c := f.acknowledgement()
	if err := f.done(); err != nil {
		return wire.Acked{}, err
	}
	c.NS, c.ID = ns, id
	result, err := s.mail(ctx, &c, ns, id, c.Epoch)
	if err != nil {
		return wire.Acked{}, err
	}
	return wire.Acked{Acked: result.Mail.Acked, Pending: result.Mail.Pending, Revision: result.Revision}, nil
}

// nackMessages gives messages back.
func (s *Server) nackMessages(ctx context.Context, r *request) (answer, error) {
	f, err := r.fields()
	if err != nil {
		return answer{}, err
	}
	nacked, err := s.giveBack(ctx, r.ns, r.param, f)
	return answer{status: http.StatusOK, body: nacked}, err
}

// giveBack commits the rejection that f has.
func (s *Server) giveBack(ctx context.Context, ns, id string, f *fields) (wire.Nacked, error) {
	c := f.rejection()
	if err := f.done(); err != nil {
		return wire.Nacked{}, err
	}
	c.NS, c.ID = ns, id
	result, err := s.mail(ctx, &c, ns, id, c.Epoch)
	if err != nil {
		return wire.Nacked{}, err
	}
	m := result.Mail
	return wire.Nacked{Nacked: m.Nacked, Dead: m.Dead, Pending: m.Pending, Revision: result.Revision}, nil
}

// requeueMessage puts a dead letter at the end of its mailbox.
func (s *Server) requeueMessage(ctx context.Context, r *request) (answer, error) {
	c := &registry.Requeue{NS: r.ns, ID: r.param, Message: r.message}
	result, err := s.mail(ctx, c, r.ns, r.param, 0)
	if err != nil {
		return answer{}, err
	}
	sent := showSent(&result)
	r.locate(sent.ID)
	return answer{status: http.StatusCreated, body: sent}, nil
}
