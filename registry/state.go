package registry

import "hash/maphash"

// State is the truth: live leases, certificates, the newest events, and their
// indexes. It has no
// lock; methods that only read may run side by side.
type State struct {
	index     uint64 // Raft index of the last entry applied
	term      uint64 // its Raft term
	revision  uint64
	clusterMS uint64
	wall      int64 // of the last entry, never less than before
	clusterID string
	retention Retention  // as it was set, 0 for a default
	kept      Retention  // the same with the defaults in place
	check     checkpoint // of the last Check
	sum       uint64     // see Digest
	unserved  bool       // restored, and no Serve since

	leases       slab
	epochs       table // live leases by epoch
	ids          table // live leases by namespace and id
	idSeed       maphash.Seed
	groups       *groups
	postings     *index
	certificates *certificates
	holds        map[serviceName]*hold
	events       eventLog
	mail         mailroom

	image  image
	replay replay
	turn   turn
	timer  timer
	faults Faults
}

// checkpoint is a digest and the index at which it was taken.
type checkpoint struct{ index, digest uint64 }

// turn is what the commands of the entry being applied share.
type turn struct {
	proposer string
	moment   moment
	wall     int64 // the stamp of renewals; State.wall but in a replay
	again    bool  // a replay: renewals only
	unheard  bool  // nobody reads what beats did
	begun    int   // holds
	events   []Event
	record   []byte     // of an event in the making
	mail     []Identity // see Outcome.Mail
	sent     int        // messages
	ended    int        // messages
}

// timer is told when leases begin, are renewed and end; it knows how long one
// has to live, which the state machine itself must not.
type timer interface {
	start(slot, ttl uint32)
	renew(slot, ttl uint32)
	stop(slot uint32)
	remaining(slot uint32) int64
}

// untimed is the timer of a State without a judge.
type untimed struct{}

func (untimed) start(uint32, uint32)   {}
func (untimed) renew(uint32, uint32)   {}
func (untimed) stop(uint32)            {}
func (untimed) remaining(uint32) int64 { return 0 }

func newState() *State {
	s := &State{idSeed: maphash.MakeSeed(), groups: newGroups(), certificates: newCertificates(), holds: make(map[serviceName]*hold), timer: untimed{}}
	s.postings = newIndex(&s.leases, s.groups)
	s.epochs.hash = func(slot uint32) uint64 { return hashEpoch(s.leases.at(slot).epoch) }
	s.ids.hash = func(slot uint32) uint64 {
		l := s.leases.at(slot)
		return s.hashID(s.groups.at(l.group).ns.name, l.packed.id())
	}
	s.events.init(s.hashID)
	s.mail.init()
	s.image.init()
	s.retain(Retention{})
	return s
}

// Revision returns the number of committed changes.
func (s *State) Revision() uint64 { return s.revision }

// Index returns the Raft index of the last entry applied. After a load it is
// that of the image, and stays there while older entries are replayed.
func (s *State) Index() uint64 { return s.index }

// ClusterID returns the id of the cluster, "" before it was founded.
func (s *State) ClusterID() string { return s.clusterID }

// Now returns the cluster time in milliseconds and the last wall stamp.
func (s *State) Now() (clusterMS uint64, wall int64) { return s.clusterMS, s.wall }

// Len returns the number of live leases.
func (s *State) Len() int { return s.leases.live }

// Lease returns the live lease of an id.
func (s *State) Lease(ns, id string) (Lease, bool) {
	slot, ok := s.find(ns, id)
	if !ok {
		return Lease{}, false
	}
	return s.view(slot), true
}

// Holder returns whose live epoch this is, without allocating.
func (s *State) Holder(epoch uint64) (ns, id string, ok bool) {
	slot, ok := s.live(epoch)
	if !ok {
		return "", "", false
	}
	l := s.leases.at(slot)
	return s.groups.at(l.group).ns.name, l.packed.id(), true
}

// LastCheck returns the index of the last Check applied and the digest there.
func (s *State) LastCheck() (index, digest uint64) { return s.check.index, s.check.digest }

func hashEpoch(epoch uint64) uint64 { return mix(epoch, hashC) }

func (s *State) hashID(ns, id string) uint64 {
	return mix(maphash.String(s.idSeed, ns), maphash.String(s.idSeed, id))
}

// live returns the slot of a live epoch.
func (s *State) live(epoch uint64) (uint32, bool) {
	if epoch == 0 {
		return 0, false
	}
	// This is epochs.find without the calls: it is the way of every heartbeat.
	hash := hashEpoch(epoch)
	g := s.epochs.segment(hash)
	if g.used == 0 {
		return 0, false
	}
	for i := g.home(hash); g.cells[i] != 0; i = g.next(i) {
		if slot := g.cells[i] - 1; s.leases.at(slot).epoch == epoch {
			return slot, true
		}
	}
	return 0, false
}

// find returns the slot of the lease that holds an id.
func (s *State) find(ns, id string) (uint32, bool) {
	return s.ids.find(s.hashID(ns, id), func(slot uint32) bool {
		l := s.leases.at(slot)
		return l.packed.id() == id && s.groups.at(l.group).ns.name == ns
	})
}

// view returns a copy of a live lease.
func (s *State) view(slot uint32) Lease {
	l := s.leases.at(slot)
	g := s.groups.at(l.group)
	v := Lease{
		NS: g.ns.name, ID: l.packed.id(), State: l.state, Epoch: l.epoch, Seq: l.seq, TTL: l.ttl,
		GrantedAt: l.granted, RenewedAt: l.renewed, Renewals: l.renewals, Missed: l.missed(),
		Revision: l.revision, Slot: slot,
	}
	l.packed.unpack(&v.Spec)
	v.Spec.Service, v.Spec.Port = g.service, l.port
	if l.state == Held {
		v.HeldReason, v.Resumes = s.heldReason(l.group), l.resumes()
	}
	return v
}

// missed counts the seqs left out: of all up to seq, those that never came.
func (l *lease) missed() uint64 { return l.seq - l.renewals }
