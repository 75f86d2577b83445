//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// answer is what a node said. One that said nothing in time has status 0.
type answer struct {
	status    int
	header    http.Header
	body      []byte
	problem   wire.Problem // of a status from 300 on
	err       error
	sent, got time.Time
}

func (a *answer) ok() bool { return a.status/100 == 2 }

// open tells whether the request may or may not have taken effect, or is to be
// asked again.
func (a *answer) open() bool { return a.status == 0 || a.status/100 == 5 || a.status == 429 }

// refused tells whether the request surely never reached a node.
func (a *answer) refused() bool {
	return errors.Is(a.err, syscall.ECONNREFUSED) || errors.Is(a.err, syscall.EHOSTUNREACH)
}

func (a *answer) into(v any) error { return json.Unmarshal(a.body, v) }

// recorded is an operation of a history.
type recorded interface {
	Answer(status int, body []byte)
	Drop()
}

// request is one question to one node.
type request struct {
	method, path string
	body         any
	key          string // Idempotency-Key
	within       time.Duration
	op           recorded // nil: nobody records it
}

// maxAnswer bounds the bytes of an answer that are read.
const maxAnswer = 8 << 20

// caller asks nodes. It belongs to the whole fleet.
type caller struct {
	web    *http.Client
	ledger *ledger
}

func newCaller(l *ledger) *caller {
	dial := &net.Dialer{Timeout: time.Second}
	return &caller{ledger: l, web: &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 128, IdleConnTimeout: time.Minute, DialContext: dial.DialContext},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// ask sends a request to a node and reads its answer whole.
func (c *caller) ask(ctx context.Context, node string, r request) answer {
	ctx, cancel := context.WithTimeout(ctx, r.within)
	defer cancel()
	a := c.exchange(ctx, node, r)
	a.got = time.Now()
	if r.op != nil {
		switch {
		case a.status != 0:
			r.op.Answer(a.status, a.body)
		case a.refused():
			r.op.Drop()
		}
	}
	if a.status == http.StatusBadRequest {
		c.ledger.find(refused, "%s %s: %s", r.method, r.path, a.text())
	}
	c.ledger.answered(&a, r.method != http.MethodGet)
	return a
}

func (c *caller) exchange(ctx context.Context, node string, r request) answer {
	a := answer{sent: time.Now()}
	var body bytes.Buffer
	if r.body != nil {
		if a.err = json.NewEncoder(&body).Encode(r.body); a.err != nil {
			return a
		}
	}
	req, err := http.NewRequestWithContext(ctx, r.method, node+r.path, &body)
	if err != nil {
		return answer{sent: a.sent, err: err}
	}
	if r.body != nil {
		req.Header.Set("Content-Type", wire.TypeJSON)
	}
	if r.key != "" {
		req.Header.Set("Idempotency-Key", r.key)
	}
	res, err := c.web.Do(req)
	if err != nil {
		return answer{sent: a.sent, err: err}
	}
	defer res.Body.Close()
	a.header = res.Header
	if a.body, a.err = io.ReadAll(io.LimitReader(res.Body, maxAnswer)); a.err != nil {
		return a
	}
	a.status = res.StatusCode
	if a.status >= 300 && a.into(&a.problem) != nil {
		a.problem.Detail = strings.TrimSpace(string(a.body[:min(len(a.body), 200)]))
	}
	return a
}

// text says in a few words what came of a request.
func (a *answer) text() string {
	if a.status == 0 {
		return "no answer: " + errorText(a.err)
	}
	return http.StatusText(a.status) + ": " + strings.TrimSpace(string(a.body[:min(len(a.body), 600)]))
}

func errorText(err error) string {
	if err == nil {
		return "none"
	}
	return err.Error()
}
