package loadgen

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// losses are leases that are not as they were acknowledged to be.
type losses struct {
	renewals int64 // leases whose last acknowledged renewal is not there
	ended    int64 // leases that are not there at all, or by another epoch

	unverified int64 // the same, but not renewed within their TTL before they were read: they ended justly
}

// verify reads all leases of a herd from the leader and counts what was lost.
// A lease that was lost is forgotten, so that it is not counted again. Nobody may
// renew meanwhile.
func (r *run) verify(ctx context.Context, t *Target) (losses, error) {
	there := make(map[string]lease, len(r.leases))
	c := newConn(ctx, t, 0)
	defer c.close()
	for cursor, more := "", true; more; {
		var page wire.AlivePage
		if err := insist(ctx, c, r.verifyPath(t, cursor), &page); err != nil {
			return losses{}, fmt.Errorf("read what is there: %w", err)
		}
		for _, l := range page.Alive {
			there[l.ID] = lease{epoch: l.Epoch, seq: l.Seq}
		}
		cursor = page.NextCursor
		more = cursor != ""
	}
	return r.compare(there, time.Now()), nil
}

func (r *run) verifyPath(t *Target, cursor string) string {
	path := fmt.Sprintf("?service=%s&limit=%d&consistency=%s&fields=id,epoch,seq", r.cfg.Service, wire.MaxLimit, readLeader)
	if cursor != "" {
		path += "&cursor=" + url.QueryEscape(cursor)
	}
	return wire.PathAlive + t.query(path)
}

// insist asks until there is an answer, or it is refused for good.
func insist(ctx context.Context, c *conn, path string, answer any) error {
	var err error
	for wait, tries := firstPause, 0; tries < 8; tries++ {
		if err = c.ask("GET", path, nil, answer); err == nil || final(err) || ctx.Err() != nil {
			return err
		}
		wait = backOff(ctx, wait)
	}
	return err
}

// compare forgets the leases that are not there; what is there was read by now.
func (r *run) compare(there map[string]lease, now time.Time) (found losses) {
	living := r.leases[:0]
	for _, l := range r.leases {
		is, ok := there[l.id]
		if !ok || is.epoch != l.epoch {
			if l.overdue(r.cfg.TTL, now) {
				found.unverified++
			} else {
				found.ended++
			}
			continue
		}
		if is.seq < l.seq {
			found.renewals++
			l.seq = is.seq
		}
		living = append(living, l)
	}
	r.leases = living
	return found
}

// check reads from the leader whether all that was acknowledged in a round is
// there.
func (r *failoverRun) check(ctx context.Context, crew *failoverCrew, one *FailoverRound) error {
	found, err := r.herd.verify(ctx, &r.target)
	if err != nil {
		return err
	}
	one.RenewalsLost, one.LeasesEnded, one.Unverified = found.renewals, found.ended, found.unverified
	c := newConn(ctx, &r.target, 0)
	defer c.close()
	for _, w := range crew.writers {
		if w.renews {
			continue
		}
		var l wire.Lease
		if err := insist(ctx, c, w.path+"?consistency="+readLeader, &l); err != nil && !final(err) {
			return fmt.Errorf("read what was granted: %w", err)
		}
		if l.Epoch < w.epoch {
			one.GrantsLost++
		}
	}
	return nil
}
