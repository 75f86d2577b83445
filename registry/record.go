package registry

import (
	"encoding/binary"
	"strings"
)

// imageVersion opens every record of the durable image and the packed
// renewals.
const imageVersion = 1

// The keys of KindMeta: one record of the state, one for each service and for
// each hold.
const (
	metaKey       = "state"
	servicePrefix = "service"
	holdPrefix    = "hold"
)

func appendNamedKey(dst []byte, prefix string, name serviceName) []byte {
	return append(appendString(append(dst, prefix...), name.ns), name.service...)
}

// cutName returns the name in a key of that prefix, if it is one.
func cutName(key, prefix string) (name serviceName, ok bool) {
	rest, found := strings.CutPrefix(key, prefix)
	r := reader{data: []byte(rest)}
	name.ns = r.string()
	name.service = string(r.rest())
	return name, found && !r.bad
}

func (s *State) appendMeta(dst []byte) []byte {
	dst = append(dst, imageVersion)
	for _, v := range [...]uint64{s.index, s.term, s.revision, s.clusterMS} {
		dst = binary.AppendUvarint(dst, v)
	}
	dst = binary.AppendVarint(dst, s.wall)
	dst = appendRetention(appendString(dst, s.clusterID), s.retention)
	dst = binary.AppendUvarint(dst, uint64(s.events.count))
	dst = binary.AppendVarint(binary.AppendUvarint(dst, s.events.dropped.revision), s.events.dropped.wall)
	if s.unserved {
		dst = append(dst, 1)
	}
	return dst
}

func (s *State) loadMeta(r *reader) {
	s.index, s.term, s.revision, s.clusterMS = r.uvarint(), r.uvarint(), r.uvarint(), r.uvarint()
	s.wall = r.varint()
	s.clusterID = r.string()
	s.retain(r.retention())
	s.replay.kept = r.uvarint()
	s.events.dropped = dropped{r.uvarint(), r.varint()}
	if len(r.data) > 0 {
		s.unserved = r.flags(1) != 0
	}
}

// appendLeaseRecord leaves out what renewals change: it is rebuilt exactly
// from packed renewals and the log.
func (s *State) appendLeaseRecord(dst []byte, slot uint32) []byte {
	l := s.leases.at(slot)
	g := s.groups.at(l.group)
	dst = append(dst, imageVersion)
	dst = appendString(appendString(dst, g.ns.name), g.service)
	dst = appendString(append(dst, byte(l.state), byte(l.resumes())), string(l.packed))
	for _, v := range [...]uint64{uint64(l.port), uint64(l.ttl), l.revision, uint64(l.born)} {
		dst = binary.AppendUvarint(dst, v)
	}
	return binary.AppendVarint(dst, l.granted)
}

// leaseRecord is a decoded lease record.
type leaseRecord struct {
	ns, service string
	state       LeaseState
	resumes     LeaseState // with Held
	id          string
	from        origin
	spec        Spec
	ttl         uint32
	revision    uint64
	born        moment
	granted     int64
}

func (r *reader) leaseRecord() leaseRecord {
	l := leaseRecord{ns: r.string(), service: r.string(), state: LeaseState(r.byte()), resumes: LeaseState(r.byte())}
	inner := reader{data: r.bytes()}
	l.id, l.from = inner.string(), inner.origin()
	l.spec = Spec{Address: inner.string(), Tags: inner.strings(), Meta: inner.pairs()}
	l.spec.Port, l.ttl, l.revision = r.uvarint16(), r.uvarint32(), r.uvarint()
	l.born, l.granted = moment(r.uvarint()), r.varint()
	if inner.err() != nil || !l.state.lives(l.resumes) {
		r.fail()
	}
	return l
}

func appendHoldRecord(dst []byte, h *hold) []byte {
	dst = append(dst, imageVersion)
	for _, v := range [...]uint64{h.since, h.ends, h.rests} {
		dst = binary.AppendUvarint(dst, v)
	}
	return appendString(dst, h.reason)
}

func (r *reader) holdRecord(name serviceName) *hold {
	return &hold{serviceName: name, since: r.uvarint(), ends: r.uvarint(), rests: r.uvarint(), reason: r.string(), marks: stored}
}

func appendCertificateRecord(dst []byte, c *certificate) []byte {
	dst = appendString(append(dst, imageVersion), c.key)
	return appendCertificate(binary.AppendUvarint(dst, c.ended), &c.Certificate)
}

func (r *reader) certificateRecord() *certificate {
	return &certificate{key: r.string(), ended: r.uvarint(), Certificate: r.certificate(), marks: stored}
}
