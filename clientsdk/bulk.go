package clientsdk

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// Body is what a Bulk sends. It may be larger than memory.
type Body struct {
	Media string // type
	Size  int64  // in bytes
	// Open returns it from its beginning; it is called once for each try.
	Open func() (io.Reader, error)
}

// Bulk sends one request whose body or answer is too large for Do, such as a
// backup. It takes as long as ctx allows, whatever Config.RequestTimeout says. The
// answer's body is the caller's to read and to close; what was cut off fails with
// io.ErrUnexpectedEOF. What certainly had no effect, and any GET that got no
// answer, is tried once at each endpoint. Errors are those of Do.
func (c *Client) Bulk(ctx context.Context, method, path string, query url.Values, body *Body) (io.ReadCloser, http.Header, error) {
	var told tale
	for range len(c.ends.list) {
		end, turn := c.ends.current()
		res, err := c.bulk(ctx, end, call{method: method, path: path, query: query}, body)
		if err == nil {
			return res.Body, res.Header, nil
		}
		told.heard(reply{}, err, c.config.Retry)
		if ctx.Err() != nil {
			return nil, nil, context.Cause(ctx)
		}
		if isFailure(err) {
			c.ends.failed(turn)
		}
		if !IsRetryable(err) || method != http.MethodGet && !hadNoEffect(err) {
			break
		}
	}
	return nil, nil, told.err
}

// bulk makes one try. Its answer is a good one.
func (c *Client) bulk(ctx context.Context, end *url.URL, k call, body *Body) (*http.Response, error) {
	req, err := c.request(ctx, end, k)
	if err != nil {
		return nil, err
	}
	if err := body.into(req); err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, &NoAnswerError{Endpoint: end.Host, Err: bare(err)}
	}
	if res.StatusCode/100 == 2 {
		return res, nil
	}
	defer res.Body.Close()
	r := reply{header: res.Header}
	if r.body, err = io.ReadAll(io.LimitReader(res.Body, maxHeaderSize)); err != nil {
		return nil, &NoAnswerError{Endpoint: end.Host, Err: err}
	}
	return nil, problemOf(end, res.StatusCode, r)
}

func (b *Body) into(req *http.Request) error {
	if b == nil {
		req.Header.Set("Accept", "*/*")
		return nil
	}
	r, err := b.Open()
	if err != nil {
		return fmt.Errorf("read what is to be sent: %w", err)
	}
	req.Body, req.ContentLength = io.NopCloser(r), b.Size
	req.Header.Set("Content-Type", b.Media)
	return nil
}
