package sim

import (
	"math"
	"strconv"
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// node is one server: its process, its clocks, its part in the log, and the
// code around its replica.
type node struct {
	w    *World
	id   int
	name string

	up         bool
	generation uint32        // counts process starts; timers of older ones are void
	thaw       time.Duration // until then the process does not run

	tickAt    time.Duration // when its ticker fires next
	rate      int64         // parts per million that its monotonic clock is off
	started   time.Duration // true time at which the monotonic clock was 0
	asleep    time.Duration // suspended since then: the clock stood still
	wallSkew  int64         // milliseconds off the true time of day
	least     time.Duration // true time that the lease clock did not count, at least
	most      time.Duration // and at most
	stallEnd  time.Duration // when the last long pause ended
	diskUntil time.Duration // the store hangs until then
	applySlow time.Duration // added to each apply, until slowUntil
	slowUntil time.Duration

	raft
	collector

	replica  *registry.Replica
	office   uint64 // term in which this process knows that it leads, 0 for none
	serving  moment // when it began to serve
	served   uint64 // in which term
	stuck    bool   // obstructed at the last tick
	stuckEnd time.Duration
	advanced registry.LeaseTime
	aged     time.Duration // when the next entry may be made for what is overdue
	disk     disk
}

func newNode(w *World, id int) *node {
	n := &node{w: w, id: id, name: "n" + strconv.Itoa(id+1)}
	n.rate = int64(w.random.n(2*ppm+1) - ppm)
	n.wallSkew = int64(w.random.n(2001) - 1000)
	return n
}

// start starts the process on what its disk holds.
func (n *node) start() {
	w := n.w
	n.up, n.thaw = true, 0
	n.generation++
	n.started, n.asleep = w.now, 0
	n.office, n.served, n.stuck, n.stuckEnd, n.stallEnd, n.advanced, n.aged = 0, 0, false, 0, 0, 0, 0
	n.collector.reset()
	n.replica = registry.NewReplica(n.name)
	n.replica.Plant(w.options.Bugs.Registry)
	n.load()
	n.raft.reset(n)
	n.tickAt = w.now + w.random.between(0, registry.TickEvery)
	n.after(w.random.between(0, 2*w.p.election)+w.p.election, evElection)
	n.after(w.random.about(w.p.save), evSave)
}

// crash ends the process; what its disk holds stays.
func (n *node) crash() {
	n.up, n.tickAt = false, never
	n.leading, n.leader = false, -1
}

func (n *node) stopped() bool { return n.thaw > n.w.now }

func (n *node) after(d time.Duration, k kind) { n.w.queue.push(n.w.now+d, k, n.id, n.generation) }

// mono reads the process's monotonic clock.
func (n *node) mono() time.Duration {
	d := n.w.now - n.started - n.asleep
	return d + d*time.Duration(n.rate)/1_000_000
}

// pause stops the process; its monotonic clock runs on.
func (n *node) pause(d time.Duration) {
	n.thaw = n.w.now + d
	n.least += max(0, d-registry.TickCap)
	n.most += d + n.w.p.idleTick
	if d >= registry.StallAfter+2*registry.TickEvery+n.w.p.idleTick {
		n.stallEnd = n.thaw
	}
}

// suspend stops the machine and its clock.
func (n *node) suspend(d time.Duration) {
	n.thaw = n.w.now + d
	n.least += d
	n.most += d
	n.asleep += d
}

func (n *node) moment() moment { return moment{n.w.now, n.least, n.most} }

func (n *node) timer(k kind) {
	switch k {
	case evHeartbeat:
		n.heartbeat()
	case evElection:
		n.elect()
	case evApply:
		n.applying = false
		n.apply()
	case evBatch:
		n.batching = false
		n.form()
	case evNotice:
		n.notice()
	case evNotify:
		n.notify()
	case evSave:
		n.save()
	}
}

// notice is when the process learns from its Raft whether it leads.
func (n *node) notice() {
	switch {
	case n.leading && n.office != n.term:
		if n.office != 0 {
			n.depose()
		}
		n.office = n.term
		n.w.logf("%s knows that it leads term %d", n.name, n.term)
		n.replica.Lead(n.term)
		n.attach()
		n.propose(n.w.newEntry(n, &registry.Serve{Term: n.office, ClusterID: "c", Retention: n.w.retention()}))
	case !n.leading && n.office != 0:
		n.w.logf("%s knows that it does not lead any more", n.name)
		n.depose()
	}
}

func (n *node) depose() {
	n.office = 0
	if !n.w.options.Bugs.BurialByFollower {
		n.replica.Depose()
	}
	n.detach()
}

// apply brings the replica up to what is committed.
func (n *node) apply() {
	for n.applied < n.commit && n.w.failure == nil {
		e := n.log[n.applied]
		n.applied++
		if e.noop {
			continue
		}
		content := &e.content
		if e.data != nil {
			decoded, err := registry.DecodeEntry(e.data)
			if err != nil {
				n.w.fail("entry %d does not decode: %v", e.index, err)
				return
			}
			content = &decoded
		}
		replayed := e.index <= n.replica.Index()
		out := n.replica.Apply(position(e), content, n.mono())
		if replayed {
			n.w.ghost.replayed(n, e, &out)
		} else {
			n.w.ghost.applied(n, e, &out)
		}
		n.settle(e, &out)
	}
}

// never is beyond every run.
const never = time.Duration(math.MaxInt64)

// ticker fires: the lease clock, then the judge. Without the process it waits.
func (n *node) ticker() {
	if n.stopped() {
		n.tickAt = n.thaw
		return
	}
	n.tickAt = n.w.now + n.w.p.idleTick
	if n.leading || n.office != 0 {
		n.tickAt = n.w.now + registry.TickEvery
	}
	mono := n.mono()
	n.replica.Tick(mono)
	if n.office != 0 || n.w.options.Bugs.BurialByFollower {
		n.judge(mono)
		n.ageMail(mono)
	}
}

// judge proposes to bury whom the replica says is due.
func (n *node) judge(mono time.Duration) {
	stuck := n.oldest() >= registry.StallAfter
	if n.stuck && !stuck {
		n.stuckEnd = n.w.now
	}
	n.stuck = stuck
	if !n.w.options.Bugs.NoObstruction {
		n.replica.Obstruct(mono, stuck)
	}
	waiting := n.waiting
	if n.w.options.Bugs.NoWaiting {
		waiting = nil
	}
	if x, _ := n.replica.Due(mono, 100, waiting); x != nil {
		n.w.ghost.decided(n, x)
		n.bury(x)
	}
	if n.w.now >= n.w.ghost.nextBound {
		n.w.ghost.bounds(n)
	}
}
