package loadgen

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// listBuffer is what a lister reads at once.
const listBuffer = 64 << 10

// lister lists over one connection. It belongs to one goroutine; only the
// tally's counters are read by others.
type lister struct {
	ctx    context.Context // of the run
	conn   *conn
	path   []byte
	fields []byte // header fields of the connection, without an ETag
	count  []byte // what every list says after its revision
	leases int    // that a list has to have
	etag   bool   // ask for what changed only

	tally       *tally
	wrong       int64
	bytes       int64
	whole       int64 // answers that had a body
	notModified int64
	pause       time.Duration
}

func newLister(ctx context.Context, cfg *ListConfig, number int) *lister {
	l := &lister{
		ctx: ctx, conn: newConn(ctx, &cfg.Target, number), path: []byte(cfg.path()), leases: cfg.page(), etag: cfg.ETag,
		count: strconv.AppendInt([]byte(`,"count":`), int64(cfg.page()), 10), tally: newTally(),
	}
	l.conn.buffer = listBuffer
	l.conn.in.tags = cfg.ETag
	l.fields = bytes.Clone(l.conn.fields)
	return l
}

// list lists until the time has come, or the run is called off.
func (l *lister) list(until time.Time) {
	defer l.conn.close()
	for now := time.Now(); now.Before(until) && l.ctx.Err() == nil; {
		now = l.one(now)
	}
}

// one lists once and returns when it was answered.
func (l *lister) one(start time.Time) time.Time {
	status, body, err := l.conn.exchange("GET", l.path, "", nil)
	now := time.Now()
	switch {
	case err != nil:
		l.failed(codeOf(l.ctx, err))
		return time.Now()
	case status == http.StatusNotModified && l.etag:
		l.notModified++
	case status != http.StatusOK:
		l.failed(string(problem(status, body).Code))
		return time.Now()
	case !l.check(body):
		l.wrong++
		return now
	default:
		l.whole++
		l.bytes += int64(len(body))
		l.remember()
	}
	l.pause = 0
	l.tally.acknowledged(1, now.Sub(start))
	return now
}

func (l *lister) failed(code string) {
	l.tally.refused(code, 1)
	l.pause = backOff(l.ctx, l.pause)
}

// remember asks the next time for what differs from this list only.
func (l *lister) remember() {
	if l.etag && len(l.conn.in.etag) > 0 {
		l.conn.fields = append(append(append(l.conn.fields[:0], l.fields...), "If-None-Match: "...), l.conn.in.etag...)
		l.conn.fields = append(l.conn.fields, "\r\n"...)
	}
}

// check says that a body is the list that it should be: the first one by all
// that it says, every other one by its beginning and its end, so that reading
// the lists does not cost more than making them.
func (l *lister) check(body []byte) bool {
	if l.whole == 0 {
		return wholeList(body, l.leases)
	}
	rest, ok := bytes.CutPrefix(body, []byte(`{"revision":`))
	rest = bytes.TrimLeft(rest[:min(len(rest), 100)], "0123456789")
	rest, counted := bytes.CutPrefix(rest, l.count)
	return ok && counted && len(rest) > 0 && rest[0] == ',' && bytes.HasSuffix(bytes.TrimRight(body, "\n"), []byte("}"))
}

// wholeList reads all of a list and says that it has so many leases, each id
// beyond the one before.
func wholeList(body []byte, leases int) bool {
	var page wire.AlivePage
	if json.Unmarshal(body, &page) != nil || page.Count != leases || len(page.Alive) != leases {
		return false
	}
	for i := 1; i < len(page.Alive); i++ {
		if id := page.Alive[i].ID; id != "" && id <= page.Alive[i-1].ID {
			return false
		}
	}
	return true
}
