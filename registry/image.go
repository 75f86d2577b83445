package registry

import "encoding/binary"

// Kind names a kind of record in the durable image.
type Kind uint8

// The kinds; raftstore keeps one bucket for each.
const (
	KindMeta Kind = iota + 1
	KindLease
	KindCertificate
	KindEvent
	KindMailbox
	KindMessage
	KindBody   // by BodyKey
	KindReason // of the last nack, by BodyKey
)

// recordOverhead estimates what a record weighs besides its strings.
const recordOverhead = 64

// image is what the durable image lacks: the records that changed since the
// last Flush, by name, so that a Flush needs no scan. It grows until that; see
// FlushSize. A lease that was granted
// and ended in between is in no list but that of certificates.
type image struct {
	leases       []uint64 // epochs
	certificates []uint64 // epochs
	gone         []record
	services     map[serviceName]bool // true: the image holds a record of it
	holds        map[serviceName]bool // the same
	bytes        int
	mail         mailImage
}

// record names one record that the image holds and must lose.
type record struct {
	kind  Kind
	epoch uint64 // of an event and a certificate: the revision
}

type serviceName struct{ ns, service string }

func (m *image) init() {
	m.services, m.holds = make(map[serviceName]bool), make(map[serviceName]bool)
	m.mail.init()
}

func (m *image) changed(l *lease) {
	if l.marks&dirty == 0 {
		l.marks |= dirty
		m.leases = append(m.leases, l.epoch)
		m.bytes += len(l.packed) + recordOverhead
	}
}

func (m *image) certified(c *certificate) {
	c.marks |= dirty
	m.certificates = append(m.certificates, c.Epoch)
	m.bytes += len(c.NS) + len(c.ID) + len(c.Service) + len(c.key) + recordOverhead
}

// lost notes that a lease or certificate with those marks is no more.
func (m *image) lost(kind Kind, epoch uint64, marks mark) {
	if marks&stored != 0 {
		m.gone = append(m.gone, record{kind, epoch})
		m.bytes += recordOverhead
	}
}

func (m *image) touched(g *group) {
	m.named(m.services, g.name(), g.marks)
}

func (m *image) heldBack(h *hold) { m.named(m.holds, h.serviceName, h.marks) }

// named notes that what has that name changed.
func (m *image) named(list map[serviceName]bool, name serviceName, marks mark) {
	if _, known := list[name]; !known {
		list[name] = marks&stored != 0
		m.bytes += len(name.ns) + len(name.service) + recordOverhead
	}
}

// Flush hands out every record that changed since the last Flush (value nil:
// the record is gone) and the meta record, which holds the index. Renewals are
// not records: see Renewals. Keys and values belong to the caller. What was
// handed out is not handed out again: a caller whose transaction fails keeps
// it, or gives the image up.
func (s *State) Flush(put func(kind Kind, key, value []byte)) {
	out := flushing{state: s, put: put, size: min(max(s.image.bytes, flushBlockMin), flushBlock)}
	for _, epoch := range s.image.leases {
		out.lease(epoch)
	}
	for _, epoch := range s.image.certificates {
		out.certificate(epoch)
	}
	out.events()
	for _, r := range s.image.gone {
		put(r.kind, out.key(r.epoch), nil)
	}
	for name, kept := range s.image.services {
		out.service(name, kept)
	}
	for name, kept := range s.image.holds {
		out.hold(name, kept)
	}
	out.mail()
	put(KindMeta, []byte(metaKey), s.appendMeta(nil))
	s.image = image{}
	s.image.init()
}

// FlushSize estimates the bytes that Flush would hand out now.
func (s *State) FlushSize() int { return s.image.bytes + s.image.mail.bytes }

// flushing is one Flush. Records are cut from blocks, which are not used again.
type flushing struct {
	state *State
	put   func(kind Kind, key, value []byte)
	size  int // of a block
	block []byte
}

// flushBlock is the size of a block, less where little is flushed; a record
// that does not fit gets its own.
const (
	flushBlock    = 64 << 10
	flushBlockMin = 2 << 10
)

// cut returns what was appended to the block since it was start long.
func (f *flushing) cut(start int) []byte { return f.block[start:len(f.block):len(f.block)] }

func (f *flushing) room() int {
	if cap(f.block)-len(f.block) < f.size/16 {
		f.block = make([]byte, 0, f.size)
	}
	return len(f.block)
}

func (f *flushing) key(epoch uint64) []byte {
	start := f.room()
	f.block = binary.BigEndian.AppendUint64(f.block, epoch)
	return f.cut(start)
}

func (f *flushing) lease(epoch uint64) {
	slot, alive := f.state.live(epoch)
	if !alive {
		return
	}
	l := f.state.leases.at(slot)
	l.marks = l.marks&drains | stored
	start := f.room()
	f.block = f.state.appendLeaseRecord(f.block, slot)
	value := f.cut(start)
	f.put(KindLease, f.key(epoch), value)
}

func (f *flushing) certificate(epoch uint64) {
	c := f.state.certificates.byEpoch[epoch]
	if c == nil {
		return
	}
	c.marks = stored
	start := f.room()
	f.block = appendCertificateRecord(f.block, c)
	value := f.cut(start)
	f.put(KindCertificate, f.key(c.Revision), value) // by which they come and go in order
}

// events hands out those that came since the last Flush and are kept still.
func (f *flushing) events() {
	g := &f.state.events
	for i := g.after(g.stored); i < g.count; i++ {
		e := g.at(i)
		start := f.room()
		f.block = append(append(f.block, imageVersion), e.record...)
		value := f.cut(start)
		f.put(KindEvent, f.key(e.revision), value)
	}
	g.stored = f.state.revision
}

func (f *flushing) service(name serviceName, kept bool) {
	number, ok := f.state.groups.find(name.ns, name.service)
	if !ok {
		if kept {
			f.put(KindMeta, appendNamedKey(nil, servicePrefix, name), nil)
		}
		return
	}
	g := f.state.groups.at(number)
	g.marks = stored
	f.put(KindMeta, appendNamedKey(nil, servicePrefix, name), binary.AppendUvarint([]byte{imageVersion}, g.revision))
}

func (f *flushing) hold(name serviceName, kept bool) {
	h := f.state.holds[name]
	if h == nil {
		if kept {
			f.put(KindMeta, appendNamedKey(nil, holdPrefix, name), nil)
		}
		return
	}
	h.marks = stored
	f.put(KindMeta, appendNamedKey(nil, holdPrefix, name), appendHoldRecord(nil, h))
}
