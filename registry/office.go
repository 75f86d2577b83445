package registry

import "time"

// office says whether this node may judge.
type office struct {
	led     uint64    // Raft term that this node leads, 0 for none
	term    uint64    // of the Serve by which it judges
	judging bool      // that Serve has been applied
	since   LeaseTime // when it was
}

// lead notes a won election. It opens nothing yet.
func (d *Deadlines) lead(term uint64) {
	if term != d.office.led {
		d.office = office{led: term, since: longAgo}
	}
	if d.faults.ServeAtLead {
		d.office.term, d.office.judging = term, true
	}
}

func (d *Deadlines) depose() { d.office = office{since: longAgo} }

// serve is told of every Serve that took effect; it opens the office if it is
// this node's own, of the term that it leads.
func (d *Deadlines) serve(term uint64, proposer string) {
	o := &d.office
	if proposer != d.node || term != o.led || term == 0 || o.judging && o.term == term {
		return
	}
	o.term, o.judging, o.since = term, true, d.present
}

// floors are what no deadline of a lease may precede, whatever its own says:
// shared + T/2 after a stall or an obstruction of the judge.
type floors struct {
	shared     LeaseTime
	stall      time.Duration // the last one
	stallEnd   LeaseTime
	doubt      int // ticks on time until the judge is believed again
	obstructed bool
}

func newFloors() floors { return floors{shared: longAgo, stallEnd: longAgo} }

func (f *floors) stalled(now LeaseTime, stall time.Duration) {
	f.shared, f.stallEnd, f.stall, f.doubt = now, now, stall, trustAfter
}

// doubted notes a tick that was late, but no stall.
func (f *floors) doubted() {
	if f.doubt > 0 {
		f.doubt = trustAfter
	}
}

func (f *floors) trusted() { f.doubt = max(0, f.doubt-1) }

func (f *floors) open() bool { return f.doubt == 0 && !f.obstructed }

func (d *Deadlines) obstruct(mono time.Duration, obstructed bool) {
	if d.floors.obstructed && !obstructed && !d.faults.NoObstructFloor {
		d.floors.shared = d.clock.read(mono)
	}
	d.floors.obstructed = obstructed
}
