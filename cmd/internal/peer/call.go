package peer

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"time"
)

const (
	// callMax bounds a request and an answer, in bytes of JSON.
	callMax = 1 << 20
	// callTimeout is how long a call may take on either side, whatever the
	// caller's context allows.
	callTimeout = 30 * time.Second
)

// Frame types within a call.
const (
	frameRequest byte = 1
	frameAnswer  byte = 2
)

// CallHandler answers one call: with what it returns, encoded as JSON, or with
// the text of its error. Its context ends with the port or after 30 s.
type CallHandler func(ctx context.Context, from Identity, body []byte) (any, error)

type callRequest struct {
	Method string          `json:"method"`
	Body   json.RawMessage `json:"body"`
}

type callAnswer struct {
	Error string          `json:"error,omitempty"`
	Body  json.RawMessage `json:"body,omitempty"`
}

// HandleCall sets who answers calls of method.
func (p *Port) HandleCall(method string, f CallHandler) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls[method] = f
}

func (p *Port) callHandler(method string) CallHandler {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[method]
}

// Call asks the node at addr, which must have the server id want unless that is
// empty, and decodes its answer into resp. The error is a *RefusedError where
// somebody else is there, a *RemoteError where the handler failed, else that of
// the network: the call may then have been handled.
func (p *Port) Call(ctx context.Context, addr, want, method string, req, resp any) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	body, err := json.Marshal(req)
	if err != nil {
		return fmt.Errorf("encode %s: %w", method, err)
	}
	conn, _, err := p.dial(ctx, kindCall, addr, want)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	bound := bindConn(ctx, conn)
	a, err := ask(conn, callRequest{Method: method, Body: body})
	if cause := bound.release(); cause != nil && err != nil {
		err = cause
	}
	if err != nil {
		return fmt.Errorf("call %s of %s: %w", method, addr, err)
	}
	return a.decode(method, resp)
}

func ask(conn net.Conn, req callRequest) (callAnswer, error) {
	var a callAnswer
	if err := writeJSON(conn, frameRequest, req); err != nil {
		return a, err
	}
	return a, readJSON(conn, frameAnswer, &a)
}

func (a callAnswer) decode(method string, resp any) error {
	if a.Error != "" {
		return &RemoteError{Method: method, Message: a.Error}
	}
	if resp == nil {
		return nil
	}
	if err := json.Unmarshal(a.Body, resp); err != nil {
		return fmt.Errorf("decode answer of %s: %w", method, err)
	}
	return nil
}

func (p *Port) serveCall(conn net.Conn, from Identity) {
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(p.ctx, callTimeout)
	defer cancel()
	defer bindConn(ctx, conn).stop()
	var req callRequest
	if err := readJSON(conn, frameRequest, &req); err != nil {
		p.log.Debug("cannot read a peer's call", "from", from.ServerID(), "error", err)
		return
	}
	if err := writeJSON(conn, frameAnswer, p.handle(ctx, from, req)); err != nil {
		p.log.Debug("cannot answer a peer's call", "from", from.ServerID(), "method", req.Method, "error", err)
	}
}

func (p *Port) handle(ctx context.Context, from Identity, req callRequest) callAnswer {
	handler := p.callHandler(req.Method)
	if handler == nil {
		return callAnswer{Error: fmt.Sprintf("method %q is not known here", req.Method)}
	}
	value, err := handler(ctx, from, req.Body)
	if err != nil {
		return callAnswer{Error: err.Error()}
	}
	body, err := json.Marshal(value)
	if err != nil {
		return callAnswer{Error: fmt.Sprintf("encode answer: %v", err)}
	}
	return callAnswer{Body: body}
}

func writeJSON(conn net.Conn, typ byte, value any) error {
	payload, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if len(payload) > callMax {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(payload), callMax)
	}
	_, err = conn.Write(frame{typ: typ, payload: payload}.append(nil))
	return err
}

func readJSON(conn net.Conn, typ byte, value any) error {
	f, err := readFrame(conn, callMax)
	if err != nil {
		return err
	}
	if f.typ != typ {
		return fmt.Errorf("frame of type %d where %d was expected", f.typ, typ)
	}
	return json.Unmarshal(f.payload, value)
}
