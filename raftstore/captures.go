package raftstore

import (
	"errors"
	"slices"
	"sync"

	"github.com/seed-b4c92e43/rollcall/registry"
)

var errReplaced = errors.New("another snapshot was installed meanwhile")

// captures is the queue of what is not on disk yet. What is being written stays
// in it until it is.
type captures struct {
	mu      sync.Mutex
	list    []*capture
	writing int // of the oldest
	bytes   int // of the others
}

func (q *captures) put(c *capture) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.list = append(q.list, c)
	q.bytes += c.size
}

// take returns the oldest captures, up to and with the first fence, for
// writing. Then done must be called.
func (q *captures) take() []*capture {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for n < len(q.list) {
		q.bytes -= q.list[n].size
		n++
		if q.list[n-1].fence != nil {
			break
		}
	}
	q.writing = n
	return q.list[:n:n]
}

// done ends a writing. What was not written is taken again.
func (q *captures) done(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err == nil {
		q.list = q.list[q.writing:]
	} else {
		for _, c := range q.list[:q.writing] {
			q.bytes += c.size
		}
	}
	q.writing = 0
}

// find returns what the newest capture that has the record says of it.
func (q *captures) find(kind registry.Kind, key registry.BodyKey) (value []byte, known bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, c := range slices.Backward(q.list) {
		if value, known = c.mail[mailRecord{kind, key}]; known {
			return value, true
		}
	}
	return nil, false
}

// size returns the bytes that wait to be written.
func (q *captures) size() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.bytes
}

// drop forgets what waits: the state that it belongs to is no more.
func (q *captures) drop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, c := range q.list {
		if c.fence != nil {
			c.fence.fail(errReplaced)
		}
	}
	q.list, q.bytes = nil, 0
}
