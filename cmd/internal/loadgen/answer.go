package loadgen

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// Codes of failures that have no code of the contract, because no node
// answered.
const (
	codeTimeout    = "timeout"
	codeConnection = "connection"
	codeStopped    = "stopped" // the run was called off while the request was on its way
	codeMalformed  = "malformed_answer"
)

// problem reads an error answer; one that is not of the contract gets its
// status as code.
func problem(status int, body []byte) *wire.Problem {
	p := new(wire.Problem)
	if json.Unmarshal(body, p) != nil || p.Code == "" {
		p = &wire.Problem{Code: wire.Code("http_" + strconv.Itoa(status)), Detail: string(body[:min(len(body), 200)])}
		p.Retryable = status == 429 || status >= 500
	}
	p.Status = status
	return p
}

func failureCode(ctx context.Context, err error) string {
	var timeout net.Error
	switch {
	case ctx.Err() != nil:
		return codeStopped
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return codeTimeout
	default:
		return codeConnection
	}
}

// over tells whether the lease that was renewed does not live any more.
func over(code wire.Code) bool {
	switch code {
	case wire.CodeLeaseEnded, wire.CodeLeaseNotFound, wire.CodeNotFound, wire.CodeSuperseded:
		return true
	}
	return false
}

// codeOf is the code of a refusal, or one of ours.
func codeOf(ctx context.Context, err error) string {
	var p *wire.Problem
	if errors.As(err, &p) {
		return string(p.Code)
	}
	return failureCode(ctx, err)
}

// ask sends a request of JSON and decodes the answer; a refusal is its
// *wire.Problem.
func (c *conn) ask(method, path string, body []byte, answer any) error {
	status, got, err := c.exchange(method, []byte(path), wire.TypeJSON, body)
	switch {
	case err != nil:
		return err
	case status/100 != 2:
		return problem(status, got)
	}
	if err := json.Unmarshal(got, answer); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return nil
}
