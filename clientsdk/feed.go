package clientsdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// silence is how long a watch's connection may say nothing: three bookmarks
// that did not come.
const silence = 3 * wire.BookmarkEvery

var (
	errSilent   = errors.New("nothing was heard for too long")
	errStreamUp = errors.New("the stream ended")
)

// feed is one connection of a watch. One goroutine uses it, and closes it.
type feed struct {
	end    *url.URL
	ctx    context.Context
	cancel context.CancelCauseFunc
	alarm  *time.Timer // cancels ctx; runs only while something is waited for
	body   io.Closer
	frames *frames
}

// openFeed asks an endpoint for a stream of server-sent events. Its errors are
// those of try; the header is the answer's, where there is one.
func (c *Client) openFeed(ctx context.Context, end *url.URL, k call) (*feed, http.Header, error) {
	f := &feed{end: end}
	f.ctx, f.cancel = context.WithCancelCause(ctx)
	f.alarm = time.AfterFunc(c.config.RequestTimeout, func() { f.cancel(errSilent) })
	k.accept = wire.TypeEvents
	req, err := c.request(f.ctx, end, k)
	if err != nil {
		f.close()
		return nil, nil, err
	}
	sent := time.Now()
	res, err := c.http.Do(req)
	if err != nil {
		err = f.failure(bare(err))
		c.meter.add(time.Since(sent), isFailure(err))
		f.close()
		return nil, nil, err
	}
	f.body = res.Body
	if err = f.accept(res, c.config.MaxAnswer); err != nil {
		f.close()
	}
	c.meter.add(time.Since(sent), isFailure(err))
	return f, res.Header, err
}

// accept takes the answer for a stream, or reads why it is none.
func (f *feed) accept(res *http.Response, limit int64) error {
	if res.StatusCode/100 != 2 {
		r := reply{header: res.Header}
		var err error
		if r.body, err = io.ReadAll(io.LimitReader(res.Body, limit)); err != nil {
			return f.failure(err)
		}
		return problemOf(f.end, res.StatusCode, r)
	}
	if media, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); media != wire.TypeEvents {
		return f.failure(fmt.Errorf("not an answer of rollcall's: %w", errOtherAnswer))
	}
	f.frames = newFrames(res.Body, int(limit), func() { f.alarm.Reset(silence) })
	return nil
}

// next returns the next event. The time that the caller takes between two
// calls is no silence of the node's.
func (f *feed) next() (frame, error) {
	f.alarm.Reset(silence)
	defer f.alarm.Stop()
	got, err := f.frames.next()
	if errors.Is(err, io.EOF) {
		err = errStreamUp
	}
	if err != nil {
		return frame{}, f.failure(err)
	}
	return got, nil
}

// failure is what a failed read or write means: the connection's own end, if
// it had one, else err.
func (f *feed) failure(err error) error {
	cause := context.Cause(f.ctx)
	if cause != nil && !errors.Is(cause, errSilent) {
		return cause
	}
	if cause != nil {
		err = cause
	}
	return &NoAnswerError{Endpoint: f.end.Host, Err: err}
}

func (f *feed) close() {
	f.alarm.Stop()
	f.cancel(errStreamUp)
	if f.body != nil {
		_ = f.body.Close()
	}
}

// bare is a client's error without the URL, which the caller names.
func bare(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}
