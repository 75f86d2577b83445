package history

import (
	"errors"
	"math"
	"sync"
	"time"
)

// Recorder gathers operations. Its methods may be called from any goroutine.
type Recorder struct {
	began time.Time

	mu     sync.Mutex // guards all below
	tick   int64      // counts calls and returns: their order
	ops    []*Op
	faults []error // answers that are not of the contract
}

// New returns a recorder without operations. Instants count from now.
func New() *Recorder { return &Recorder{began: time.Now()} }

// The end of an operation that is open.
const (
	never   = math.MaxInt64
	forever = time.Duration(math.MaxInt64)
)

// begin adds an operation that begins now.
func (r *Recorder) begin(o Op) *Op {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tick++
	o.recorder, o.call, o.ret, o.until = r, r.tick, never, forever
	o.from = time.Since(r.began)
	r.ops = append(r.ops, &o)
	return &o
}

// end takes in an answer, once.
func (r *Recorder) end(o *Op, a answer, v verdict, fault error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if o.verdict != open || v == open {
		return
	}
	r.tick++
	o.ret, o.until = r.tick, time.Since(r.began)
	o.answer, o.verdict = a, v
	if fault != nil {
		r.faults = append(r.faults, fault)
	}
}

// Len returns how many operations were begun, and how many of them are open.
func (r *Recorder) Len() (begun, undecided int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, o := range r.ops {
		if o.verdict == open {
			undecided++
		}
	}
	return len(r.ops), undecided
}

// snapshot returns copies of the operations that count, by partition, and what
// was wrong with single answers.
func (r *Recorder) snapshot() (leases, boxes map[string][]*Op, all []*Op, faults error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	leases, boxes = make(map[string][]*Op), make(map[string][]*Op)
	for _, o := range r.ops {
		if o.verdict == void || o.verdict == open && o.kind.reads() {
			continue
		}
		for _, part := range o.parts() {
			all = append(all, part)
			if part.kind.ofMail() {
				boxes[part.id] = append(boxes[part.id], part)
			} else {
				leases[part.id] = append(leases[part.id], part)
			}
		}
	}
	return leases, boxes, all, errors.Join(r.faults...)
}
