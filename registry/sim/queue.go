package sim

import "time"

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
	evFlip // the nemesis
	evStart
	evDisk
	evHeal
	evFault
	evCheck
)

// event is something that will happen to a node or a client.
type event struct {
	at   time.Duration
	tie  uint32 // order of creation
	kind kind
	to   int8
	arg  uint32
}

// queue is a heap of events with four children a node: flat, and all in one
// slice that is used again for the next seed.
type queue struct {
	heap []event
	ties uint32
}

func (q *queue) reset() { q.heap, q.ties = q.heap[:0], 0 }

func (a *event) before(b *event) bool { return a.at < b.at || a.at == b.at && a.tie < b.tie }

func (q *queue) push(at time.Duration, k kind, to int, arg uint32) {
	q.ties++
	e := event{at, q.ties, k, int8(to), arg}
	i := len(q.heap)
	q.heap = append(q.heap, e)
	for i > 0 {
		parent := (i - 1) / 4
		if !e.before(&q.heap[parent]) {
			break
		}
		q.heap[i] = q.heap[parent]
		i = parent
	}
	q.heap[i] = e
}

func (q *queue) pop() event {
	top := q.heap[0]
	last := len(q.heap) - 1
	e := q.heap[last]
	q.heap = q.heap[:last]
	if last > 0 {
		q.sink(e)
	}
	return top
}

// sink puts e where the root was and lets it fall to its place.
func (q *queue) sink(e event) {
	h := q.heap
	i := 0
	for {
		child := 4*i + 1
		if child >= len(h) {
			break
		}
		least := child
		for c := child + 1; c < min(child+4, len(h)); c++ {
			if h[c].before(&h[least]) {
				least = c
			}
		}
		if !h[least].before(&e) {
			break
		}
		h[i] = h[least]
		i = least
	}
	h[i] = e
}
