package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// welcome is the acceptor's half of the hello. On success the connection has no
// deadline.
func (p *Port) welcome(conn net.Conn) (hello, error) {
	_ = conn.SetDeadline(time.Now().Add(helloTimeout))
	h, err := readHello(conn)
	if unknown := (versionError{}); errors.As(err, &unknown) {
		return h, errors.Join(err, p.reply(conn, unknown.Error()))
	}
	if err != nil {
		return h, err
	}
	reason := p.objection(h)
	if err := p.reply(conn, reason); err != nil {
		return h, err
	}
	if reason != "" {
		return h, fmt.Errorf("refused %s of %s: %s", h.kind, h.From.ServerID(), reason)
	}
	return h, conn.SetDeadline(time.Time{})
}

// reply answers a hello: accepted where the reason is empty.
func (p *Port) reply(conn net.Conn, reason string) error {
	a := answer{accepted: reason == "", answerBody: answerBody{From: p.identity(), Reason: reason}}
	encoded, err := a.append(nil)
	if err != nil {
		return err
	}
	_, err = conn.Write(encoded)
	return err
}

// objection says why a hello is refused; empty where it is not.
func (p *Port) objection(h hello) string {
	self := p.identity()
	if h.Want != "" && h.Want != self.ServerID() {
		return fmt.Sprintf("you expect %s, but this is %s", h.Want, self.ServerID())
	}
	if reason := clusterObjection(h.kind, h.From, self); reason != "" {
		return reason
	}
	switch h.kind {
	case kindRaft:
		return p.raft.objection()
	case kindStream:
		if p.streamHandler() == nil {
			return "this node does not take streams yet"
		}
	case kindCall:
	default:
		return fmt.Sprintf("%s of connection is not known here", h.kind)
	}
	return ""
}

// clusterObjection keeps clusters apart: a node that has no cluster yet may make
// and take calls, and nothing else.
func clusterObjection(k kind, from, self Identity) string {
	switch {
	case from.ClusterID == self.ClusterID && self.ClusterID != "":
		return ""
	case from.ClusterID != "" && self.ClusterID != "":
		return fmt.Sprintf("%s belongs to cluster %s, but %s to cluster %s",
			from.ServerID(), from.ClusterID, self.ServerID(), self.ClusterID)
	case k == kindCall:
		return ""
	case self.ClusterID == "":
		return fmt.Sprintf("%s belongs to no cluster yet", self.ServerID())
	}
	return fmt.Sprintf("you (%s) belong to no cluster yet", from.ServerID())
}

// dial connects and says hello. The connection belongs to the port and has no
// deadline.
func (p *Port) dial(ctx context.Context, k kind, addr, want string) (net.Conn, Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	defer context.AfterFunc(p.ctx, cancel)()
	raw, err := p.network.Dial(ctx, addr)
	if err != nil {
		return nil, Identity{}, fmt.Errorf("dial %s: %w", addr, err)
	}
	conn, ok := p.conns.add(raw)
	if !ok {
		return nil, Identity{}, ErrClosed
	}
	from, err := p.introduce(ctx, conn, k, addr, want)
	if err != nil {
		_ = conn.Close()
		return nil, Identity{}, err
	}
	return conn, from, nil
}

// introduce is the dialler's half of the hello.
func (p *Port) introduce(ctx context.Context, conn net.Conn, k kind, addr, want string) (Identity, error) {
	bound := bindConn(ctx, conn)
	h := hello{kind: k, helloBody: helloBody{From: p.identity(), Want: want}}
	a, err := exchangeHello(conn, h)
	if err := bound.release(); err != nil {
		return Identity{}, fmt.Errorf("say hello to %s: %w", addr, err)
	}
	if err != nil {
		return Identity{}, fmt.Errorf("say hello to %s: %w", addr, err)
	}
	return a.From, checkAnswer(a, h, addr)
}

func exchangeHello(conn net.Conn, h hello) (answer, error) {
	encoded, err := h.append(nil)
	if err != nil {
		return answer{}, err
	}
	if _, err := conn.Write(encoded); err != nil {
		return answer{}, err
	}
	return readAnswer(conn)
}

// checkAnswer believes an acceptance only from whom it was meant for.
func checkAnswer(a answer, h hello, addr string) error {
	reason := a.Reason
	if a.accepted {
		reason = clusterObjection(h.kind, h.From, a.From)
		if h.Want != "" && h.Want != a.From.ServerID() {
			reason = fmt.Sprintf("%s was expected there", h.Want)
		}
		if reason == "" {
			return nil
		}
	}
	return &RefusedError{Addr: addr, By: a.From, Reason: reason}
}

// boundConn is a connection whose reads and writes fail when a context ends.
type boundConn struct {
	ctx  context.Context
	conn net.Conn
	stop func() bool
}

func bindConn(ctx context.Context, conn net.Conn) boundConn {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	return boundConn{ctx: ctx, conn: conn, stop: stop}
}

// release frees the connection of the context and its deadline, or says that
// the context ended first.
func (b boundConn) release() error {
	if !b.stop() {
		return context.Cause(b.ctx)
	}
	return b.conn.SetDeadline(time.Time{})
}
