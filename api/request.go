package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// request is one request on its way through a handler, and the memory that it
// needs; it is used again after the answer was sent.
type request struct {
	http   *http.Request
	writer http.ResponseWriter
	header http.Header // of the answer
	route  *endpoint
	start  time.Time

	ns      string
	param   string             // the lease or node id in the path, unescaped and checked
	message registry.MessageID // in the path
	query   query

	body  []byte // valid until the answer is sent
	media media  // of body

	reading reading
	scratch []byte // for answers that are written by hand
	page    *page  // what the answer is sent from
}

// waitSlack is what a request that waits gets beyond its wait, for what comes
// before and after.
const waitSlack = 30 * time.Second

// maxKept is up to what size a request's memory is kept for the next one.
const maxKept = 64 << 10

var requests = sync.Pool{New: func() any { return new(request) }}

// release forgets everything but the memory.
func (r *request) release() {
	body, scratch := r.body[:0], r.scratch[:0]
	if cap(body) > maxKept {
		body = nil
	}
	if cap(scratch) > maxKept {
		scratch = nil
	}
	*r = request{body: body, scratch: scratch}
	requests.Put(r)
}

// answer is what a handler answers with: a body that is encoded as Accept
// asks, or raw bytes, or what is sent bit by bit.
type answer struct {
	status int
	body   any
	raw    []byte
	media  string // of raw; JSON when empty
	stream func(http.ResponseWriter)
}

// prepare checks everything that the route's row says.
func (r *request) prepare(limits Limits) (err error) {
	if r.query, err = parseQuery(r.http.URL.RawQuery, r.route.Query); err != nil {
		return err
	}
	if r.ns, err = r.query.namespace(); err != nil {
		return err
	}
	if r.route.Body == noBody {
		return nil
	}
	if err := r.readBody(limits.MaxBody); err != nil {
		return err
	}
	return r.checkMedia()
}

// checkMedia holds a body, if there is one, to its Content-Type.
func (r *request) checkMedia() error {
	if len(r.body) == 0 && r.http.Header.Get("Content-Type") == "" {
		if r.route.Body == optionalBody {
			return nil
		}
		return invalid(fieldBody, "the body is missing")
	}
	if coding := r.http.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		return wire.NewProblem(wire.CodeUnsupportedMediaType, "the Content-Encoding "+quote(coding)+" is not supported")
	}
	given := r.http.Header.Get("Content-Type")
	r.media = mediaOf(given)
	if r.media == mediaNone || r.media == mediaBeats && !r.route.Beats {
		return wire.NewProblem(wire.CodeUnsupportedMediaType,
			"the Content-Type "+quote(given)+" is not supported: want "+r.route.mediaTypes())
	}
	return nil
}

// readBody reads the whole body, or as much as it takes to see that it is too
// large.
func (r *request) readBody(limit int64) error {
	if r.http.ContentLength > limit {
		return tooLarge(limit)
	}
	if need := int(max(r.http.ContentLength, 0)) + 1; cap(r.body) < need {
		r.body = make([]byte, 0, max(need, 512))
	}
	for {
		n, err := r.http.Body.Read(r.body[len(r.body):cap(r.body)])
		r.body = r.body[:len(r.body)+n]
		switch {
		case int64(len(r.body)) > limit:
			return tooLarge(limit)
		case err == io.EOF:
			return nil
		case err != nil:
			return unread(err)
		case len(r.body) == cap(r.body):
			r.body = append(r.body, 0)[:len(r.body)]
		}
	}
}

func tooLarge(limit int64) *wire.Problem {
	p := wire.NewProblem(wire.CodeTooLarge, sprintf("the body is larger than %d bytes", []any{limit}))
	p.LimitBytes = limit
	return p
}

func unread(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return invalid(fieldBody, "the body could not be read to its end: %v", err)
}

// headerOnce returns a request header that may be given once, and is visible
// ASCII of bounded length.
func (r *request) headerOnce(name string, most int) (string, error) {
	given := r.http.Header.Values(name)
	if len(given) == 0 {
		return "", nil
	}
	if len(given) > 1 || !isPrintable(given[0], most) {
		return "", invalid(name, "%s: want it once, with 1 to %d visible ASCII characters", name, most)
	}
	return given[0], nil
}

// extend gives a request that may wait so long the time to do it: package http
// gives every request the same.
func (r *request) extend(wait time.Duration) {
	end := r.start.Add(wait + waitSlack)
	c := http.NewResponseController(r.writer)
	_ = c.SetReadDeadline(end) // a writer that knows no deadline has none to extend
	_ = c.SetWriteDeadline(end)
}
