package api

import (
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// heartbeatEvery is after what part of a TTL the holder should renew, so that
// two renewals may be lost.
const heartbeatEvery = 3

// showLease shows a live lease; remaining is in milliseconds by this node's
// judge, negative past the TTL.
func showLease(l *registry.Lease, remaining int64, rtt *wire.RTT) wire.Lease {
	return wire.Lease{
		NS:          l.NS,
		ID:          l.ID,
		Service:     l.Spec.Service,
		Address:     l.Spec.Address,
		Port:        int(l.Spec.Port),
		Tags:        append([]string{}, l.Spec.Tags...), // [] rather than null
		Meta:        showMeta(l.Spec.Meta),
		State:       l.State.String(),
		HeldReason:  l.HeldReason,
		Epoch:       l.Epoch,
		Seq:         l.Seq,
		TTLMS:       int64(l.TTL),
		ExpiresInMS: max(0, remaining),
		GrantedAt:   wire.Time(l.GrantedAt),
		RenewedAt:   wire.Time(l.RenewedAt),
		Renewals:    l.Renewals,
		Missed:      l.Missed,
		Late:        remaining < 0,
		RTTMS:       rtt,
		Revision:    l.Revision,
	}
}

func showMeta(pairs []registry.Pair) map[string]string {
	meta := make(map[string]string, len(pairs))
	for _, p := range pairs {
		meta[p.Key] = p.Value
	}
	return meta
}

func showCertificate(c *registry.Certificate) *wire.Certificate {
	if c == nil {
		return nil
	}
	return &wire.Certificate{
		NS:               c.NS,
		ID:               c.ID,
		Service:          c.Service,
		Epoch:            c.Epoch,
		Cause:            c.Cause.String(),
		At:               wire.Time(c.At),
		Revision:         c.Revision,
		Judge:            c.Judge,
		Term:             c.Term,
		LastSeq:          c.LastSeq,
		LastRenewalAgeMS: c.LastRenewalAgeMS,
		TTLMS:            int64(c.TTL),
		OverdueMS:        c.OverdueMS,
		Missed:           c.Missed,
		JudgeStallMS:     uint64(c.JudgeStallMS),
	}
}

// showGone shows an id that is gone: all that its certificate knows.
func showGone(c *registry.Certificate) wire.Gone {
	return wire.Gone{
		NS:          c.NS,
		ID:          c.ID,
		Service:     c.Service,
		State:       c.Cause.String(), // a cause of that name is a state, too
		Epoch:       c.Epoch,
		Seq:         c.LastSeq,
		TTLMS:       int64(c.TTL),
		Missed:      c.Missed,
		Revision:    c.Revision,
		Certificate: showCertificate(c),
	}
}

func showGrant(result *registry.Result) wire.Grant {
	l := result.Lease
	return wire.Grant{
		NS:               l.NS,
		ID:               l.ID,
		Epoch:            l.Epoch,
		Seq:              l.Seq,
		TTLMS:            int64(l.TTL),
		ExpiresInMS:      max(0, result.RemainingMS),
		HeartbeatEveryMS: int64(l.TTL) / heartbeatEvery,
		Revision:         result.Revision,
		Pending:          result.Pending,
		ReplacedEpoch:    result.ReplacedEpoch,
	}
}

// showRows shows the rows of a list.
func (s *Server) showRows(rows []registry.Row) []wire.Lease {
	shown := make([]wire.Lease, len(rows))
	for i := range rows {
		l := rows[i].Lease()
		shown[i] = showLease(&l, rows[i].RemainingMS, s.rtts.of(l.Epoch))
		shown[i].Flapping = rows[i].Flapping
	}
	return shown
}

// showLive shows a lease of one view with this node's hints.
func (s *Server) showLive(l *registry.Lease, replica *registry.Replica, mono time.Duration) wire.Lease {
	shown := showLease(l, replica.Remaining(l.Slot, mono), s.rtts.of(l.Epoch))
	shown.Flapping = replica.Flapping(l.NS, l.ID, replica.ClusterNow(mono))
	return shown
}
