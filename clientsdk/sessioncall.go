package clientsdk

import (
	"context"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

const (
	touchEvery = 50 * time.Millisecond // see signOfLife
	maxHeading = 2 << 10               // bytes of a frame's heading, at the most
)

// askSession asks over the session, where there is one and the call can be
// asked there. asked is false where it was not, and HTTP is left. The first try
// of a call goes this way, and further ones do not: a session is one node.
func (c *Client) askSession(ctx context.Context, ends *rotation, k call, out any) (r reply, asked bool, err error) {
	if c.session == nil || k.op == "" || k.direct || len(k.body) > wire.MaxFrame-maxHeading {
		return reply{}, false, nil
	}
	l := c.session.ready(ctx, c.limitOf(k)/2)
	if l == nil {
		return reply{}, false, nil
	}
	r, err = c.tryLink(ctx, l, k)
	if err == nil {
		err = k.read(l.end, r.body, out)
	}
	if IsUnreachable(err) || IsNoLeader(err) {
		l.leave()
		if end, turn := ends.current(); end.Host == l.end.Host {
			ends.failed(turn)
		}
	}
	return r, true, err
}

// tryLink asks once over a link. Its errors are those of try.
func (c *Client) tryLink(ctx context.Context, l *link, k call) (reply, error) {
	bounded, cancel := context.WithTimeout(ctx, c.limitOf(k))
	defer cancel()
	c.session.signOfLife(k)
	r := reply{sent: c.clock.now()}
	answer, err := l.ask(bounded, func(rid uint64) []byte { return c.frameOf(k, rid) })
	r.body, r.rtt = answer.frame, time.Since(r.sent.at)
	switch {
	case ctx.Err() != nil && err != nil:
		return r, context.Cause(ctx)
	case err != nil:
		err = &NoAnswerError{Endpoint: l.end.Host, Err: err}
	case answer.op == wire.OpError:
		err = problemIn(l.end, answer.frame)
	}
	c.meter.add(r.rtt, isFailure(err))
	return r, err
}

// signOfLife has the leases renewed of which nothing was heard for T/6, along
// with a request that is no heartbeat: it says as much, and the next heartbeat
// is due from then. It looks no more often than every 50 ms.
func (s *session) signOfLife(k call) {
	if k.op != wire.OpSend && k.op != wire.OpAck && k.op != wire.OpNack {
		return
	}
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.touched) < touchEvery {
		return
	}
	s.touched = now
	for _, kept := range s.keepers {
		if kept.lease.quietFor(s.client.clock, 6) {
			nudge(kept.early)
		}
	}
}
