package loadgen

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// changerTTL is that of the lease that comes and goes: longer than a run that
// is killed should leave it behind.
const changerTTL = time.Minute

// changer lets one lease come and go. It belongs to one goroutine.
type changer struct {
	run   *watchRun
	ctx   context.Context
	conn  *conn
	epoch uint64 // 0: the lease is not there
	pause time.Duration
	body  []byte
}

func newChanger(ctx context.Context, r *watchRun) *changer {
	return &changer{
		run: r, ctx: ctx, conn: newConn(ctx, &r.cfg.Target, 0),
		body: fmt.Appendf(nil, `{"service":%q,"ttl_ms":%d}`, r.service, changerTTL.Milliseconds()),
	}
}

// step makes one change and waits until every watcher has it.
func (c *changer) step() {
	start := time.Now()
	revision, err := c.change()
	if err != nil {
		c.failed(err)
		return
	}
	c.pause = 0
	c.run.tally.acknowledged(1, time.Since(start))
	change := c.run.arrivals.wait(c.ctx, revision, c.run.cfg.Timeout)
	c.run.heard += int64(change.n)
	c.run.missed += int64(c.run.cfg.Watchers - change.n)
	if change.n > 0 {
		record(c.run.first, change.first.Sub(start))
	}
	if change.n == c.run.cfg.Watchers {
		record(c.run.last, change.last.Sub(start))
	}
}

// change registers the lease, or ends it if it is there, and returns the
// change's revision.
func (c *changer) change() (uint64, error) {
	if c.epoch != 0 {
		return c.leave()
	}
	var g wire.Grant
	if err := c.conn.ask("PUT", c.path(""), c.body, &g); err != nil {
		return 0, err
	}
	c.epoch = g.Epoch
	return g.Revision, nil
}

func (c *changer) leave() (uint64, error) {
	var ended wire.Certificate
	if err := c.conn.ask("DELETE", c.path("?epoch="+strconv.FormatUint(c.epoch, 10)), nil, &ended); err != nil {
		return 0, err
	}
	c.epoch = 0
	return ended.Revision, nil
}

func (c *changer) path(query string) string {
	return wire.PathLeases + "/" + c.run.id + c.run.cfg.query(query)
}

// failed counts a change without an answer, and waits. A lease that is over
// comes anew.
func (c *changer) failed(err error) {
	code := codeOf(c.ctx, err)
	c.run.tally.refused(code, 1)
	if over(wire.Code(code)) {
		c.epoch = 0
	}
	c.pause = backOff(c.ctx, c.pause)
}

// end takes the lease away, if it is there.
func (c *changer) end() {
	if c.epoch != 0 {
		_, _ = c.leave() // else its TTL ends it
	}
	c.conn.close()
}

// serviceOf makes the name of a service that only a run has of the prefix of
// its ids.
func serviceOf(prefix string) string {
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune("~:@", r) {
			return '_'
		}
		return r
	}, strings.TrimRight(prefix, "-"))
	return name[:min(len(name), wire.MaxName)]
}
