package clientsdk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// Do sends one request by hand and returns the answer's body and headers as
// they came, also beside an error. body is encoded as JSON unless it is nil or
// a []byte that already is; out, unless nil, is decoded from the answer. The
// client's namespace is added where path has one and query does not name it.
//
// What got no definite answer is tried again (Config.Retry) on another
// endpoint: any GET, PUT and DELETE, except an eviction, which could meet a
// newer epoch; a POST or PATCH only where it certainly had no effect.
//
// Errors: *wire.Problem, *StatusError, *NoAnswerError, or the cause of ctx's
// end (the functions Is… tell them apart).
func (c *Client) Do(ctx context.Context, method, path string, query url.Values, body, out any) ([]byte, http.Header, error) {
	k := call{method: method, path: path, query: query, repeat: repeatable(method, query)}
	return c.send(ctx, k, body, out)
}

// repeatable says that the method's effect is the same however often.
func repeatable(method string, query url.Values) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPut:
		return true
	case http.MethodDelete:
		return !query.Has("evict")
	}
	return false
}

// send completes a call with its body, does it, and decodes the answer.
func (c *Client) send(ctx context.Context, k call, body, out any) ([]byte, http.Header, error) {
	if err := k.setBody(body); err != nil {
		return nil, nil, err
	}
	r, err := c.do(ctx, k, out)
	return r.body, r.header, err
}

func (k *call) setBody(body any) (err error) {
	switch b := body.(type) {
	case nil:
	case []byte:
		k.body = b
	default:
		if k.body, err = json.Marshal(b); err != nil {
			return fmt.Errorf("encode request: %w", err)
		}
	}
	return nil
}

// do tries a call on one endpoint after the other until one gives a definite
// answer or the tries are used up.
func (c *Client) do(ctx context.Context, k call, out any) (reply, error) {
	var told tale
	for n := range c.config.Retry.Tries {
		if err := sleep(ctx, max(c.config.Retry.pause(n), told.wait)); err != nil {
			return told.reply, told.or(err)
		}
		k.direct = n > 0
		r, err := c.attempt(ctx, c.ends, k, out)
		if err == nil {
			return r, nil
		}
		if ctx.Err() != nil && CodeOf(err) == "" {
			return r, told.or(context.Cause(ctx))
		}
		told.heard(r, err, c.config.Retry)
		if !IsRetryable(err) || !k.repeat && !hadNoEffect(err) {
			break
		}
	}
	return told.reply, told.err
}

var errOtherAnswer = errors.New("the answer is not one to this question")

// attempt asks over the session, or else the endpoint whose turn it is, and
// decodes the answer. If there was none, it passes the turn on.
func (c *Client) attempt(ctx context.Context, ends *rotation, k call, out any) (reply, error) {
	if r, asked, err := c.askSession(ctx, ends, k, out); asked {
		return r, err
	}
	end, turn := ends.current()
	r, err := c.try(ctx, end, k)
	if err == nil {
		err = k.read(end, r.body, out)
	}
	if isFailure(err) {
		ends.failed(turn)
	}
	return r, err
}

// read decodes an answer to the call.
func (k *call) read(end *url.URL, body []byte, out any) error {
	if err := decode(end.Host, body, out); err != nil {
		return err
	}
	if k.check != nil && !k.check() {
		return &NoAnswerError{Endpoint: end.Host, Err: errOtherAnswer}
	}
	return nil
}

// tale is the most telling failure of several tries: what a node said of the
// cluster is worth more than the silence of another.
type tale struct {
	reply reply
	err   error
	wait  time.Duration
}

func (t *tale) heard(r reply, err error, retry Retry) {
	t.wait = retry.asked(r.header)
	if t.err == nil || CodeOf(err) != "" || !errors.As(t.err, new(*wire.Problem)) {
		t.reply, t.err = r, err
	}
}

// or is the error to return when the time ran out.
func (t *tale) or(err error) error {
	if t.err == nil {
		return err
	}
	return fmt.Errorf("%w (%w)", err, t.err)
}
