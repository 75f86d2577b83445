package clientsdk

import (
	"errors"
	"fmt"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// Cause is why a lease ended, as its certificate says it.
type Cause string

// The causes.
const (
	Expired  Cause = "expired"
	Left     Cause = "left"     // somebody who knew the epoch let it go
	Evicted  Cause = "evicted"  // by an operator
	Replaced Cause = "replaced" // a newer epoch holds the id, or held it
	Unknown  Cause = "unknown"  // the certificate is no longer kept
)

// Each of them is what errors.Is finds in a *LostError of that cause.
var (
	ErrExpired  = errors.New("the lease expired")
	ErrLeft     = errors.New("the lease was given back") // also [Lease.Err] after [Lease.Leave]
	ErrEvicted  = errors.New("the lease was evicted")
	ErrReplaced = errors.New("a newer epoch holds the id")
	ErrUnknown  = errors.New("the lease is no longer known")
)

var causeErrors = map[Cause]error{
	Expired: ErrExpired, Left: ErrLeft, Evicted: ErrEvicted, Replaced: ErrReplaced, Unknown: ErrUnknown,
}

// LostError says that the cluster has ended a lease, and why.
type LostError struct {
	ID           string
	Epoch        uint64 // the one that ended, 0 where its grant was never heard of
	Cause        Cause
	CurrentEpoch uint64            // who holds the id now, where that is known
	Certificate  *wire.Certificate // nil where the cluster sent none
	Final        bool              // the lease is not asked for again
}

func (e *LostError) Error() string {
	text := fmt.Sprintf("lease %s, epoch %d: %v", e.ID, e.Epoch, e.Unwrap())
	if e.CurrentEpoch != 0 {
		text += fmt.Sprintf(" (epoch %d)", e.CurrentEpoch)
	}
	return text
}

// Unwrap returns the sentinel of the cause.
func (e *LostError) Unwrap() error {
	if err, ok := causeErrors[e.Cause]; ok {
		return err
	}
	return ErrUnknown
}

// forgotten says that the holder is to ask again at once: it never let go.
func (e *LostError) forgotten() bool { return e.Cause == Expired || e.Cause == Unknown }

// lostBy reads from an answer that the lease is gone, or returns nil.
func lostBy(err error, id string, epoch uint64) *LostError {
	p, ok := errors.AsType[*wire.Problem](err)
	if !ok {
		return nil
	}
	gone := &LostError{ID: id, Epoch: epoch, CurrentEpoch: p.CurrentEpoch, Certificate: p.Certificate}
	switch p.Code {
	case wire.CodeLeaseNotFound:
		gone.Cause = Unknown
	case wire.CodeLeaseEnded:
		gone.Cause = causeOf(p.Certificate)
	case wire.CodeSuperseded:
		gone.Cause = Replaced
	default:
		return nil
	}
	return gone
}

func causeOf(c *wire.Certificate) Cause {
	if c == nil {
		return Unknown
	}
	if _, known := causeErrors[Cause(c.Cause)]; !known {
		return Unknown
	}
	return Cause(c.Cause)
}
