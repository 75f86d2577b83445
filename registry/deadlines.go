package registry

import (
	"math"
	"time"

	"github.com/seed-b4c92e43/rollcall/registry/wheel"
)

// The lease clock of a node.
const (
	// TickEvery is how often the holder of a Replica calls Tick.
	TickEvery = 20 * time.Millisecond
	// TickCap is the most by which one tick advances the lease clock, so that
	// time in which the process did not run does not count against clients.
	TickCap = 120 * time.Millisecond
	// StallAfter is how late a tick must be for the judge not to be believed.
	StallAfter = 400 * time.Millisecond
)

const (
	trustAfter = 3                 // ticks on time after a stall, before the next burial
	marginMax  = 100               // milliseconds
	repeatMS   = 500               // until a burial that did not come back is proposed again
	wheelMS    = 16                // lease-clock milliseconds of one tick of the wheel
	tickWork   = 30_000            // leases that one Tick moves at most
	dueWork    = 20_000            // leases that one Due looks at at most
	longAgo    = math.MinInt64 / 4 // longer ago than any floor matters
	tickMS     = LeaseTime(TickEvery / time.Millisecond)
	deadChunk  = 1 << deadBits // deadlines in a chunk
	deadBits   = 8
)

// Deadlines is the local judge of time: for each lease the reading of this
// node's lease clock at which its TTL has passed, and when to look next.
//
// A renewal only writes the deadline. The wheel holds, for each lease, a time
// not after which nobody need look: when it fires, the lease is put back to
// where its deadline is by then, or, on a serving leader, parked for Due. A
// floor for a lease alone is a later time in the wheel and no memory.
type Deadlines struct {
	node    string
	clock   clock
	wheel   *wheel.Wheel
	at      []*[deadChunk]LeaseTime // by slot
	leases  leaseOf
	office  office
	floors  floors
	guard   *guard
	present LeaseTime // during an Apply: the clock at its start
	faults  Faults
}

// leaseOf tells which lease a slot holds.
type leaseOf func(slot uint32) (epoch, seq uint64, ttl uint32)

func newDeadlines(node string, leases leaseOf, g *guard) *Deadlines {
	return &Deadlines{
		node: node, wheel: wheel.New(0), leases: leases, office: office{since: longAgo}, floors: newFloors(), guard: g,
	}
}

func (d *Deadlines) deadline(slot uint32) *LeaseTime {
	for int(slot>>deadBits) >= len(d.at) {
		d.at = append(d.at, new([deadChunk]LeaseTime))
	}
	return &d.at[slot>>deadBits][slot%deadChunk]
}

// start gives a lease in a slot that may have held another its full TTL.
func (d *Deadlines) start(slot, ttl uint32) {
	if at := d.deadline(slot); !d.faults.SlotInherits || *at == 0 {
		*at = d.present + LeaseTime(ttl)
	}
	d.look(slot, *d.deadline(slot)+margin(ttl))
}

func (d *Deadlines) renew(slot, ttl uint32) { *d.deadline(slot) = d.present + LeaseTime(ttl) }

func (d *Deadlines) stop(slot uint32) { d.wheel.Cancel(slot) }

func (d *Deadlines) remaining(slot uint32) int64 { return int64(*d.deadline(slot) - d.present) }

// until is remaining at mono; it only reads, also for a slot never used.
func (d *Deadlines) until(slot uint32, mono time.Duration) int64 {
	return d.left(slot, d.clock.read(mono))
}

// left is remaining at a reading of the clock.
func (d *Deadlines) left(slot uint32, now LeaseTime) int64 {
	if int(slot>>deadBits) >= len(d.at) {
		return 0
	}
	return int64(d.at[slot>>deadBits][slot%deadChunk] - now)
}

// look arranges that the lease in slot is looked at when the clock has reached
// that time.
func (d *Deadlines) look(slot uint32, at LeaseTime) {
	d.wheel.Schedule(slot, int64((at+wheelMS-1)/wheelMS))
}

// load gives a loaded lease a fresh TTL. A clock that runs already may have
// been read last up to a cap ago; one that never ticked stands still.
func (d *Deadlines) load(slot, ttl uint32) {
	d.present = d.clock.now
	if d.clock.begun {
		d.present += LeaseTime(TickCap / time.Millisecond)
	}
	if d.faults.LoadExpired {
		d.present -= LeaseTime(ttl)
	}
	d.start(slot, ttl)
}

// margin is what a silent lease is given beyond its TTL.
func margin(ttl uint32) LeaseTime { return LeaseTime(min(marginMax, ttl/10)) }

// tick advances the clock and settles what fired, in bounded steps.
func (d *Deadlines) tick(mono time.Duration) (stall time.Duration) {
	stall = d.clock.tick(mono, d.faults.WallClock)
	if stall > 0 && !d.faults.NoStallFloor {
		d.floors.stalled(d.clock.now, stall)
	} else if !d.clock.onTime {
		d.floors.doubted()
	} else {
		d.floors.trusted()
	}
	d.wheel.Advance(int64(d.clock.now/wheelMS), tickWork)
	for range tickWork {
		slot, ok := d.wheel.Fired()
		if !ok {
			break
		}
		d.settle(slot)
	}
	return stall
}

// settle decides what becomes of a lease that fired: it is looked at again when
// its deadline comes, or parked for the judge; where nobody judges it is looked
// at again after half its TTL.
func (d *Deadlines) settle(slot uint32) {
	_, _, ttl := d.leases(slot)
	switch due := d.due(slot, ttl); {
	case due > d.clock.now:
		d.look(slot, due)
	case d.office.judging:
		d.wheel.Park(slot)
	default:
		d.look(slot, d.clock.now+max(tickMS, LeaseTime(ttl/2)))
	}
}

// due returns when the lease may be buried: its deadline and margin, and what
// the floors say, have passed.
func (d *Deadlines) due(slot, ttl uint32) LeaseTime {
	at := *d.deadline(slot) + margin(ttl)
	if d.faults.NoMargin {
		at = *d.deadline(slot) - LeaseTime(ttl/2)
	}
	if !d.faults.NoServeFloor {
		at = max(at, d.office.since+LeaseTime(ttl)*3/4)
	}
	return max(at, d.floors.shared+LeaseTime(ttl/2))
}
