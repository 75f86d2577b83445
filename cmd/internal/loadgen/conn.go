package loadgen

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"
)

// lastMoments is how long requests that are on their way may still take once
// the run is called off.
const lastMoments = 500 * time.Millisecond

// conn is one keep-alive connection of one worker. It dials when it has to, and
// another endpoint after each failure. It belongs to one goroutine.
type conn struct {
	ctx     context.Context // of the run: ends it in a hurry
	hosts   []string        // host:port
	at      int             // index in hosts
	fields  []byte          // header fields of every request, after Host
	timeout time.Duration
	buffer  int           // bytes to read at once
	hurry   time.Duration // what is on its way may still take once the run is called off

	nc    net.Conn // nil: not connected
	off   func() bool
	in    reader
	armed time.Time // when the deadline was set last
	out   []byte    // the request, reused
}

func newConn(ctx context.Context, t *Target, number int) *conn {
	c := &conn{ctx: ctx, at: number % len(t.Endpoints), timeout: t.Timeout, buffer: 4 << 10, hurry: lastMoments}
	for _, e := range t.Endpoints {
		c.hosts = append(c.hosts, hostPort(e))
	}
	if t.Token != "" {
		c.fields = append(c.fields, "Authorization: Bearer "+t.Token+"\r\n"...)
	}
	return c
}

func hostPort(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil { // validated before
		return endpoint
	}
	if u.Port() == "" {
		return net.JoinHostPort(u.Hostname(), "80")
	}
	return u.Host
}

// exchange sends one request and returns the answer. The body is valid until
// the next exchange. After an error the next one goes to another endpoint, over
// a new connection.
func (c *conn) exchange(method string, path []byte, mediaType string, body []byte) (int, []byte, error) {
	if err := c.ready(); err != nil {
		return 0, nil, err
	}
	c.compose(method, path, mediaType, body)
	if _, err := c.nc.Write(c.out); err != nil {
		c.drop()
		return 0, nil, fmt.Errorf("send to %s: %w", c.hosts[c.at], err)
	}
	status, answer, reusable, err := c.in.next()
	if err != nil {
		c.drop()
		return 0, nil, fmt.Errorf("answer of %s: %w", c.hosts[c.at], err)
	}
	if !reusable {
		c.close()
	}
	return status, answer, nil
}

// compose writes the request into c.out.
func (c *conn) compose(method string, path []byte, mediaType string, body []byte) {
	out := append(c.out[:0], method...)
	out = append(out, ' ')
	out = append(out, path...)
	out = append(out, " HTTP/1.1\r\nHost: "...)
	out = append(out, c.hosts[c.at]...)
	out = append(out, "\r\n"...)
	out = append(out, c.fields...)
	if body != nil {
		out = append(out, "Content-Type: "...)
		out = append(out, mediaType...)
		out = append(out, "\r\nContent-Length: "...)
		out = strconv.AppendInt(out, int64(len(body)), 10)
		out = append(out, "\r\n"...)
	}
	out = append(out, "\r\n"...)
	c.out = append(out, body...)
}

// ready connects where needed and keeps the deadline at least the time-out
// ahead, less a second: setting it for every request would cost a tenth of it.
func (c *conn) ready() error {
	if c.nc == nil {
		if err := c.dial(); err != nil {
			return err
		}
	}
	if now := time.Now(); now.Sub(c.armed) > time.Second {
		c.armed = now
		if err := c.nc.SetDeadline(now.Add(c.timeout + time.Second)); err != nil {
			c.drop()
			return fmt.Errorf("set deadline: %w", err)
		}
	}
	// After the deadline, so that a run that is called off meanwhile shortens it.
	return c.ctx.Err()
}

// rearm sets the deadline of reading anew after it was used to wait.
func (c *conn) rearm() {
	_ = c.nc.SetReadDeadline(time.Now().Add(c.timeout + time.Second)) // a connection that is closed says so when it is read
	if c.ctx.Err() != nil {
		_ = c.nc.SetReadDeadline(time.Now().Add(c.hurry))
	}
}

func (c *conn) dial() error {
	dialer := net.Dialer{Timeout: min(c.timeout, 5*time.Second)}
	nc, err := dialer.DialContext(c.ctx, "tcp", c.hosts[c.at])
	if err != nil {
		c.at = (c.at + 1) % len(c.hosts)
		return fmt.Errorf("connect: %w", err)
	}
	c.nc, c.armed = nc, time.Time{}
	c.off = context.AfterFunc(c.ctx, func() { _ = nc.SetDeadline(time.Now().Add(c.hurry)) })
	if c.in.in == nil {
		c.in.in = bufio.NewReaderSize(nc, c.buffer)
	} else {
		c.in.in.Reset(nc)
	}
	return nil
}

// drop closes the connection and turns to the next endpoint.
func (c *conn) drop() {
	c.close()
	c.at = (c.at + 1) % len(c.hosts)
}

func (c *conn) close() {
	if c.nc == nil {
		return
	}
	c.off()
	_ = c.nc.Close()
	c.nc = nil
}
