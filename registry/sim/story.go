package sim

import (
	"slices"
	"sort"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// story is what the ghost knows of events: all of them, and which a replica
// must have forgotten.
type story struct {
	events    []registry.Event // in order; there may be other changes between two revisions
	aged      []uint64         // their cluster time
	holders   [][leases]uint64 // the epochs that lived after that many events, by client whose id it is
	cluster   uint64
	keep      registry.Retention
	gone      int     // events forgotten
	forgotten []int32 // how many they were after each entry
}

func (s *story) reset() {
	*s = story{events: s.events[:0], aged: s.aged[:0], holders: append(s.holders[:0], [leases]uint64{}), forgotten: s.forgotten[:0]}
}

// tell takes the next event.
func (s *story) tell(w *World, ev *registry.Event) {
	s.events, s.aged = append(s.events, *ev), append(s.aged, s.cluster)
	after := s.holders[len(s.holders)-1]
	after[w.byID(ev.ID)] = epochOf(ev.Lease)
	s.holders = append(s.holders, after)
}

func epochOf(l *registry.Lease) uint64 {
	if l == nil {
		return 0
	}
	return l.Epoch
}

// forget drops what every replica must have forgotten after an entry. Limits
// here are of number and age.
func (s *story) forget(index uint64) {
	for s.gone < len(s.events) && s.beyond() {
		s.gone++
	}
	s.forgotten[index-1] = int32(s.gone)
}

func (s *story) beyond() bool {
	number, age := len(s.events)-s.gone, s.cluster-s.aged[s.gone]
	return s.keep.EventMax > 0 && number > int(s.keep.EventMax) || s.keep.EventMS > 0 && age > s.keep.EventMS
}

// upTo returns how many events there are up to a revision.
func (s *story) upTo(revision uint64) int {
	return sort.Search(len(s.events), func(i int) bool { return s.events[i].Revision > revision })
}

// livedAt returns the epochs that lived at a revision.
func (s *story) livedAt(revision uint64) [leases]uint64 { return s.holders[s.upTo(revision)] }

// ends returns up to which revision a node must have forgotten events, and what
// is then the oldest.
func (s *story) ends(n *node) (forgotten, oldest uint64) {
	gone := 0
	if index := n.replica.Index(); index > 0 {
		gone = int(s.forgotten[index-1])
	}
	if gone > 0 {
		forgotten = s.events[gone-1].Revision
	}
	if gone < s.upTo(n.replica.Revision()) {
		return forgotten, s.events[gone].Revision
	}
	return forgotten, forgotten + 1
}

// sameEvent tells whether a replica tells an event as it was made.
func sameEvent(a, b *registry.Event) bool {
	return a.Revision == b.Revision && a.Type == b.Type && a.NS == b.NS && a.ID == b.ID && a.Service == b.Service &&
		a.Epoch == b.Epoch && a.At == b.At && sameLease(a.Lease, b.Lease) && sameLease(a.Before, b.Before) &&
		(a.Certificate == nil) == (b.Certificate == nil) && (a.Certificate == nil || *a.Certificate == *b.Certificate)
}

func sameLease(a, b *registry.Lease) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.NS == b.NS && a.ID == b.ID && a.State == b.State && a.Epoch == b.Epoch && a.Seq == b.Seq && a.TTL == b.TTL &&
		a.Resumes == b.Resumes && a.HeldReason == b.HeldReason && a.GrantedAt == b.GrantedAt && a.RenewedAt == b.RenewedAt && a.Renewals == b.Renewals && a.Missed == b.Missed &&
		a.Revision == b.Revision && a.Spec.Service == b.Spec.Service && slices.Equal(a.Spec.Tags, b.Spec.Tags)
}

// retention draws how many events the next leader has every replica keep, and
// for how long; often all.
func (w *World) retention() (keep registry.Retention) {
	if w.watching.p(0.5) {
		keep.EventMax = uint32(1 + w.watching.n(60))
	}
	if w.watching.p(0.5) {
		keep.EventMS = uint64(2000 + w.watching.n(60_000))
	}
	keep.Mail = mailLimits
	return keep
}
