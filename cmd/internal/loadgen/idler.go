package loadgen

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// idleBuffer is all that an idle connection reads into.
const idleBuffer = 512

// sessionSilence is how long a session may say nothing: three pings.
const sessionSilence = 45 * time.Second

// idler holds one connection, and makes it anew when it breaks. It belongs to
// one goroutine.
type idler struct {
	owner *idleRun
	conn  *conn
	pause time.Duration
}

func newIdler(ctx context.Context, r *idleRun, number int) *idler {
	i := &idler{owner: r, conn: newConn(ctx, &r.cfg.Target, number)}
	i.conn.buffer, i.conn.hurry = idleBuffer, 0
	return i
}

// run holds a connection until the run ends.
func (i *idler) run(ready func(), failed func(error)) {
	defer i.conn.close()
	hold := i.session
	if i.owner.cfg.Kind == IdleWatch {
		hold = i.watch
	}
	held := func() {
		i.pause = 0
		i.owner.held.Add(1)
		ready()
		ready = func() {}
	}
	for i.conn.ctx.Err() == nil {
		err := hold(held)
		if i.conn.ctx.Err() != nil {
			return
		}
		failed(err)
		i.broken()
	}
}

// broken turns to another node.
func (i *idler) broken() {
	i.owner.lost.Add(1)
	if i.conn.nc != nil { // else it has turned already
		i.conn.drop()
	}
	i.pause = backOff(i.conn.ctx, i.pause)
}

// session answers the pings of a session and reads on over whatever else comes.
func (i *idler) session(held func()) error {
	if err := i.conn.ready(); err != nil {
		return err
	}
	if err := i.conn.upgrade(protocolJSON); err != nil {
		return err
	}
	held()
	defer i.owner.held.Add(-1)
	var key [maskBytes]byte
	_, _ = rand.Read(key[:]) // never fails
	in := frames{in: i.conn.in.in}
	for {
		if err := i.conn.patient(sessionSilence); err != nil {
			return err
		}
		opcode, payload, err := in.next()
		switch {
		case err != nil:
			return err
		case opcode == frameClose:
			return errClosed
		case opcode != framePing:
			continue
		}
		if _, err := i.conn.nc.Write(appendFrame(nil, framePong, key, payload)); err != nil {
			return err
		}
	}
}

// watch reads what a watch says of a service that nobody else has.
func (i *idler) watch(held func()) error {
	s, err := openStream(i.conn, wire.PathWatch+i.owner.cfg.query("?service="+serviceOf(i.owner.cfg.Prefix)), "")
	if err != nil {
		return err
	}
	held()
	defer i.owner.held.Add(-1)
	for {
		if _, err := s.next(); err != nil {
			return err
		}
	}
}
