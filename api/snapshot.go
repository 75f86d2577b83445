package api

import (
	"strings"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
	"github.com/seed-b4c92e43/rollcall/registry/watch"
)

// snapshot is who is alive as of one revision, in parts, each of which is read
// from the replica when it is asked for: so it takes no memory, however many
// there are. Seq and timing of a lease are those of when its part was read.
type snapshot struct {
	server   *Server
	filter   watch.Filter
	revision uint64
	after    string // id of the last part's last lease
	more     bool
}

// firstPart begins a snapshot at the revision that the replica has now.
func (s *Server) firstPart(r *request, f watch.Filter) (sn *snapshot, part wire.Snapshot) {
	sn = &snapshot{server: s, filter: f}
	s.view(r, func(replica *registry.Replica, mono time.Duration) {
		sn.revision = replica.Revision()
		part, _ = sn.read(replica, mono) // the present is kept
	})
	return sn, part
}

// next returns the next part; the error is a [watch.CompactedError].
func (sn *snapshot) next() (part wire.Snapshot, err error) {
	sn.server.node.View(func(replica *registry.Replica, mono time.Duration) { part, err = sn.read(replica, mono) })
	return part, err
}

func (sn *snapshot) read(replica *registry.Replica, mono time.Duration) (wire.Snapshot, error) {
	part := wire.Snapshot{Revision: sn.revision, Type: wire.EventSnapshot, Leases: []wire.Lease{}}
	page, kept := listAsOf(replica, sn.query(), sn.revision)
	if !kept {
		return part, &watch.CompactedError{After: sn.revision, Oldest: replica.OldestEvent()}
	}
	for i := range page.Leases {
		if l := &page.Leases[i]; sn.filter.ID == "" || l.ID == sn.filter.ID {
			part.Leases = append(part.Leases, sn.show(l, replica, mono))
		}
	}
	sn.after, sn.more = page.Next, page.More && sn.filter.ID == ""
	part.More = sn.more
	return part, nil
}

// query asks for the next part. An id is the first of those that begin with it.
func (sn *snapshot) query() registry.Query {
	f := &sn.filter
	q := registry.Query{NS: f.NS, Service: f.Service, Prefix: f.Prefix, Tags: f.Tags, After: sn.after, Limit: wire.MaxLimit}
	if f.ID != "" && strings.HasPrefix(f.ID, f.Prefix) {
		q.Prefix, q.Limit = f.ID, 1
	}
	return q
}

// show shows a lease as of the snapshot, with the seq and timing that it has
// now if it still lives.
func (sn *snapshot) show(l *registry.Lease, replica *registry.Replica, mono time.Duration) wire.Lease {
	now, lives := replica.Lease(l.NS, l.ID)
	if !lives || now.Epoch != l.Epoch {
		l.RenewedAt = max(l.RenewedAt, l.GrantedAt)
		return showLease(l, 0, nil)
	}
	l.Seq, l.RenewedAt, l.Renewals, l.Missed, l.Slot = now.Seq, now.RenewedAt, now.Renewals, now.Missed, now.Slot
	return sn.server.showLive(l, replica, mono)
}

// listAsOf is ListAt, or List where nothing happened since.
func listAsOf(replica *registry.Replica, q registry.Query, revision uint64) (page registry.Page, kept bool) {
	if revision == replica.Revision() {
		return replica.List(q), true
	}
	return replica.ListAt(q, revision)
}
