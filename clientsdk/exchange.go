package clientsdk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

const (
	userAgent = "rollcall-go"
	paramWait = "wait_ms" // of a long poll
)

// call is one request, whichever endpoint it goes to.
type call struct {
	method string
	path   string // escaped
	query  url.Values
	header http.Header
	body   []byte
	media  string        // of the body; "" with a body means JSON
	accept string        // the media type to be answered in; "" means JSON
	limit  time.Duration // of one try; 0 takes Config.RequestTimeout
	repeat bool          // taking effect twice is the same as once
	op     string        // on a session; "" where it cannot be asked there
	about  string        // the lease or mailbox that op is about
	fields []byte        // of op's frame, as a JSON object; nil: those of body
	direct bool          // not over the session
	check  func() bool   // the decoded answer belongs to the question; nil: surely
}

// reply is what came back, also beside an error.
type reply struct {
	header http.Header
	body   []byte
	sent   instant // just before the request left
	rtt    time.Duration
}

// try sends a call to one endpoint, once. Its errors are *wire.Problem,
// *StatusError, *NoAnswerError, or the cause of ctx's end.
func (c *Client) try(ctx context.Context, end *url.URL, k call) (reply, error) {
	bounded, cancel := context.WithTimeout(ctx, c.limitOf(k))
	defer cancel()
	req, err := c.request(bounded, end, k)
	if err != nil {
		return reply{}, err
	}
	r := reply{sent: c.clock.now()}
	status, err := c.exchange(req, &r)
	r.rtt = time.Since(r.sent.at)
	switch {
	case ctx.Err() != nil && err != nil:
		return r, context.Cause(ctx)
	case err != nil:
		err = &NoAnswerError{Endpoint: end.Host, Err: err}
	case status/100 != 2:
		err = problemOf(end, status, r)
	}
	if err != nil || !k.query.Has(paramWait) {
		c.meter.add(r.rtt, isFailure(err)) // but how long a poll waited is no round trip
	}
	return r, err
}

// exchange sends the request and reads the whole answer, so that its
// connection can be used again.
func (c *Client) exchange(req *http.Request, r *reply) (int, error) {
	res, err := c.http.Do(req)
	if err != nil {
		return 0, bare(err)
	}
	defer res.Body.Close()
	r.header = res.Header
	r.body, err = io.ReadAll(io.LimitReader(res.Body, c.config.MaxAnswer+1))
	if err == nil && int64(len(r.body)) > c.config.MaxAnswer {
		err = ErrAnswerTooLarge
	}
	return res.StatusCode, err
}

// limitOf is how long one try may take.
func (c *Client) limitOf(k call) time.Duration {
	if k.limit > 0 {
		return k.limit
	}
	wait, _ := strconv.ParseInt(k.query.Get(paramWait), 10, 32)
	return c.config.RequestTimeout + time.Duration(max(wait, 0))*time.Millisecond
}

func (c *Client) request(ctx context.Context, end *url.URL, k call) (*http.Request, error) {
	target := end.String() + k.path
	if query := c.scoped(k.path, k.query); len(query) > 0 {
		target += "?" + query.Encode()
	}
	var body io.Reader
	if k.body != nil {
		body = bytes.NewReader(k.body)
	}
	req, err := http.NewRequestWithContext(ctx, k.method, target, body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	for name, values := range k.header {
		req.Header[name] = values
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Accept", mediaOr(k.accept, wire.TypeJSON))
	if k.body != nil {
		req.Header.Set("Content-Type", mediaOr(k.media, wire.TypeJSON))
	}
	if c.config.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.config.Token)
	}
	return req, nil
}

func mediaOr(media, other string) string {
	if media != "" {
		return media
	}
	return other
}

// scoped adds the client's namespace where the endpoint has one and the query
// names none.
func (c *Client) scoped(path string, query url.Values) url.Values {
	if c.config.Namespace == "" || query.Has("ns") || !namespaced(path) {
		return query
	}
	with := url.Values{"ns": {c.config.Namespace}}
	for name, values := range query {
		with[name] = values
	}
	return with
}

// namespaced says that a path belongs to a tenant: all of /v1 but the cluster,
// of which only the release of what is held does.
func namespaced(path string) bool {
	return strings.HasPrefix(path, "/v1/") && (!strings.HasPrefix(path, wire.PathCluster) || path == wire.PathRelease)
}

// problemOf reads an error answer.
func problemOf(end *url.URL, status int, r reply) error {
	media, _, _ := mime.ParseMediaType(r.header.Get("Content-Type"))
	var p wire.Problem
	if media == wire.TypeProblem && json.Unmarshal(r.body, &p) == nil && p.Code != "" {
		p.Status = status
		return &p
	}
	return &StatusError{Endpoint: end.Host, Status: status, Body: string(r.body[:min(len(r.body), 200)])}
}

// decode reads a JSON answer. One that is not is no answer of rollcall's.
func decode(end string, body []byte, out any) error {
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return &NoAnswerError{Endpoint: end, Err: fmt.Errorf("not an answer of rollcall's: %w", err)}
	}
	return nil
}

// isFailure says that a round trip failed: there was no answer, or one that
// another node, or the same one later, would not have given.
func isFailure(err error) bool {
	if err == nil {
		return false
	}
	p, ok := errors.AsType[*wire.Problem](err)
	return !ok || p.Retryable || p.Status/100 != 4 || IsDenied(err) || p.Code == wire.CodeNotFound
}
