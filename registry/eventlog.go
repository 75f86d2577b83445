package registry

import (
	"math"
	"sort"
)

// The limits of the log of events where no Serve has set them.
const (
	defaultEventMS    = 24 * 60 * 60 * 1000
	defaultEventMax   = 100_000
	defaultEventBytes = 64 << 20
)

const (
	// eventSlots is how many slots the log of events has: a number that rises
	// with each event and goes round, of which those that are kept are in use.
	eventSlots = 1 << 31

	eventBits  = 8
	eventChunk = 1 << eventBits // events in a chunk
)

// loggedEvent is one kept event: 32 bytes and its record.
type loggedEvent struct {
	record   eventRecord
	revision uint64
	back     uint32  // how many events ago the last one of its id was, 0 for none
	penalty  penalty // of its id, after it
}

// eventLog keeps the newest events, oldest first, and finds those of an id
// without a scan. An event has an index, its place among the kept, and a slot,
// which stays the same while it is kept.
type eventLog struct {
	chunks  []*[eventChunk]loggedEvent
	first   uint32 // slot of the oldest
	count   int
	bytes   uint64 // the weight of all
	newest  table  // the newest event of each id
	flaps   int    // how many of those left their id flapping
	hash    func(ns, id string) uint64
	dropped dropped
	stored  uint64 // revision up to which the durable image has what is kept
	made    int    // since the last forgetting
	added   uint64 // their weight
}

// dropped is the newest event that was forgotten; zero if none was.
type dropped struct {
	revision uint64
	wall     int64
}

func (g *eventLog) init(hash func(ns, id string) uint64) {
	g.hash = hash
	g.newest.hash = func(slot uint32) uint64 {
		h := g.at(g.index(slot)).record.head()
		return hash(h.ns, h.id)
	}
}

func (g *eventLog) slot(index int) uint32 { return (g.first + uint32(index)) % eventSlots }
func (g *eventLog) index(slot uint32) int { return int((slot - g.first) % eventSlots) }

func (g *eventLog) at(index int) *loggedEvent {
	place := int(g.first%eventChunk) + index
	return &g.chunks[place>>eventBits][place%eventChunk]
}

// after returns the index of the first event after a revision.
func (g *eventLog) after(revision uint64) int {
	return sort.Search(g.count, func(i int) bool { return g.at(i).revision > revision })
}

// last returns the index of the newest event of an id, -1 for none.
func (g *eventLog) last(hash uint64, ns, id string) int {
	slot, ok := g.newest.find(hash, func(slot uint32) bool {
		h := g.at(g.index(slot)).record.head()
		return h.id == id && h.ns == ns
	})
	if !ok {
		return -1
	}
	return g.index(slot)
}

// previous returns the index of the event before one of its id, -1 for none.
func (g *eventLog) previous(index int) int {
	back := int(g.at(index).back)
	if back == 0 || back > index {
		return -1
	}
	return index - back
}

// add appends the newest event.
func (g *eventLog) add(revision uint64, record eventRecord) {
	h := record.head()
	hash := g.hash(h.ns, h.id)
	old, slot := g.last(hash, h.ns, h.id), g.slot(g.count)
	g.grow()
	e := g.at(g.count - 1)
	*e = loggedEvent{record: record, revision: revision}
	var penalty penalty
	if old >= 0 {
		before := g.at(old)
		e.back = uint32(g.count - 1 - old)
		penalty = before.penalty.decayed(h.cluster - before.record.head().cluster)
		g.flaps -= before.penalty.count()
		g.newest.swap(hash, g.slot(old), slot)
	} else {
		g.newest.insert(hash, slot)
	}
	e.penalty = penalty.struck(h.kind)
	g.flaps += e.penalty.count()
	g.bytes += record.weight()
	g.made++
	g.added += record.weight()
}

// grow makes room for one more event.
func (g *eventLog) grow() {
	if place := int(g.first%eventChunk) + g.count; place>>eventBits == len(g.chunks) {
		g.chunks = append(g.chunks, new([eventChunk]loggedEvent))
	}
	g.count++
}

// shift forgets the oldest event.
func (g *eventLog) shift() {
	e := g.at(0)
	h := e.record.head()
	hash := g.hash(h.ns, h.id)
	if g.last(hash, h.ns, h.id) == 0 {
		g.newest.remove(hash, g.first)
		g.flaps -= e.penalty.count()
	}
	g.dropped = dropped{e.revision, h.wall}
	g.bytes -= e.record.weight()
	*e = loggedEvent{}
	g.first, g.count = g.slot(1), g.count-1
	if g.first%eventChunk == 0 {
		g.chunks[0] = nil
		g.chunks = g.chunks[1:]
	}
}

// beyond tells whether the oldest event is more than is to be kept.
func (g *eventLog) beyond(limits *Retention, clusterMS uint64) bool {
	return g.count > int(min(limits.EventMax, math.MaxInt32)) || g.bytes > limits.EventBytes ||
		clusterMS-g.at(0).record.head().cluster > limits.EventMS
}

// keep adds an event to the log.
func (s *State) keep(ev *Event) {
	if s.faults.EventSkipped && ev.Type == EventExpired && len(s.turn.events) > 1 {
		return
	}
	s.turn.record = appendEvent(s.turn.record[:0], ev, s.clusterMS)
	record := eventRecord(s.turn.record)
	s.events.add(ev.Revision, record)
	s.sum += digestEvent(ev.Revision, record)
	s.image.bytes += int(record.weight())
}

// forgetEvents drops events that are too old, too many or too much, in bounded
// steps: by number and by weight at least twice what the entry has added.
func (s *State) forgetEvents() {
	g, limits := &s.events, &s.kept
	floor := g.bytes - min(g.bytes, 2*g.added)
	for steps := forgetFloor + 2*g.made; g.count > 0 && (steps > 0 || g.bytes > floor) && g.beyond(limits, s.clusterMS); steps-- {
		old := *g.at(0)
		g.shift()
		s.sum -= digestEvent(old.revision, old.record)
		if old.revision <= g.stored {
			s.image.lost(KindEvent, old.revision, stored)
		}
	}
	g.made, g.added = 0, 0
}
