package gossip

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// What is remembered of processes that are gone.
const (
	forgetAfter = 24 * time.Hour
	maxGone     = 256
)

// process is one start of one node, under the name that memberlist knows.
type process struct {
	name string
	Member
}

// table holds every process that was seen, by memberlist name. Its lock is
// held for moments only and never while memberlist is called: memberlist calls
// into the table with its own lock held.
type table struct {
	mu        sync.Mutex
	processes map[string]*process
	changed   chan struct{} // capacity 1, level-triggered
}

func newTable() *table {
	return &table{processes: make(map[string]*process), changed: make(chan struct{}, 1)}
}

func (t *table) signal() {
	select {
	case t.changed <- struct{}{}:
	default:
	}
}

// alive records that a process lives and what it says of itself.
func (t *table) alive(name, addr string, m meta) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, known := t.processes[name]
	if !known {
		p = &process{name: name}
		t.processes[name] = p
	}
	p.Local, p.Started, p.GossipAddr = m.Local, m.Started, addr
	t.become(p, StatusAlive)
	t.signal()
}

// status moves a known process to a status, unless it is gone and this is only
// doubt.
func (t *table) status(name, status string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, known := t.processes[name]
	if !known || p.Status == status || (status == StatusSuspect && !p.Live()) {
		return
	}
	t.become(p, status)
	t.forget(time.Now())
	t.signal()
}

// cleared ends the suspicion of a process that was heard of.
func (t *table) cleared(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p, known := t.processes[name]; known && p.Status == StatusSuspect {
		t.become(p, StatusAlive)
		t.signal()
	}
}

func (t *table) become(p *process, status string) {
	if p.Status != status {
		p.Status, p.Since = status, time.Now()
	}
}

// forget drops what is gone: for too long, in favour of a newer process of
// the same node, or beyond the number that is remembered.
func (t *table) forget(now time.Time) {
	var gone []*process
	for _, p := range t.processes {
		if !p.Live() {
			gone = append(gone, p)
		}
	}
	slices.SortFunc(gone, func(a, b *process) int { return b.Since.Compare(a.Since) })
	for i, p := range gone {
		if i >= maxGone || now.Sub(p.Since) > forgetAfter || t.newest(p.Node) != p {
			delete(t.processes, p.name)
		}
	}
}

func (t *table) newest(node string) *process {
	var best *process
	for _, p := range t.processes {
		if p.Node == node && (best == nil || preferred(p, best)) {
			best = p
		}
	}
	return best
}

// preferred tells whether a speaks for its node rather than b: who lives does,
// then who started last.
func preferred(a, b *process) bool {
	if a.Live() != b.Live() {
		return a.Live()
	}
	return cmp.Or(cmp.Compare(a.Started, b.Started), cmp.Compare(a.name, b.name)) > 0
}

// members returns the process that speaks for each node, sorted by node id.
func (t *table) members() []Member {
	t.mu.Lock()
	defer t.mu.Unlock()
	best := make(map[string]*process, len(t.processes))
	for _, p := range t.processes {
		if b := best[p.Node]; b == nil || preferred(p, b) {
			best[p.Node] = p
		}
	}
	list := make([]Member, 0, len(best))
	for _, p := range best {
		list = append(list, p.Member)
	}
	slices.SortFunc(list, func(a, b Member) int { return cmp.Compare(a.Node, b.Node) })
	return list
}

// gone returns the gossip addresses of nodes other than self that died without
// a goodbye, the latest first, at most limit.
func (t *table) gone(self string, limit int) []string {
	members := t.members()
	slices.SortFunc(members, func(a, b Member) int { return b.Since.Compare(a.Since) })
	var addrs []string
	for i := range members {
		if m := &members[i]; m.Status == StatusDead && m.Node != self && len(addrs) < limit {
			addrs = append(addrs, m.GossipAddr)
		}
	}
	return addrs
}

// expire drops what was gone for too long.
func (t *table) expire(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := len(t.processes)
	t.forget(now)
	if len(t.processes) != before {
		t.signal()
	}
}
