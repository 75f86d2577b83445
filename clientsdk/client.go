package clientsdk

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
)

// Client talks to one cluster over any of its nodes. It is safe for concurrent
// use, and one a process is enough.
type Client struct {
	config Config
	http   *http.Client
	owned  *http.Transport // nil where Config.Transport is the caller's
	ends   *rotation
	clock  clock
	meter  *meter // of all requests
	log    *slog.Logger

	session *session // nil where Config.Session is not set

	base context.Context // ends with Close; leases and gateways end with it
	stop context.CancelCauseFunc

	mu     sync.Mutex // guards closed, and wg's growth against Close's wait
	closed bool
	wg     sync.WaitGroup
}

// New makes a client. It sends nothing yet; an error is one of the
// configuration.
func New(config Config) (*Client, error) {
	config = config.withDefaults()
	list, err := config.endpoints()
	if err != nil {
		return nil, fmt.Errorf("rollcall client: %w", err)
	}
	c := &Client{
		config: config,
		ends:   newRotation(list),
		clock:  clock{boot: sinceBoot},
		meter:  newMeter(config.Warning, config.Critical),
		log:    config.Logger,
	}
	transport := config.Transport
	if transport == nil {
		if c.owned, err = newTransport(config); err != nil {
			return nil, fmt.Errorf("rollcall client: %w", err)
		}
		transport = c.owned
	}
	c.http = &http.Client{Transport: transport, CheckRedirect: noRedirect}
	if config.Session {
		if c.session, err = newSession(c); err != nil {
			return nil, fmt.Errorf("rollcall client: %w", err)
		}
	}
	c.base, c.stop = context.WithCancelCause(context.Background())
	return c, nil
}

// noRedirect: nodes forward among themselves, so a redirect is somebody
// else's, and would take the token along.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Close ends the keeping of all leases and gateways (the leases run out in
// their own time; [Lease.Leave] first to end them now), waits for what the
// client started, and closes its connections. Not to be called from a
// callback, which it would wait for. It always returns nil.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.stop(ErrClosed)
	c.wg.Wait()
	if c.owned != nil {
		c.owned.CloseIdleConnections()
	}
	return nil
}

// spawn runs f on a goroutine that Close waits for, or says that the client is
// closed.
func (c *Client) spawn(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.wg.Go(f)
	return true
}

// bound is ctx that ends with the client too.
func (c *Client) bound(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(c.base, func() { cancel(context.Cause(c.base)) })
	return ctx, func(cause error) {
		stop()
		cancel(cause)
	}
}

// guard runs a callback of the user's and contains its panic, which it logs
// and returns as an error.
func (c *Client) guard(name string, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic in %s: %v", name, v)
			c.log.Error("a callback panicked", "callback", name, "panic", v, "stack", string(debug.Stack()))
		}
	}()
	return f()
}

// Quality returns the round-trip statistics of the client's last requests of
// every kind.
func (c *Client) Quality() Quality { return c.meter.quality() }
