package registry

import "encoding/binary"

// eventRecord is an event as the log and the durable image keep it, in one
// immutable string: the time, whose it is, its type, and what it carries. What
// its revision, its type or another part of it tells is left out, so that a
// typical one takes 100 to 150 bytes.
type eventRecord string

// What an event carries, as bits.
const (
	eventLease = 1 << iota
	eventBefore
	eventCertificate
	eventSameSpec // Before says of itself what Lease says
	eventAll      = 1<<iota - 1
)

// eventHead is what can be read of a record without decoding it; it shares the
// record's memory.
type eventHead struct {
	cluster uint64 // time
	wall    int64
	ns, id  string
	kind    EventType
}

func (e eventRecord) head() eventHead {
	c := cutter(e)
	h := eventHead{cluster: c.uvarint(), wall: c.varint(), ns: c.string(), id: c.string()}
	h.kind = EventType(c[0])
	return h
}

// weight is what a record counts against Retention.EventBytes.
func (e eventRecord) weight() uint64 { return uint64(len(e)) + recordOverhead }

// appendEvent appends an event of that cluster time as a record. A certificate
// is of the lease Before.
func appendEvent(dst []byte, ev *Event, cluster uint64) []byte {
	dst = binary.AppendVarint(binary.AppendUvarint(dst, cluster), ev.At)
	dst = appendString(appendString(dst, ev.NS), ev.ID)
	carried := ev.carried()
	dst = append(dst, byte(ev.Type), carried)
	if carried&eventLease != 0 {
		dst = ev.appendLease(appendSpec(dst, &ev.Lease.Spec), ev.Lease)
	}
	if carried&eventBefore != 0 {
		if carried&eventSameSpec == 0 {
			dst = appendSpec(dst, &ev.Before.Spec)
		}
		dst = ev.appendLease(dst, ev.Before)
	}
	if c := ev.Certificate; c != nil {
		dst = appendString(dst, c.Judge)
		for _, v := range [...]uint64{c.Term, c.LastRenewalAgeMS, c.OverdueMS, uint64(c.JudgeStallMS)} {
			dst = binary.AppendUvarint(dst, v)
		}
	}
	return dst
}

func (ev *Event) carried() byte {
	same := ev.Lease != nil && ev.Before != nil && ev.Lease.Spec.equal(&ev.Before.Spec)
	return boolBit(ev.Lease != nil, eventLease) | boolBit(ev.Before != nil, eventBefore) |
		boolBit(ev.Certificate != nil, eventCertificate) | boolBit(same, eventSameSpec)
}

// appendLease appends a lease without what it says of itself; numbers are
// taken off those of the event, which makes most of them short.
func (ev *Event) appendLease(dst []byte, l *Lease) []byte {
	dst = appendString(append(dst, byte(l.State)|byte(l.Resumes)<<4), l.HeldReason)
	for _, v := range [...]uint64{ev.Revision - l.Epoch, ev.Revision - l.Revision, l.Seq, uint64(l.TTL), l.Renewals, l.Missed} {
		dst = binary.AppendUvarint(dst, v)
	}
	return binary.AppendVarint(binary.AppendVarint(dst, ev.At-l.GrantedAt), ev.At-l.RenewedAt)
}

// decode returns the event of that revision. The error is [ErrMalformed].
func (e eventRecord) decode(revision uint64) (Event, error) {
	r := reader{data: []byte(e)}
	r.uvarint() // the cluster time
	ev := Event{Revision: revision, At: r.varint(), NS: r.string(), ID: r.string(), Type: EventType(r.byte())}
	carried := r.flags(eventAll)
	if !ev.Type.may(carried) {
		return Event{}, ErrMalformed
	}
	if carried&eventLease != 0 {
		ev.Lease = r.eventLease(&ev, r.spec())
		ev.Epoch, ev.Service = ev.Lease.Epoch, ev.Lease.Spec.Service
	}
	if carried&eventBefore != 0 {
		ev.Before = r.eventBefore(&ev, carried)
	}
	if carried&eventCertificate != 0 {
		ev.Certificate = r.eventCertificate(&ev)
	}
	return ev, r.err()
}

// may tells whether an event of this type can carry that.
func (t EventType) may(carried byte) bool {
	const both = eventLease | eventBefore
	switch parts := carried &^ eventSameSpec; t {
	case EventRegistered:
		return carried == eventLease
	case EventUpdated, EventDraining, EventHeld, EventReleased:
		return parts == both
	case EventLeft, EventExpired, EventEvicted:
		return carried == eventBefore|eventCertificate
	case EventReplaced:
		return parts == both|eventCertificate
	}
	return false
}

func (r *reader) eventLease(ev *Event, spec Spec) *Lease {
	states := LeaseState(r.byte())
	l := &Lease{NS: ev.NS, ID: ev.ID, Spec: spec, State: states & 0xf, Resumes: states >> 4, HeldReason: r.string()}
	l.Epoch, l.Revision = ev.Revision-r.uvarint(), ev.Revision-r.uvarint()
	l.Seq, l.TTL, l.Renewals, l.Missed = r.uvarint(), r.uvarint32(), r.uvarint(), r.uvarint()
	l.GrantedAt, l.RenewedAt = ev.At-r.varint(), ev.At-r.varint()
	if !l.State.lives(l.Resumes) {
		r.fail()
	}
	return l
}

func (r *reader) eventBefore(ev *Event, carried byte) *Lease {
	if carried&eventSameSpec != 0 {
		return r.eventLease(ev, ev.Lease.Spec)
	}
	return r.eventLease(ev, r.spec())
}

// eventCertificate reads the certificate of ev.Before.
func (r *reader) eventCertificate(ev *Event) *Certificate {
	b := ev.Before
	c := &Certificate{
		NS: ev.NS, ID: ev.ID, Service: b.Spec.Service, Epoch: b.Epoch, Cause: ev.Type.cause(), At: ev.At,
		Revision: ev.Revision, LastSeq: b.Seq, TTL: b.TTL, Missed: b.Missed, Judge: r.string(),
	}
	c.Term, c.LastRenewalAgeMS, c.OverdueMS, c.JudgeStallMS = r.uvarint(), r.uvarint(), r.uvarint(), r.uvarint32()
	if ev.Lease == nil {
		ev.Epoch, ev.Service = c.Epoch, c.Service
	}
	return c
}

// cause is why the lease of an event of this type ended.
func (t EventType) cause() Cause {
	switch t {
	case EventExpired:
		return CauseExpired
	case EventLeft:
		return CauseLeft
	case EventEvicted:
		return CauseEvicted
	case EventReplaced:
		return CauseReplaced
	}
	return 0
}
