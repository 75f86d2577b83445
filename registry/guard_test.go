package registry

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"
)

// fleet is a court before which many leases of TTL 1 s live, of service web in
// namespace ns. It renews them, and applies at once what the judge decides.
type fleet struct {
	*court
	others []*Replica // that apply the same log
	epochs []uint64
	seqs   []uint64
	silent []bool
	limit  int
	last   time.Duration // of the last entry
	seen   []sighting
}

// sighting is one event, and when it was applied.
type sighting struct {
	at    time.Duration
	kind  EventType
	epoch uint64
}

// third protects service web: at most 30 % may be buried, at most for 2 s.
var third = Protection{NS: "ns", Service: "web", Threshold: 0.3, MinPopulation: 20, MaxHold: 2 * time.Second, Window: time.Minute}

func newFleet(t *testing.T, n int, rules ...Protection) *fleet {
	t.Helper()
	f := &fleet{court: newCourt(t), silent: make([]bool, n), seqs: make([]uint64, n), limit: 100}
	f.r.Protect(rules)
	for i := range n {
		f.join(i, "web")
	}
	return f
}

// join grants lease i.
func (f *fleet) join(i int, service string) {
	f.t.Helper()
	out := f.apply(&Grant{NS: "ns", ID: fmt.Sprintf("w%04d", i), TTL: 1000, Spec: Spec{Service: service}})
	f.epochs = append(f.epochs, out.Results[0].Lease.Epoch)
}

// apply commits commands as one entry, now.
func (f *fleet) apply(commands ...Command) Outcome {
	f.t.Helper()
	f.at.Index++
	e := Entry{Wall: f.mono.Milliseconds(), Advance: uint32((f.mono - f.last) / ms), Proposer: f.r.deadlines.node, Commands: commands}
	f.last = f.mono
	for _, r := range f.others {
		r.Apply(f.at, &e, f.mono)
	}
	out := f.r.Apply(f.at, &e, f.mono)
	for _, ev := range out.Events {
		f.seen = append(f.seen, sighting{f.mono, ev.Type, ev.Epoch})
	}
	return out
}

// decide lets one tick pass and returns the judge's decisions. Every 300 ms all
// renew who are not silent.
func (f *fleet) decide() (decisions []Command) {
	if f.mono%(300*ms) == 0 {
		f.renew()
	}
	f.mono += TickEvery
	for _, r := range f.others {
		r.Tick(f.mono)
	}
	f.r.Tick(f.mono)
	x, holds := f.r.Due(f.mono, f.limit, nil)
	if x != nil {
		decisions = append(decisions, x)
	}
	for _, h := range holds {
		decisions = append(decisions, h)
	}
	total := 0
	for _, c := range decisions {
		total += len(judged(c))
	}
	if total > f.limit {
		f.t.Fatalf("decided about %d at once", total)
	}
	return decisions
}

// run lets time pass, and applies what the judge decides.
func (f *fleet) run(d time.Duration) {
	f.t.Helper()
	for end := f.mono + d; f.mono < end; {
		if x := f.decide(); x != nil {
			f.apply(x...)
		}
	}
	f.check()
	for _, r := range f.others {
		if r.Digest() != f.r.Digest() {
			f.t.Fatal("replicas differ")
		}
	}
}

// decision lets time pass until the judge decides something, and returns it.
func (f *fleet) decision() []Command {
	f.t.Helper()
	for limit := f.mono + 5*time.Second; f.mono < limit; {
		if x := f.decide(); x != nil {
			return x
		}
	}
	f.t.Fatal("nothing is decided")
	return nil
}

func (f *fleet) renew() {
	var beats Beats
	for i, epoch := range f.epochs {
		if !f.silent[i] {
			f.seqs[i]++
			beats = beats.Append(epoch, f.seqs[i])
		}
	}
	f.apply(&Renew{Beats: beats})
}

// hush makes leases from up to to silent, or lets them speak again.
func (f *fleet) hush(from, to int, silent bool) {
	for i := from; i < to; i++ {
		f.silent[i] = silent
	}
}

// count counts what was seen.
func (f *fleet) count(kind EventType) (n int) {
	for _, s := range f.seen {
		if s.kind == kind {
			n++
		}
	}
	return n
}

// expect compares how many were held, buried and released so far.
func (f *fleet) expect(held, buried, released int) {
	f.t.Helper()
	if h, b, r := f.count(EventHeld), f.count(EventExpired), f.count(EventReleased); h != held || b != buried || r != released {
		f.t.Fatalf("at %v: %d held, %d buried, %d released, want %d, %d, %d (%+v)", f.mono, h, b, r, held, buried, released, f.r.Holds(f.r.clusterMS))
	}
}

func TestGuardHoldsBeyondTheThreshold(t *testing.T) {
	for _, tt := range []struct {
		name         string
		n, silent    int
		rules        []Protection
		held, buried int
	}{
		{"no rule", 100, 100, nil, 0, 100},
		{"a rule of others", 100, 100, []Protection{{NS: "ns", Service: "db", Threshold: 0.1, MinPopulation: 1, MaxHold: time.Hour, Window: time.Minute}}, 0, 100},
		{"at the threshold", 100, 30, []Protection{third}, 0, 30},
		{"beyond it", 100, 31, []Protection{third}, 31, 0},
		{"all", 100, 100, []Protection{third}, 100, 0},
		{"a small population", 19, 19, []Protection{third}, 0, 19},
		{"of the whole namespace", 100, 50, []Protection{{NS: "ns", Threshold: 0.3, MinPopulation: 20, MaxHold: 2 * time.Second, Window: time.Minute}}, 50, 0},
		{"more than one decision may bury", 1000, 600, []Protection{third}, 600, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFleet(t, tt.n, tt.rules...)
			f.hush(0, tt.silent, true)
			f.run(2 * time.Second)
			f.expect(tt.held, tt.buried, 0)
		})
	}
}

func TestGuardThatNeverTripsChangesNothing(t *testing.T) {
	careful := third
	careful.MinPopulation = 1000
	var seen [][]sighting
	for _, rules := range [][]Protection{nil, {careful}} {
		f := newFleet(t, 100, rules...)
		for i := range 100 {
			f.silent[i] = true
			f.run(40 * ms)
		}
		f.run(2 * time.Second)
		f.expect(0, 100, 0)
		seen = append(seen, f.seen)
	}
	if !reflect.DeepEqual(seen[0], seen[1]) {
		t.Error("a guard that never trips delays burials")
	}
}

func TestGuardBuriesAsManyAsTheThresholdThenHolds(t *testing.T) {
	f := newFleet(t, 100, third)
	for i := range 40 {
		f.silent[i] = true
		f.run(300 * ms) // one after the other falls silent
	}
	f.run(time.Second)
	if buried := f.count(EventExpired); buried < 30 {
		t.Fatalf("%d buried", buried)
	}
	first := slices.IndexFunc(f.seen, func(s sighting) bool { return s.kind == EventHeld })
	if before := len(slices.DeleteFunc(slices.Clone(f.seen[:first]), func(s sighting) bool { return s.kind != EventExpired })); before != 30 {
		t.Errorf("%d buried before the first was held", before)
	}
}

func TestGuardForgetsWhoExpiredLongAgo(t *testing.T) {
	brief := third
	brief.Window = 5 * time.Second
	f := newFleet(t, 100, brief)
	f.hush(0, 25, true)
	f.run(2 * time.Second)
	f.expect(0, 25, 0)
	f.run(5500 * ms)
	f.hush(25, 45, true) // 20 of 75 that live
	f.run(2 * time.Second)
	f.expect(0, 45, 0)
}

func TestRenewedLeasesAreReleasedAndLeaveTheCount(t *testing.T) {
	long := third
	long.MaxHold = time.Hour
	f := newFleet(t, 100, long)
	f.hush(0, 40, true)
	f.run(1500 * ms)
	f.expect(40, 0, 0)
	f.hush(0, 9, false)
	f.run(time.Second) // 31 of 100: still too many
	f.expect(40, 0, 9)
	f.hush(9, 10, false)
	f.run(time.Second)
	f.expect(40, 30, 10)
	if len(f.r.holds) != 0 {
		t.Errorf("holds %+v", f.r.holds)
	}
}

func TestHoldEndsAfterItsLongest(t *testing.T) {
	f := newFleet(t, 100, third)
	f.hush(0, 40, true)
	f.run(1500 * ms)
	f.expect(40, 0, 0)
	begun := f.seen[len(f.seen)-1].at
	f.run(begun + third.MaxHold - f.mono - TickEvery)
	f.expect(40, 0, 0)
	f.run(repeatMS*ms + slack)
	f.expect(40, 40, 0)
	// It rests: for two windows all are buried, though more than 30 % are silent.
	f.hush(40, 60, true)
	f.run(2 * time.Second)
	f.expect(40, 60, 0)
	f.run(2*third.Window + 2*time.Second)
	f.hush(60, 80, true)
	f.run(1500 * ms)
	f.expect(60, 60, 0)
}

func TestHeldAreBuriedAtTheRate(t *testing.T) {
	slow := third
	slow.Rate, slow.MaxHold = 5, time.Minute
	f := newFleet(t, 100, slow)
	f.hush(0, 1, true)
	f.run(30 * time.Second) // in which the rate saves up one second's worth at most
	f.expect(0, 1, 0)
	f.hush(1, 61, true)
	f.run(1200 * ms)
	f.expect(60, 1, 0)
	for second := 1; second <= 4; second++ {
		f.run(time.Second)
		if n := f.count(EventExpired); n-1 < 5*(second-1) || n-1 > 5*(second+1) {
			t.Errorf("%d buried after %d s at 5 a second", n-1, second)
		}
	}
}

func TestNobodyWhoLeavesIsHeldBack(t *testing.T) {
	f := newFleet(t, 100, third)
	f.hush(0, 40, true)
	f.run(1500 * ms)
	f.apply(&Leave{"ns", "w0000", f.epochs[0]}, &Evict{"ns", "w0001"}, &Grant{NS: "ns", ID: "w0002", TTL: 10_000})
	if f.count(EventLeft) != 1 || f.count(EventEvicted) != 1 || f.count(EventReplaced) != 1 || f.r.Held() != 37 {
		t.Errorf("%d held after %+v", f.r.Held(), f.seen[len(f.seen)-3:])
	}
	f.run(100 * ms)
}

func TestAReleasedHoldBuriesAsUsual(t *testing.T) {
	long := third
	long.MaxHold = time.Hour
	f := newFleet(t, 100, long)
	f.hush(0, 40, true)
	f.run(5 * time.Second)
	f.expect(40, 0, 0)
	if r := f.apply(&Release{"ns", "web"}).Results[0]; r.Buried != 40 {
		t.Fatalf("released %d", r.Buried)
	}
	f.run(repeatMS*ms + slack)
	f.expect(40, 40, 0)
	f.hush(40, 50, true)
	f.run(2 * time.Second)
	f.expect(40, 50, 0)
}

// A new leader goes on with the hold that it finds, for as long as is left of
// it.
func TestHoldOutlivesItsLeader(t *testing.T) {
	long := third
	long.MaxHold = 10 * time.Second
	f := newFleet(t, 100, long)
	f.hush(0, 40, true)
	next := NewReplica("n2")
	next.Protect([]Protection{long})
	next.Tick(f.mono)
	d := &disk{records: make(map[string][]byte)}
	d.flush(f.r.State)
	for name, value := range d.records {
		if err := next.Load(Kind(name[0]), []byte(name[1:]), value); err != nil {
			t.Fatal(err)
		}
	}
	if err := next.Loaded(); err != nil {
		t.Fatal(err)
	}
	f.others = []*Replica{next}
	f.run(5 * time.Second)
	f.expect(40, 0, 0)
	begun := f.seen[len(f.seen)-1].at

	f.r.Depose()
	f.r, f.others, f.at.Term = next, []*Replica{f.r}, 2
	f.r.Lead(2)
	f.apply(&Serve{Term: 2, ClusterID: "c"})
	f.run(begun + long.MaxHold - f.mono - TickEvery)
	f.expect(40, 0, 0)
	f.run(repeatMS*ms + slack)
	f.expect(40, 40, 0)
}

// Held leases that a leader without rules finds are buried as others are.
func TestNoRuleNoHold(t *testing.T) {
	long := third
	long.MaxHold = time.Hour
	f := newFleet(t, 100, long)
	f.hush(0, 40, true)
	f.run(2 * time.Second)
	f.expect(40, 0, 0)
	f.r.Protect(nil)
	f.run(repeatMS*ms + slack)
	f.expect(40, 40, 0)
}

// While a decision is on its way, nobody else of the protected is decided about;
// the lost one is taken again.
func TestGuardWaitsForItsDecision(t *testing.T) {
	f := newFleet(t, 100, third)
	f.hush(0, 20, true)
	f.run(320 * ms)
	f.hush(20, 40, true)
	first := f.decision()
	if x, ok := first[0].(*Expire); !ok || len(x.Burials) != 20 {
		t.Fatalf("decided %+v", first)
	}
	decided := f.mono
	for f.mono < decided+400*ms {
		if x := f.decide(); x != nil {
			t.Fatalf("decided %v after a decision that was not applied", f.mono-decided)
		}
	}
	f.apply(first...)
	f.run(100 * ms)
	f.expect(20, 20, 0) // 40 of 100, not 20 of 80

	lost := newFleet(t, 100, third)
	lost.hush(0, 20, true)
	lost.decision()
	decided = lost.mono
	lost.decision()
	lost.between(lost.mono-decided, repeatMS*ms, slack)
}

func TestServiceWithItsOwnRuleIsNotCountedWithItsNamespace(t *testing.T) {
	whole := Protection{NS: "ns", Threshold: 0.3, MinPopulation: 20, MaxHold: time.Minute, Window: time.Minute}
	own := third
	own.MinPopulation = 1000
	f := newFleet(t, 100, whole, own)
	for i := range 40 {
		f.silent, f.seqs = append(f.silent, false), append(f.seqs, 0)
		f.join(100+i, "db")
	}
	f.hush(100, 113, true) // 13 of 40 are beyond 30 %, of 140 they are not
	f.run(2 * time.Second)
	f.expect(13, 0, 0)
	f.hush(0, 100, true) // all of web, whose rule does not trip
	f.run(2 * time.Second)
	f.expect(13, 100, 0)
}

func TestWindowSlides(t *testing.T) {
	w := newWindow(20 * time.Second)
	w.add(100_000)
	w.add(109_000)
	for _, tt := range []struct {
		at   uint64
		want int
	}{{109_000, 2}, {50_000, 2}, {120_999, 2}, {121_000, 1}, {129_999, 1}, {130_000, 0}, {1 << 60, 0}} {
		if got := w.sum(tt.at); got != tt.want {
			t.Errorf("at %d ms: %d, want %d", tt.at, got, tt.want)
		}
	}
}

func TestVeryManyHeldAreLookedAtLessOften(t *testing.T) {
	for held, want := range map[int]LeaseTime{0: repeatMS, 50_000: repeatMS, 1_000_000: 10_000} {
		if got := (&scope{held: held}).again(); got != want {
			t.Errorf("of %d held each is looked at every %d ms, want %d", held, got, want)
		}
	}
}
