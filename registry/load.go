package registry

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// ErrInconsistent is returned when the records of a durable image, each well
// formed, do not make one state.
var ErrInconsistent = errors.New("inconsistent image")

// replay is what a load needs beyond the state: what waits until all records
// are there, and how far renewals are replayed.
type replay struct {
	meta         bool
	services     map[serviceName]uint64 // revisions
	certificates []*certificate
	events       []loggedEvent
	kept         uint64 // events that there must be
	mail         mailReplay
	from         uint64 // index of the packed renewals
	at           uint64 // index up to which renewals are applied
	wall         int64  // of the entry at
}

// Load takes one record of a durable image into an empty state, in any order;
// after the last, LoadRenewals takes the packed renewals, if there are any,
// and Loaded finishes. The log must then be replayed from the entry after
// ReplayFrom: entries up to Index change nothing but renewals, and at Index
// the state is, digest and all, what it was there. Errors are [ErrMalformed]
// or [ErrInconsistent].
func (s *State) Load(kind Kind, key, value []byte) error {
	r := &reader{data: value}
	if r.byte() != imageVersion {
		return fmt.Errorf("load record of kind %d: version: %w", kind, ErrMalformed)
	}
	if err := s.loadRecord(kind, key, r); err != nil {
		return fmt.Errorf("load record of kind %d, key %q: %w", kind, key, err)
	}
	return nil
}

func (s *State) loadRecord(kind Kind, key []byte, r *reader) error {
	switch kind {
	case KindMeta:
		return s.loadNamed(string(key), r)
	case KindLease:
		if len(key) == 8 {
			return s.loadLease(binary.BigEndian.Uint64(key), r)
		}
	case KindCertificate:
		if len(key) == 8 {
			return s.loadCertificate(binary.BigEndian.Uint64(key), r)
		}
	case KindEvent:
		if len(key) == 8 {
			return s.loadEvent(binary.BigEndian.Uint64(key), r)
		}
	case KindMailbox, KindMessage, KindBody, KindReason:
		return s.loadMail(kind, key, r)
	}
	return ErrMalformed
}

func (s *State) loadNamed(key string, r *reader) error {
	if key == metaKey {
		s.replay.meta = true
		s.loadMeta(r)
		return r.err()
	}
	if key == floorKey {
		return s.loadFloor(r)
	}
	if name, ok := cutName(key, holdPrefix); ok {
		s.putHold(r.holdRecord(name))
		return r.err()
	}
	service, ok := cutName(key, servicePrefix)
	if !ok {
		return ErrMalformed
	}
	if s.replay.services == nil {
		s.replay.services = make(map[serviceName]uint64)
	}
	s.replay.services[service] = r.uvarint()
	return r.err()
}

func (s *State) loadLease(epoch uint64, r *reader) error {
	v := r.leaseRecord()
	if err := r.err(); err != nil {
		return err
	}
	_, known := s.live(epoch)
	_, taken := s.find(v.ns, v.id)
	if epoch == 0 || known || taken {
		return fmt.Errorf("epoch or id is there twice: %w", ErrInconsistent)
	}
	slot := s.leases.take()
	*s.leases.at(slot) = lease{
		packed: pack(v.id, v.from, &v.spec), epoch: epoch, granted: v.granted, renewed: v.granted,
		revision: v.revision, born: v.born, ttl: v.ttl, group: s.groups.join(v.ns, v.service, v.state),
		port: v.spec.Port, marks: stored,
	}
	s.leases.at(slot).become(v.state, v.resumes)
	s.enter(slot)
	return nil
}

func (s *State) loadCertificate(revision uint64, r *reader) error {
	c := r.certificateRecord()
	if err := r.err(); err != nil {
		return err
	}
	switch revision {
	case c.Revision:
	case c.Epoch:
		return fmt.Errorf("certificate of epoch %d: it is kept where builds before this one kept it: %w", c.Epoch, ErrInconsistent)
	default:
		return fmt.Errorf("certificate of epoch %d: %w", c.Epoch, ErrInconsistent)
	}
	s.replay.certificates = append(s.replay.certificates, c)
	return nil
}

// Loaded ends a load: it builds the indexes and checks that the records belong
// together. The error is [ErrInconsistent].
func (s *State) Loaded() error {
	for _, step := range [...]func() error{
		s.settleMeta, s.settleLeases, s.settleServices, s.settleHolds, s.settleCertificates, s.settleEvents, s.settleMail,
	} {
		if err := step(); err != nil {
			return fmt.Errorf("finish load: %w", err)
		}
	}
	s.replay.services, s.replay.certificates, s.replay.events, s.replay.mail = nil, nil, nil, mailReplay{}
	return nil
}

func (s *State) settleMeta() error {
	records := s.leases.live + len(s.replay.services) + len(s.holds) + len(s.replay.certificates) + len(s.replay.events) + len(s.replay.mail.numbers)
	if !s.replay.meta && records > 0 {
		return fmt.Errorf("no record of the state itself: %w", ErrInconsistent)
	}
	if s.replay.from > s.index {
		return fmt.Errorf("renewals of index %d, records of %d: %w", s.replay.from, s.index, ErrInconsistent)
	}
	return nil
}

func (s *State) settleLeases() (err error) {
	s.leases.each(func(_ uint32, l *lease) {
		if l.epoch > s.revision || l.revision > s.revision || l.revision < l.epoch || l.born.index() > s.index {
			err = fmt.Errorf("epoch %d beyond revision %d: %w", l.epoch, s.revision, ErrInconsistent)
		}
	})
	if err == nil {
		s.postings.build()
	}
	return err
}

func (s *State) settleServices() error {
	for name, revision := range s.replay.services {
		number, ok := s.groups.find(name.ns, name.service)
		if !ok || revision > s.revision {
			return fmt.Errorf("service %q: %w", name.service, ErrInconsistent)
		}
		g := s.groups.at(number)
		g.revision, g.marks = revision, stored
	}
	return nil
}

func (s *State) settleHolds() error {
	for name, h := range s.holds {
		if h.since > h.ends || h.ends > h.rests || h.since > s.clusterMS {
			return fmt.Errorf("hold of %q %q: %w", name.ns, name.service, ErrInconsistent)
		}
	}
	for i := range s.groups.list {
		if g := s.groups.at(uint32(i)); g.counts[Held] > 0 && s.holdOf(g.name()) == nil {
			return fmt.Errorf("held leases of service %q without a hold: %w", g.service, ErrInconsistent)
		}
	}
	return nil
}

func (s *State) settleCertificates() error {
	list := s.replay.certificates
	slices.SortFunc(list, func(a, b *certificate) int { return cmp.Compare(a.Revision, b.Revision) })
	for i, c := range list {
		_, alive := s.live(c.Epoch)
		if alive || c.Revision > s.revision || c.ended > s.clusterMS || i > 0 && list[i-1].Revision == c.Revision {
			return fmt.Errorf("certificate of epoch %d: %w", c.Epoch, ErrInconsistent)
		}
		s.certificates.add(c)
		s.sum += digestCertificate(c)
	}
	s.certificates.made = 0
	return nil
}
