package registry

import "time"

// Row is one lease of a list with the hints of this node. What its holder says
// of itself is not taken apart yet, so that copying a thousand of them out from
// under a lock is quick. It shares memory with the registry that never changes,
// and may be kept.
type Row struct {
	NS, Service string
	HeldReason  string // with Held
	said        packed
	Epoch, Seq  uint64
	Renewals    uint64
	Missed      uint64
	Revision    uint64 // of the last change other than a renewal
	GrantedAt   int64  // Unix milliseconds
	RenewedAt   int64  // Unix milliseconds
	RemainingMS int64  // by this node's judge; negative when it is past its TTL
	TTL         uint32 // milliseconds
	Port        uint16
	State       LeaseState
	Flapping    bool
}

// ID returns whose lease it is.
func (r *Row) ID() string { return r.said.id() }

// Spec takes apart what the holder says of itself, into the slices that spec
// has.
func (r *Row) Spec(spec *Spec) {
	r.said.unpack(spec)
	spec.Service, spec.Port = r.Service, r.Port
}

// Lease returns the row as a lease without its slot and what it resumes.
func (r *Row) Lease() Lease {
	l := Lease{
		NS: r.NS, ID: r.ID(), State: r.State, HeldReason: r.HeldReason, Epoch: r.Epoch, Seq: r.Seq, TTL: r.TTL,
		GrantedAt: r.GrantedAt, RenewedAt: r.RenewedAt, Renewals: r.Renewals, Missed: r.Missed, Revision: r.Revision,
	}
	r.Spec(&l.Spec)
	return l
}

// Rows is List for many leases at a time: it appends a page to rows, and its
// Page has no leases. Query.Now is that of mono.
func (r *Replica) Rows(q Query, mono time.Duration, rows []Row) ([]Row, Page) {
	q.Now = r.ClusterNow(mono)
	hash, some := r.postings.smallest(&q)
	if !some {
		return rows, Page{}
	}
	now := r.deadlines.clock.read(mono)
	l := listing{state: r.State, query: &q, budget: candidatesMax}
	l.take = func(slot uint32) {
		rows = append(rows, Row{})
		row := &rows[len(rows)-1]
		r.row(row, slot)
		row.RemainingMS = r.deadlines.left(slot, now)
		row.Flapping = r.Flapping(row.NS, row.ID(), q.Now)
	}
	l.walk(hash)
	return rows, l.page
}

// row fills in a row but for the hints.
func (s *State) row(row *Row, slot uint32) {
	l := s.leases.at(slot)
	g := s.groups.at(l.group)
	row.NS, row.Service, row.said = g.ns.name, g.service, l.packed
	row.Epoch, row.Seq, row.Renewals, row.Missed, row.Revision = l.epoch, l.seq, l.renewals, l.missed(), l.revision
	row.GrantedAt, row.RenewedAt = l.granted, l.renewed
	row.TTL, row.Port, row.State = l.ttl, l.port, l.state
	if l.state == Held {
		row.HeldReason = s.heldReason(l.group)
	}
}
