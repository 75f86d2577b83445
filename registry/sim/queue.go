package sim

import (
	"math/bits"
	"time"
)

// kind says what an event does; see world.handle.
type kind uint8

const (
	evHeartbeat kind = iota // timers of a process: arg is its generation
	evElection
	evApply
	evBatch
	evNotice
	evNotify
	evSave
	evAppend // messages between nodes: arg is the message
	evAck
	evArrive // requests: arg is the request
	evForward
	evReply
	evClient // timers of a client: arg is the attempt or step
	evTimeout
	evWatch // of a watcher
	evFlip  // the nemesis
	evStart
	evDisk
	evHeal
	evFault
	evCheck
	evPost // timers of a correspondent: arg is the attempt
	evPostTimeout
)

// event is something that will happen to a node or a client.
type event struct {
	at   time.Duration
	tie  uint32 // order of creation
	kind kind
	to   int8
	arg  uint32
}

func (a *event) before(b *event) bool { return a.at < b.at || a.at == b.at && a.tie < b.tie }

// The ring of a queue covers about two seconds, in which nearly all that is
// pushed happens.
const (
	bucketBits = 20 // of a nanosecond: about a millisecond
	ringSize   = 2048
)

// queue is a calendar: a ring of short lists, one for each bucket of time, and
// a heap for what lies beyond. All its memory is used again for the next seed.
type queue struct {
	ties uint32
	now  time.Duration
	ring [ringSize][]event // each with the earliest last, once it was sorted
	full [ringSize / 64]uint64
	tidy [ringSize / 64]uint64 // which lists are sorted
	far  heap
}

func (q *queue) reset() {
	q.ties, q.now, q.far = 0, 0, q.far[:0]
	for i := range q.ring {
		q.ring[i] = q.ring[i][:0]
	}
	clear(q.full[:])
	clear(q.tidy[:])
}

func (q *queue) push(at time.Duration, k kind, to int, arg uint32) {
	q.ties++
	e := event{at, q.ties, k, int8(to), arg}
	if at>>bucketBits-q.now>>bucketBits >= ringSize {
		q.far.push(e)
		return
	}
	i := int(at>>bucketBits) % ringSize
	word, bit := i/64, uint64(1)<<(i%64)
	list := append(q.ring[i], e)
	if q.full[word]&bit != 0 && q.tidy[word]&bit != 0 {
		settle(list, len(list)-1)
	} else if q.full[word]&bit == 0 {
		q.tidy[word] |= bit // one event is in order
	} else {
		q.tidy[word] &^= bit
	}
	q.full[word] |= bit
	q.ring[i] = list
}

// settle moves the event at i to its place among those before it, which are in
// order, the latest first.
func settle(list []event, i int) {
	e := list[i]
	for ; i > 0 && list[i-1].before(&e); i-- {
		list[i] = list[i-1]
	}
	list[i] = e
}

// head returns the list with the next event of the ring, or -1.
func (q *queue) head() int {
	start := int(q.now>>bucketBits) % ringSize
	word := start / 64
	if w := q.full[word] &^ (1<<(start%64) - 1); w != 0 {
		return word*64 + bits.TrailingZeros64(w)
	}
	for range len(q.full) {
		word = (word + 1) % len(q.full)
		if w := q.full[word]; w != 0 {
			return word*64 + bits.TrailingZeros64(w)
		}
	}
	return -1
}

// next returns the event that happens next, and the list of the ring whose
// last it is, -1 for the heap. There is always one.
func (q *queue) next() (*event, int) {
	i := q.head()
	if i < 0 {
		return &q.far[0], -1
	}
	list := q.ring[i]
	if word, bit := i/64, uint64(1)<<(i%64); q.tidy[word]&bit == 0 {
		for j := 1; j < len(list); j++ {
			settle(list, j)
		}
		q.tidy[word] |= bit
	}
	e := &list[len(list)-1]
	if len(q.far) > 0 && q.far[0].before(e) {
		return &q.far[0], -1
	}
	return e, i
}

// take removes what next returned.
func (q *queue) take(i int) {
	if i < 0 {
		q.far.pop()
		return
	}
	q.ring[i] = q.ring[i][:len(q.ring[i])-1]
	if len(q.ring[i]) == 0 {
		q.full[i/64] &^= 1 << (i % 64)
	}
}
