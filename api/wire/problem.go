package wire

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
	CurrentSeq     *uint64      `json:"current_seq,omitempty"`
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

func (p *Problem) Error() string { return string(p.Code) + ": " + p.Detail }
