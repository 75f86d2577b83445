package node

import (
	"sync"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/collector"
)

// route says where this node's batches go: to its own log while it serves,
// which nothing displaces, else over the newest link to a leader.
type route struct {
	collector *collector.Collector

	mu      sync.Mutex
	sink    collector.Sink
	leading bool
}

// lead sends batches to this node's own log.
func (r *route) lead(own collector.Sink) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.attach(own, true)
}

// forward sends batches over a link, unless this node serves: a link that
// comes up as late as that is of a leader that is gone.
func (r *route) forward(link collector.Sink) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.leading {
		r.attach(link, false)
	}
}

// end lets batches wait, if they go to that sink now.
func (r *route) end(sink collector.Sink) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sink == sink {
		r.attach(nil, false)
	}
}

func (r *route) attach(sink collector.Sink, leading bool) {
	r.sink, r.leading = sink, leading
	r.collector.Attach(sink, leading)
}
