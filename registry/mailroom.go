package registry

import (
	"cmp"
	"encoding/binary"
	"hash/maphash"
)

// mailroom holds every mailbox and message. A mailbox has a local number, which
// is its place here and no part of the state.
type mailroom struct {
	messages
	ids       table  // messages by mailbox and id
	deadlines agenda // pending messages and dead letters, by until
	boxes     []*mailbox
	unused    []uint32 // local numbers
	names     map[Identity]uint32
	aging     agenda            // mailboxes with tombstones, by the oldest
	idle      agenda            // mailboxes with nothing, by their last change
	first     map[uint32]uint64 // the first offset of messages that were queued again
	floor     uint64            // the highest offset of all mailboxes forgotten
	bytes     uint64            // what MailLimits.TotalBytes bounds
	seed      uint64            // so that nobody can choose ids that collide
}

// messageOverhead is what a message counts for besides its body where the total
// is bounded, as long as anything is known of it, so that messages without a
// body and tombstones are bounded too.
const messageOverhead = 128

func (r *mailroom) init() {
	r.names, r.first = make(map[Identity]uint32), make(map[uint32]uint64)
	r.seed = maphash.String(maphash.MakeSeed(), "")
	r.ids.hash = func(slot uint32) uint64 { return r.hash(r.at(slot).box, r.at(slot).id) }
	r.deadlines = agenda{before: r.sooner, place: func(slot uint32) *uint32 { return &r.at(slot).place }}
	byNumber := func(n uint32) *uint32 { return &r.boxes[n].place }
	r.aging = agenda{before: r.older, place: byNumber}
	r.idle = agenda{before: func(a, b uint32) bool { return r.boxes[a].revision < r.boxes[b].revision }, place: byNumber}
}

func (r *mailroom) hash(box uint32, id MessageID) uint64 {
	h := mix(r.seed, uint64(box))
	return mix(mix(h, binary.LittleEndian.Uint64(id[:])), binary.LittleEndian.Uint64(id[8:]))
}

// byUntil orders pending messages and dead letters by when they expire.
func (r *mailroom) byUntil(a, b uint32) int {
	x, y := r.at(a), r.at(b)
	if x.until != y.until {
		return cmp.Compare(x.until, y.until)
	}
	return cmp.Or(cmp.Compare(r.boxes[x.box].number, r.boxes[y.box].number), cmp.Compare(x.offset, y.offset))
}

func (r *mailroom) sooner(a, b uint32) bool { return r.byUntil(a, b) < 0 }

// older orders mailboxes by the end of their oldest tombstone. Two mailboxes
// have no revision in common.
func (r *mailroom) older(a, b uint32) bool {
	return r.at(r.boxes[a].oldest-1).due < r.at(r.boxes[b].oldest-1).due
}

// mailbox returns that of an id, or nil.
func (r *mailroom) mailbox(ns, id string) *mailbox {
	if n, ok := r.names[Identity{ns, id}]; ok {
		return r.boxes[n]
	}
	return nil
}

// find returns the slot of a message, of which at least a tombstone is kept.
func (r *mailroom) find(b *mailbox, id MessageID) (uint32, bool) {
	return r.ids.find(r.hash(b.local, id), func(slot uint32) bool {
		m := r.at(slot)
		return m.id == id && m.box == b.local
	})
}

// origin returns the offset that is in the key of a message's records: the
// first that it had.
func (r *mailroom) origin(slot uint32) uint64 {
	if m := r.at(slot); m.marks&moved == 0 {
		return m.offset
	}
	return r.first[slot]
}

// key names the records of a message.
func (r *mailroom) key(slot uint32) BodyKey {
	return newBodyKey(r.boxes[r.at(slot).box].number, r.origin(slot))
}

func newBodyKey(number, offset uint64) (k BodyKey) {
	binary.BigEndian.PutUint64(k[:8], number)
	binary.BigEndian.PutUint64(k[8:], offset)
	return k
}

// place gives a mailbox a local number.
func (r *mailroom) place(b *mailbox) {
	if n := len(r.unused); n > 0 {
		b.local = r.unused[n-1]
		r.unused = r.unused[:n-1]
		r.boxes[b.local] = b
		return
	}
	b.local = uint32(len(r.boxes))
	r.boxes = append(r.boxes, b)
}

// view returns a message for readers.
func (r *mailroom) view(slot uint32) Message {
	m := r.at(slot)
	return Message{ID: m.id, Offset: m.offset, State: m.state, Attempts: m.attempts, Size: m.size, Key: r.key(slot)}
}
