package wire

import "net/http"

// Code names a problem; the contract lists them all.
type Code string

// The codes of the contract.
const (
	CodeInvalidRequest       Code = "invalid_request"
	CodeUnauthenticated      Code = "unauthenticated"
	CodeForbidden            Code = "forbidden"
	CodeLeaseNotFound        Code = "lease_not_found"
	CodeMessageNotFound      Code = "message_not_found"
	CodeNotFound             Code = "not_found"
	CodeSuperseded           Code = "superseded"
	CodeStaleSequence        Code = "stale_sequence"
	CodeLeaseEnded           Code = "lease_ended"
	CodeCompacted            Code = "compacted"
	CodeMethodNotAllowed     Code = "method_not_allowed"
	CodeUnsupportedMediaType Code = "unsupported_media_type"
	CodeIDTaken              Code = "id_taken"
	CodeTooLarge             Code = "too_large"
	CodeRateLimited          Code = "rate_limited"
	CodeMailboxFull          Code = "mailbox_full"
	CodeInternal             Code = "internal"
	CodeNoLeader             Code = "no_leader"
	CodeTooStale             Code = "too_stale"
	CodeOverloaded           Code = "overloaded"
)

// ProblemTypes is what a problem's type begins with; its code follows.
const ProblemTypes = "/problems/"

// Problem is an error as it travels (RFC 9457), on both sides an error value.
type Problem struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail"`
	Code      Code   `json:"code"`
	Retryable bool   `json:"retryable"`

	Field          string       `json:"field,omitempty"`
	CurrentEpoch   uint64       `json:"current_epoch,omitempty"`
	CurrentSeq     *uint64      `json:"current_seq,omitempty"` // 0 is a seq: granted, not renewed yet
	Certificate    *Certificate `json:"certificate,omitempty"`
	OldestRevision uint64       `json:"oldest_revision,omitempty"`
	Holder         *Holder      `json:"holder,omitempty"`
	LimitBytes     int64        `json:"limit_bytes,omitempty"`
}

// Holder is who holds an id that was asked for with If-None-Match: *.
type Holder struct {
	Epoch       uint64 `json:"epoch"`
	ExpiresInMS int64  `json:"expires_in_ms"`
}

// NewProblem returns the problem of that code with what all of its kind share.
func NewProblem(code Code, detail string) *Problem {
	return &Problem{
		Type:      ProblemTypes + string(code),
		Title:     code.Title(),
		Status:    code.Status(),
		Detail:    detail,
		Code:      code,
		Retryable: code.Retryable(),
	}
}

func (p *Problem) Error() string { return string(p.Code) + ": " + p.Detail }

// Status returns the HTTP status with which a code travels; 500 for one that
// the contract does not have.
func (c Code) Status() int {
	if k, ok := kinds[c]; ok {
		return k.status
	}
	return http.StatusInternalServerError
}

// Title says in a few words what every problem of that code is.
func (c Code) Title() string { return kinds[c].title }

// Retryable says whether the same request may succeed later: 429 and 503.
func (c Code) Retryable() bool {
	status := c.Status()
	return status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable
}

// Codes returns every code of the contract.
func Codes() []Code {
	codes := make([]Code, 0, len(kinds))
	for c := range kinds {
		codes = append(codes, c)
	}
	return codes
}

type kind struct {
	status int
	title  string
}

var kinds = map[Code]kind{
	CodeInvalidRequest:       {http.StatusBadRequest, "The request is not valid"},
	CodeUnauthenticated:      {http.StatusUnauthorized, "Who asks is not known"},
	CodeForbidden:            {http.StatusForbidden, "The request is not allowed"},
	CodeLeaseNotFound:        {http.StatusNotFound, "No such lease"},
	CodeMessageNotFound:      {http.StatusNotFound, "No such message"},
	CodeNotFound:             {http.StatusNotFound, "Nothing is here"},
	CodeSuperseded:           {http.StatusConflict, "A newer epoch holds the id"},
	CodeStaleSequence:        {http.StatusConflict, "The seq is lower than the last one accepted"},
	CodeLeaseEnded:           {http.StatusGone, "The lease has ended"},
	CodeCompacted:            {http.StatusGone, "That revision is no longer kept"},
	CodeMethodNotAllowed:     {http.StatusMethodNotAllowed, "The method is not allowed here"},
	CodeUnsupportedMediaType: {http.StatusUnsupportedMediaType, "The media type is not supported"},
	CodeIDTaken:              {http.StatusPreconditionFailed, "The id is alive"},
	CodeTooLarge:             {http.StatusRequestEntityTooLarge, "The body is too large"},
	CodeRateLimited:          {http.StatusTooManyRequests, "Too many requests"},
	CodeMailboxFull:          {http.StatusTooManyRequests, "The mailbox is full"},
	CodeInternal:             {http.StatusInternalServerError, "The node failed"},
	CodeNoLeader:             {http.StatusServiceUnavailable, "No quorum is reachable"},
	CodeTooStale:             {http.StatusServiceUnavailable, "The view is too old"},
	CodeOverloaded:           {http.StatusServiceUnavailable, "The node is overloaded"},
}
