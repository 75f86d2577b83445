package registry

import (
	"testing"
	"time"
)

const ms = time.Millisecond

// court is a bench with a clock that ticks.
type court struct {
	*bench
	waiting func(epoch, seq uint64) bool
}

// newCourt returns a replica that serves in term 1.
func newCourt(t *testing.T) *court {
	c := &court{bench: newBench(t)}
	c.r.Tick(0)
	c.serve()
	return c
}

func (c *court) serve() {
	c.r.Lead(c.at.Term)
	c.do(&Serve{Term: c.at.Term, ClusterID: "c"})
}

func (c *court) hold(id string, ttl uint32) uint64 {
	c.t.Helper()
	r, _ := c.do(&Grant{NS: "ns", ID: id, TTL: ttl})
	return r.Lease.Epoch
}

// tick lets one tick pass and returns whom the judge would bury.
func (c *court) tick() *Expire {
	c.mono += TickEvery
	c.r.Tick(c.mono)
	x, holds := c.r.Due(c.mono, 100, c.waiting)
	if len(holds) > 0 {
		c.t.Fatalf("at %v held: %+v", c.mono, holds[0])
	}
	return x
}

// run ticks for so long; nobody may be due.
func (c *court) run(d time.Duration) {
	c.t.Helper()
	for range d / TickEvery {
		if x := c.tick(); x != nil {
			c.t.Fatalf("at %v due: %+v", c.mono, x.Burials)
		}
	}
}

// until ticks until somebody is due and returns when that was.
func (c *court) until(limit time.Duration) (time.Duration, *Expire) {
	c.t.Helper()
	for start := c.mono; c.mono-start < limit; {
		if x := c.tick(); x != nil {
			return c.mono, x
		}
	}
	c.t.Fatalf("nobody is due by %v", c.mono)
	return 0, nil
}

// between fails unless got is within [from, from+slack].
func (c *court) between(got, from, slack time.Duration) {
	c.t.Helper()
	if got < from || got > from+slack {
		c.t.Errorf("due at %v, want %v to %v", got, from, from+slack)
	}
}

// slack is how much later than at its exact time a lease may be due here: two
// ticks, and one of the wheel.
const slack = 60 * ms

func TestSilentLeaseIsDueAfterItsTTLAndMargin(t *testing.T) {
	for _, tt := range []struct {
		ttl    uint32
		margin time.Duration
	}{{500, 50 * ms}, {900, 90 * ms}, {1000, 100 * ms}, {30_000, 100 * ms}, {24 * 3600 * 1000, 100 * ms}} {
		c := newCourt(t)
		epoch := c.hold("a", tt.ttl)
		whole := time.Duration(tt.ttl) * ms
		at, x := c.until(whole + time.Second)
		c.between(at, whole+tt.margin, slack)
		if x.Term != 1 || x.StallMS != 0 || len(x.Burials) != 1 || x.Burials[0].Epoch != epoch || x.Burials[0].Seq != 0 {
			t.Errorf("due: %+v", x)
		}
		late := uint32((at - whole) / ms)
		if b := x.Burials[0]; b.AgeMS != tt.ttl+late || b.OverdueMS != late {
			t.Errorf("age %d, overdue %d, want %d, %d", b.AgeMS, b.OverdueMS, tt.ttl+late, late)
		}
		r, ev := c.do(x)
		if r.Buried != 1 || ev.Type != EventExpired || ev.Certificate.OverdueMS != uint64(late) || ev.Certificate.Cause != CauseExpired {
			t.Errorf("burial: %+v, %+v", r, ev)
		}
		if c.r.deadlines.wheel.Len() != 0 {
			t.Error("the buried lease is still in the wheel")
		}
	}
}

func TestRenewalMovesTheDeadlineAndARepeatedOneDoesNot(t *testing.T) {
	c := newCourt(t)
	epoch := c.hold("a", 1000)
	c.run(600 * ms)
	if b := c.beat(epoch, 5); b.Code != OK || b.RemainingMS != 1000 {
		t.Fatalf("renewal: %+v", b)
	}
	c.run(600 * ms)
	if b := c.beat(epoch, 5); b.Code != Duplicate || b.RemainingMS != 400 {
		t.Fatalf("the same again: %+v", b)
	}
	if b := c.beat(epoch, 4); b.Code != StaleSequence || b.Current != 5 || b.RemainingMS != 400 {
		t.Fatalf("a lower one: %+v", b)
	}
	at, x := c.until(time.Second)
	c.between(at, 1700*ms, slack)
	if x.Burials[0].Seq != 5 {
		t.Errorf("buried at seq %d", x.Burials[0].Seq)
	}
	l, _ := c.r.Lease("ns", "a")
	if got, want := c.r.Remaining(l.Slot, c.mono), int64((1600*ms-at)/ms); got != want {
		t.Errorf("remaining %d, want %d", got, want)
	}
}

func TestDueIsProposedAgainIfNothingCameOfIt(t *testing.T) {
	c := newCourt(t)
	c.hold("a", 1000)
	first, _ := c.until(2 * time.Second)
	again, _ := c.until(2 * time.Second)
	c.between(again-first, repeatMS*ms, slack)
}

func TestDueIsBounded(t *testing.T) {
	c := newCourt(t)
	for i := range 7 {
		c.hold(string(rune('a'+i)), 1000)
	}
	c.mono += TickEvery
	for range 60 {
		c.mono += TickEvery
		c.r.Tick(c.mono)
	}
	for _, want := range []int{3, 3, 1} {
		if x, _ := c.r.Due(c.mono, 3, nil); x == nil || len(x.Burials) != want {
			t.Fatalf("due %+v, want %d", x, want)
		}
	}
	if x, _ := c.r.Due(c.mono, 3, nil); x != nil {
		t.Fatalf("due once more: %+v", x)
	}
}

func TestNewLeaderGivesThreeQuarters(t *testing.T) {
	c := newCourt(t)
	c.r.Depose()
	short, long := c.hold("short", 1000), c.hold("long", 8000)
	c.run(3 * time.Second) // nobody judges
	c.at.Term = 2
	c.r.Lead(2)
	c.run(500 * ms) // led, but its Serve has not been applied
	if _, ok := c.r.Serving(); ok {
		t.Fatal("serves before its Serve")
	}
	began := c.mono
	c.serve()
	if term, ok := c.r.Serving(); !ok || term != 2 {
		t.Fatalf("serving in %d, %v", term, ok)
	}
	at, x := c.until(2 * time.Second)
	c.between(at, began+750*ms, slack)
	if x.Burials[0].Epoch != short || x.Term != 2 {
		t.Fatalf("due: %+v", x)
	}
	c.do(x)
	at, x = c.until(10 * time.Second)
	c.between(at, began+6000*ms, slack) // deadline at 8.1 s has not the last word: 3.5 + 6 s has
	if x.Burials[0].Epoch != long {
		t.Fatalf("due: %+v", x)
	}
}

func TestServeOpensOnlyTheOwnOffice(t *testing.T) {
	for _, tt := range []struct {
		name     string
		led      uint64
		proposer string
		term     uint64
		raft     uint64
		serving  bool
	}{
		{"own", 3, "n1", 3, 3, true},
		{"of another node", 3, "n2", 3, 3, false},
		{"of an older term of its own", 4, "n1", 3, 3, false},
		{"proposed in one term, appended in the next", 4, "n1", 3, 4, false},
		{"nothing led", 0, "n1", 3, 3, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			b.r.Lead(tt.led)
			b.node, b.at.Term = tt.proposer, tt.raft
			b.do(&Serve{Term: tt.term, ClusterID: "c"})
			if _, ok := b.r.Serving(); ok != tt.serving {
				t.Errorf("serving: %v", ok)
			}
		})
	}
}

func TestStallIsNotBelieved(t *testing.T) {
	c := newCourt(t)
	c.hold("a", 1000)
	c.run(900 * ms)
	c.mono += 420*ms - TickEvery
	if x, _ := c.r.Due(c.mono, 10, nil); x != nil {
		t.Fatal("judged before the late tick came")
	}
	c.mono += TickEvery
	if stall := c.r.Tick(c.mono); stall != 400*ms {
		t.Fatalf("stall %v, want 400ms", stall)
	}
	end := c.mono
	at, x := c.until(2 * time.Second)
	c.between(at, end+500*ms, slack)
	if x.StallMS != 400 {
		t.Errorf("StallMS %d", x.StallMS)
	}
}

func TestNoBurialUntilTicksAreOnTimeAgain(t *testing.T) {
	c := newCourt(t)
	c.hold("a", 500)
	c.run(500 * ms)
	c.mono += time.Second
	c.r.Tick(c.mono)
	for range 10 { // late ones, but no stalls
		c.mono += 150 * ms
		stall := c.r.Tick(c.mono)
		if x, _ := c.r.Due(c.mono, 10, nil); stall != 0 || x != nil {
			t.Fatal("a judge whose ticks are late judged")
		}
	}
	for range 2 {
		if x := c.tick(); x != nil {
			t.Fatal("judged after too few ticks on time")
		}
	}
	if c.tick() == nil {
		t.Fatal("not due after three ticks on time")
	}
}

func TestSuspendDoesNotCount(t *testing.T) {
	c := newCourt(t)
	c.hold("a", 10_000)
	c.run(5 * time.Second)
	c.mono += time.Hour
	c.r.Tick(c.mono)
	l, _ := c.r.Lease("ns", "a")
	if got := c.r.Remaining(l.Slot, c.mono); got != 4880 {
		t.Errorf("remaining %d, want 5000 less the cap of one tick", got)
	}
	if got := c.r.Clock(c.mono); got != 5120 {
		t.Errorf("the lease clock is at %d", got)
	}
	at, _ := c.until(20 * time.Second)
	c.between(at, 5*time.Second+time.Hour+5*time.Second, slack) // the stall's floor: T/2
}

func TestObstructedJudgeIsSilent(t *testing.T) {
	c := newCourt(t)
	c.hold("a", 1000)
	c.r.Obstruct(c.mono, true)
	c.run(3 * time.Second)
	c.r.Obstruct(c.mono, true)
	end := c.mono
	c.r.Obstruct(c.mono, false)
	at, _ := c.until(2 * time.Second)
	c.between(at, end+500*ms, slack)
}

func TestWaitingRenewalIsASignOfLife(t *testing.T) {
	c := newCourt(t)
	epoch := c.hold("a", 1000)
	asked := time.Duration(0)
	c.waiting = func(e, seq uint64) bool {
		if e != epoch || seq != 0 {
			t.Errorf("asked for epoch %d beyond seq %d", e, seq)
		}
		first := asked == 0
		if first {
			asked = c.mono
		}
		return first
	}
	at, x := c.until(3 * time.Second)
	c.between(asked, 1100*ms, slack)
	c.between(at, asked+500*ms, slack)
	if x.Burials[0].AgeMS < 1600 {
		t.Errorf("age %d is not that of the last renewal", x.Burials[0].AgeMS)
	}
}

func TestUsedSlotInheritsNothing(t *testing.T) {
	c := newCourt(t)
	first := c.hold("a", 1000)
	c.run(800 * ms)
	c.do(&Leave{"ns", "a", first})
	began := c.mono
	second := c.hold("b", 1000)
	at, x := c.until(3 * time.Second)
	c.between(at, began+1100*ms, slack)
	if len(x.Burials) != 1 || x.Burials[0].Epoch != second {
		t.Errorf("due: %+v", x)
	}
}

func TestLoadedLeasesHaveAFreshTTL(t *testing.T) {
	c := newCourt(t)
	c.hold("a", 1000)
	d := &disk{records: make(map[string][]byte)}
	d.flush(c.r.State)
	again, err := d.load()
	if err != nil {
		t.Fatal(err)
	}
	c.r, c.mono = again, 7*time.Hour
	c.r.Tick(c.mono)
	c.at.Term = 2
	c.serve()
	at, _ := c.until(3 * time.Second)
	c.between(at, 7*time.Hour+1100*ms, slack+TickCap)
}

// A million leases that end at one tick do not stop the world: here fewer, but
// more than one Tick or Due may touch.
func TestManyEndAtOnceInSteps(t *testing.T) {
	const n = tickWork + 1
	c := newCourt(t)
	populate(t, c.r, n, 1000)
	c.at.Index = c.r.Index()
	due, calls := 0, 0
	for c.mono < 5*time.Second && due < n {
		c.mono += TickEvery
		c.r.Tick(c.mono)
		if x, _ := c.r.Due(c.mono, 5000, nil); x != nil {
			if len(x.Burials) > 5000 {
				t.Fatalf("%d at once", len(x.Burials))
			}
			due += c.entry(x).Results[0].Buried
			calls++
		}
	}
	if due != n || c.r.Len() != 0 {
		t.Errorf("buried %d of %d in %d calls", due, n, calls)
	}
}
