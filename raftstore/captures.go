package raftstore

import (
	"errors"
	"sync"
)

var errReplaced = errors.New("another snapshot was installed meanwhile")

// captures is the queue of what is not written yet.
type captures struct {
	mu    sync.Mutex
	list  []*capture
	bytes int
}

func (q *captures) put(c *capture) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.list = append(q.list, c)
	q.bytes += c.size
}

// take removes the oldest captures, up to and with the first fence.
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
	batch := q.list[:n:n]
	q.list = q.list[n:]
	return batch
}

// size returns the bytes that wait.
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
