package node

import (
	"sync"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/collector"
)

// route says where this node's batches go: to its own log while it serves,
// which nothing displaces, else over the newest link to a leader.
type route struct {
	collector *collector.Collector

	mu   sync.Mutex
	own  collector.Sink // nil while this node does not serve
	link collector.Sink // nil while there is none
}

// lead sends batches to this node's own log.
func (r *route) lead(own collector.Sink) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.own = own
	r.collector.Attach(own, true)
}

// forward sends batches over a link. While this node serves, the link waits: it
// is to the next leader, of which the judge has not heard yet.
func (r *route) forward(link collector.Sink) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.link = link
	if r.own == nil {
		r.collector.Attach(link, false)
	}
}

// end takes a sink out of use. What went there goes over the link, or waits
// where there is none.
func (r *route) end(sink collector.Sink) {
	r.mu.Lock()
	defer r.mu.Unlock()
	used := r.link
	if r.own != nil {
		used = r.own
	}
	if sink == r.own {
		r.own = nil
	}
	if sink == r.link {
		r.link = nil
	}
	if sink == used {
		r.collector.Attach(r.link, false)
	}
}
