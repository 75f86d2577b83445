package clientsdk

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

var (
	// ErrClosed is returned when the client was closed.
	ErrClosed = errors.New("rollcall client is closed")
	// ErrAnswerTooLarge is returned when an answer exceeds Config.MaxAnswer.
	ErrAnswerTooLarge = errors.New("the answer is too large")
)

// NoAnswerError is returned when an endpoint gave no answer that could be
// understood: it was not reached, the try's time ran out, the connection broke
// or something else answers there. Whether the request took effect is unknown,
// unless it was never sent.
type NoAnswerError struct {
	Endpoint string
	Err      error
}

func (e *NoAnswerError) Error() string { return "no answer from " + e.Endpoint + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *NoAnswerError) Unwrap() error { return e.Err }

// neverSent says that no byte of the request left: its connection was not
// made.
func (e *NoAnswerError) neverSent() bool {
	op, ok := errors.AsType[*net.OpError](e.Err)
	return ok && op.Op == "dial"
}

// StatusError is returned when the answer is an error, but not a problem of
// rollcall's: most likely a proxy speaks.
type StatusError struct {
	Endpoint string
	Status   int
	Body     string // its beginning
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s answered %d %s: %.200q", e.Endpoint, e.Status, http.StatusText(e.Status), e.Body)
}

// CodeOf returns the contract's code of an error, or "" where it has none.
// The whole problem is errors.AsType[*wire.Problem](err).
func CodeOf(err error) wire.Code {
	if p, ok := errors.AsType[*wire.Problem](err); ok {
		return p.Code
	}
	return ""
}

// IsNotFound says that what was asked for does not exist.
func IsNotFound(err error) bool {
	switch CodeOf(err) {
	case wire.CodeNotFound, wire.CodeLeaseNotFound, wire.CodeMessageNotFound:
		return true
	}
	return false
}

// IsEnded says that the lease ended, and its certificate is with the problem.
func IsEnded(err error) bool { return CodeOf(err) == wire.CodeLeaseEnded }

// IsSuperseded says that a newer epoch holds the id.
func IsSuperseded(err error) bool { return CodeOf(err) == wire.CodeSuperseded }

// IsTaken says that the id was alive and an exclusive registration refused.
func IsTaken(err error) bool { return CodeOf(err) == wire.CodeIDTaken }

// IsNoLeader says that no quorum could be reached.
func IsNoLeader(err error) bool { return CodeOf(err) == wire.CodeNoLeader }

// IsTooStale says that the node's view was older than the question allowed.
func IsTooStale(err error) bool { return CodeOf(err) == wire.CodeTooStale }

// IsCompacted says that what was asked for lies beyond the history that is
// kept.
func IsCompacted(err error) bool { return CodeOf(err) == wire.CodeCompacted }

// IsInvalid says that the request itself is wrong; the problem names the field.
func IsInvalid(err error) bool { return CodeOf(err) == wire.CodeInvalidRequest }

// IsDenied says that the token is missing, wrong or not enough.
func IsDenied(err error) bool {
	code := CodeOf(err)
	return code == wire.CodeUnauthenticated || code == wire.CodeForbidden
}

// IsUnreachable says that no endpoint gave an answer.
func IsUnreachable(err error) bool {
	_, ok := errors.AsType[*NoAnswerError](err)
	return ok && CodeOf(err) == ""
}

// IsRetryable says that the same request may well succeed later, or elsewhere.
func IsRetryable(err error) bool {
	if p, ok := errors.AsType[*wire.Problem](err); ok {
		return p.Retryable
	}
	if s, ok := errors.AsType[*StatusError](err); ok {
		return s.Status >= http.StatusInternalServerError || s.Status == http.StatusTooManyRequests
	}
	return IsUnreachable(err) && !isUntrusted(err)
}

// isUntrusted says that the endpoint could not prove who it is, which time
// does not mend.
func isUntrusted(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}

// hadNoEffect says that the request was certainly not carried out.
func hadNoEffect(err error) bool {
	switch CodeOf(err) {
	case wire.CodeOverloaded, wire.CodeRateLimited, wire.CodeTooStale:
		return true
	}
	lost, ok := errors.AsType[*NoAnswerError](err)
	return ok && lost.neverSent()
}

// invalid is the problem of a request that is not worth sending.
func invalid(field, detail string) error {
	return &wire.Problem{
		Type: "/problems/" + string(wire.CodeInvalidRequest), Title: "Invalid request",
		Status: http.StatusBadRequest, Code: wire.CodeInvalidRequest, Detail: detail, Field: field,
	}
}
