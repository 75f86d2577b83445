package api

import (
	"fmt"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// refusal is what the state machine said against a command or a beat, in the
// words of both.
type refusal struct {
	code        registry.Code
	ns, id      string
	epoch       uint64 // that was named, 0 where none was
	current     uint64 // the epoch that lives, or the seq last accepted
	certificate *registry.Certificate
	holder      *registry.Lease
	remainingMS int64 // of the holder
}

// refused returns the refusal of a command, or nil.
func refused(result *registry.Result, ns, id string, epoch uint64) error {
	if result.Code == registry.OK || result.Code == registry.Duplicate {
		return nil
	}
	r := refusal{
		code: result.Code, ns: ns, id: id, epoch: epoch, current: result.CurrentEpoch,
		certificate: result.Certificate, holder: result.Lease, remainingMS: result.RemainingMS,
	}
	return r.problem()
}

func (r *refusal) problem() error {
	switch r.code {
	case registry.NotFound:
		return wire.NewProblem(wire.CodeLeaseNotFound, fmt.Sprintf("no lease of %q is known in namespace %q", r.id, r.ns))
	case registry.Superseded:
		return r.superseded()
	case registry.StaleSequence:
		p := wire.NewProblem(wire.CodeStaleSequence, fmt.Sprintf("seq %d was accepted already; go on with a higher one", r.current))
		p.CurrentSeq = &r.current
		return p
	case registry.Ended:
		return r.ended()
	case registry.Taken:
		return r.taken()
	case registry.Jump:
		return invalid("seq", "seq is more than %d ahead of the last one accepted, %d", registry.MaxJump, r.current)
	case registry.NoMessage:
		return noMessage(r.ns, r.id)
	case registry.MailboxFull:
		return wire.NewProblem(wire.CodeMailboxFull, fmt.Sprintf("the mailbox of %q in namespace %q, or this cluster's room for messages, is full", r.id, r.ns))
	case registry.BeyondEnd:
		return invalid("up_to", "up_to: no message of that offset was sent to %q yet", r.id)
	}
	return fmt.Errorf("a client's request was refused with code %d", r.code)
}

// superseded tells of an epoch that was taken over: the one that was named, or
// the one that an Idempotency-Key was given.
func (r *refusal) superseded() error {
	old := "the epoch of that " + headerIdempotencyKey
	if r.epoch != 0 {
		old = fmt.Sprintf("epoch %d", r.epoch)
	}
	p := wire.NewProblem(wire.CodeSuperseded, fmt.Sprintf("%s of %q is over: epoch %d holds it", old, r.id, r.current))
	p.CurrentEpoch = r.current
	return p
}

// ended tells of a lease that ended; one whose certificate is no longer kept
// is simply not known.
func (r *refusal) ended() error {
	if r.certificate == nil {
		return (&refusal{code: registry.NotFound, ns: r.ns, id: r.id}).problem()
	}
	c := showCertificate(r.certificate)
	p := wire.NewProblem(wire.CodeLeaseEnded, fmt.Sprintf("epoch %d of %q ended: %s", c.Epoch, c.ID, c.Cause))
	p.Certificate = c
	return p
}

func (r *refusal) taken() error {
	if r.holder == nil {
		return fmt.Errorf("%q is taken, but the holder is not told", r.id)
	}
	p := wire.NewProblem(wire.CodeIDTaken, fmt.Sprintf("%q is alive under epoch %d", r.id, r.holder.Epoch))
	p.Holder = &wire.Holder{Epoch: r.holder.Epoch, ExpiresInMS: max(0, r.remainingMS)}
	return p
}

func noMessage(ns, id string) error {
	return wire.NewProblem(wire.CodeMessageNotFound, fmt.Sprintf("the mailbox of %q in namespace %q knows no such message", id, ns))
}
