package registry

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"
)

func TestGrantMakesALease(t *testing.T) {
	b := newBench(t)
	spec := Spec{Service: "web", Address: "10.0.0.5", Port: 8080, Tags: []string{"v2"}, Meta: []Pair{{"zone", "a"}}}
	r, ev := b.do(&Grant{NS: "ns", ID: "web-1", Spec: spec, TTL: 10_000})
	want := Lease{
		NS: "ns", ID: "web-1", Spec: spec, State: Alive, Epoch: 1, TTL: 10_000,
		GrantedAt: b.wall, RenewedAt: b.wall, Revision: 1,
	}
	if !r.Created || r.Revision != 1 || r.RemainingMS != 10_000 || !reflect.DeepEqual(*r.Lease, want) {
		t.Errorf("result %+v\nlease %+v", r, r.Lease)
	}
	wantEvent := Event{Revision: 1, Type: EventRegistered, NS: "ns", ID: "web-1", Service: "web", Epoch: 1, At: b.wall, Lease: r.Lease}
	if !reflect.DeepEqual(*ev, wantEvent) {
		t.Errorf("event %+v", ev)
	}
	if got := b.r.Services("ns"); !reflect.DeepEqual(got, []ServiceCount{{Service: "web", Alive: 1, Revision: 1}}) {
		t.Errorf("services %+v", got)
	}
	b.check()
}

func TestTakeOverIsOneEventWithBoth(t *testing.T) {
	b := newBench(t)
	old := b.grant("a")
	b.beat(old, 4)
	r, ev := b.do(&Grant{NS: "ns", ID: "a", TTL: 5000, Spec: Spec{Service: "web"}})
	if r.Code != OK || r.Created || r.ReplacedEpoch != old || r.Lease.Epoch != 2 {
		t.Errorf("result %+v", r)
	}
	want := Certificate{
		NS: "ns", ID: "a", Epoch: old, Cause: CauseReplaced, At: b.wall, Revision: 2, Judge: "n1", Term: 1,
		LastSeq: 4, LastRenewalAgeMS: 1000, TTL: 10_000, Missed: 3,
	}
	if ev.Type != EventReplaced || ev.Lease.Epoch != 2 || ev.Epoch != 2 || ev.Service != "web" || *ev.Certificate != want {
		t.Errorf("event %+v, certificate %+v", ev, ev.Certificate)
	}
	if got := b.beat(old, 5); got.Code != Superseded || got.Current != 2 {
		t.Errorf("a beat of the old epoch: %+v", got)
	}
	b.check()
}

func TestIfAbsentMeetsTheHolder(t *testing.T) {
	b := newBench(t)
	epoch := b.grant("a")
	r, ev := b.do(&Grant{NS: "ns", ID: "a", TTL: 1, IfAbsent: true})
	if r.Code != Taken || ev != nil || r.Lease.Epoch != epoch || r.RemainingMS != 10_000 {
		t.Errorf("result %+v", r)
	}
	if r, _ := b.do(&Grant{NS: "other", ID: "a", TTL: 1, IfAbsent: true}); r.Code != OK {
		t.Errorf("in another namespace: %+v", r)
	}
}

func TestIdempotencyKey(t *testing.T) {
	keyed := func(key string) *Grant { return &Grant{NS: "ns", ID: "a", TTL: 1000, Key: key, IfAbsent: true} }
	b := newBench(t)
	first, _ := b.do(keyed("k"))
	epoch := first.Lease.Epoch

	if r, ev := b.do(keyed("k")); r.Code != Duplicate || ev != nil || r.Lease.Epoch != epoch || r.Created {
		t.Errorf("while it lives: %+v", r)
	}
	if r, _ := b.do(&Grant{NS: "ns", ID: "other", TTL: 1000, Key: "k"}); r.Code != OK {
		t.Errorf("another id: %+v", r)
	}
	newer := b.grant("a")
	if r, _ := b.do(keyed("k")); r.Code != Superseded || r.CurrentEpoch != newer {
		t.Errorf("replaced since: %+v", r)
	}
	b.do(&Evict{"ns", "a"})
	if r, _ := b.do(keyed("k")); r.Code != Ended || r.Certificate.Epoch != epoch || r.Certificate.Cause != CauseReplaced {
		t.Errorf("ended: %+v", r)
	}
	b.do(&Serve{Term: 1, ClusterID: "c", Retention: Retention{CertificateMS: 1}})
	b.entry()
	if r, _ := b.do(keyed("k")); r.Code != OK || !r.Created {
		t.Errorf("its certificate forgotten: %+v", r)
	}
}

func TestRepeatedGrantAnswersTheSame(t *testing.T) {
	for _, tt := range []struct {
		name string
		old  bool // the id is alive before
	}{{"a new lease", false}, {"a take-over", true}} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			if tt.old {
				b.grant("a")
			}
			keyed := &Grant{NS: "ns", ID: "a", TTL: 1000, Key: "k", Spec: Spec{Address: "here", Tags: []string{"t"}}}
			first, _ := b.do(keyed)
			if (first.ReplacedEpoch != 0) != tt.old || first.Revision != first.Lease.Epoch {
				t.Fatalf("first: %+v", first)
			}
			b.grant("other")
			b.do(&Patch{NS: "ns", ID: "a", Epoch: first.Lease.Epoch, Port: new(uint16(80))})
			again, ev := b.do(keyed)
			if again.Code != Duplicate || ev != nil || again.Revision != first.Revision || again.ReplacedEpoch != first.ReplacedEpoch {
				t.Errorf("again: %+v, first %+v", again, first)
			}
			if spec := again.Lease.Spec; spec.Address != "here" || spec.Port != 80 || !slices.Equal(spec.Tags, []string{"t"}) {
				t.Errorf("what the lease says of itself: %+v", spec)
			}
		})
	}
}

func TestRenewal(t *testing.T) {
	for _, tt := range []struct {
		name string
		seqs []uint64 // accepted before
		seq  uint64
		want BeatResult
		miss uint64
	}{
		{"first", nil, 1, BeatResult{TTL: 10_000, RemainingMS: 10_000}, 0},
		{"next", []uint64{1}, 2, BeatResult{TTL: 10_000, RemainingMS: 10_000}, 0},
		{"gap", []uint64{1}, 5, BeatResult{TTL: 10_000, RemainingMS: 10_000}, 3},
		{"again", []uint64{1, 5}, 5, BeatResult{Code: Duplicate, TTL: 10_000, RemainingMS: 10_000}, 3},
		{"lower", []uint64{5}, 4, BeatResult{Code: StaleSequence, TTL: 10_000, RemainingMS: 10_000, Current: 5}, 4},
		{"zero first", nil, 0, BeatResult{Code: StaleSequence, TTL: 10_000, RemainingMS: 10_000}, 0},
		{"largest jump", []uint64{3}, MaxJump + 3, BeatResult{TTL: 10_000, RemainingMS: 10_000}, 2 + MaxJump - 1},
		{"too far", []uint64{3}, MaxJump + 4, BeatResult{Code: Jump, TTL: 10_000, RemainingMS: 10_000, Current: 3}, 2},
		{"beyond everything", []uint64{3}, math.MaxUint64, BeatResult{Code: Jump, TTL: 10_000, RemainingMS: 10_000, Current: 3}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			epoch := b.grant("a")
			for _, seq := range tt.seqs {
				b.beat(epoch, seq)
			}
			before := b.r.Revision()
			if got := b.beat(epoch, tt.seq); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			l, _ := b.r.Lease("ns", "a")
			if l.Missed != tt.miss || b.r.Revision() != before || l.Seq != l.Renewals+l.Missed {
				t.Errorf("missed %d of seq %d, revision %d", l.Missed, l.Seq, b.r.Revision())
			}
			b.check()
		})
	}
}

func TestNamedRenewalOfAnotherEpoch(t *testing.T) {
	b := newBench(t)
	old := b.grant("a")
	now := b.grant("a")
	other := b.grant("b")
	for _, tt := range []struct {
		name  string
		epoch uint64
		want  Code
	}{
		{"the holder's", now, OK},
		{"an old one", old, Superseded},
		{"one of another id, newer", other, NotFound},
		{"one never given", 99, NotFound},
	} {
		if r, _ := b.do(&RenewNamed{"ns", "a", tt.epoch, 1}); r.Code != tt.want || r.Beats[0].Code != tt.want {
			t.Errorf("%s: %+v", tt.name, r)
		}
	}
	b.do(&Leave{"ns", "a", now})
	if r, _ := b.do(&RenewNamed{"ns", "a", now, 2}); r.Code != Ended || r.Certificate.Epoch != now {
		t.Errorf("after the end: %+v", r)
	}
	if r, _ := b.do(&RenewNamed{"ns", "b", now, 2}); r.Code != Superseded && r.Code != NotFound {
		t.Errorf("an ended epoch of another id: %+v", r)
	}
	if r, _ := b.do(&RenewNamed{"ns", "b", other, MaxJump + 1}); r.Code != Jump || r.CurrentSeq != 0 {
		t.Errorf("too far: %+v", r)
	}
}

func TestLeaveAndEvictAnswerTheSameAgain(t *testing.T) {
	b := newBench(t)
	epoch := b.grant("a")
	left, ev := b.do(&Leave{"ns", "a", epoch})
	if left.Code != OK || left.Certificate.Cause != CauseLeft || ev.Type != EventLeft || ev.Lease != nil || ev.Epoch != epoch {
		t.Errorf("leave: %+v, event %+v", left, ev)
	}
	again := func(c Command, want Result) {
		t.Helper()
		if r, ev := b.do(c); !reflect.DeepEqual(r, want) || ev != nil {
			t.Errorf("%T again: %+v, want %+v", c, r, want)
		}
	}
	again(&Leave{"ns", "a", epoch}, left)
	again(&Evict{"ns", "a"}, Result{Code: Ended, Revision: 2, Certificate: left.Certificate})
	newer := b.grant("a")
	again(&Leave{"ns", "a", epoch}, left)
	evicted, ev := b.do(&Evict{"ns", "a"})
	if evicted.Certificate.Cause != CauseEvicted || ev.Type != EventEvicted {
		t.Errorf("evict: %+v", evicted)
	}
	again(&Evict{"ns", "a"}, evicted)
	again(&Leave{"ns", "a", newer}, Result{Code: Ended, Revision: b.r.Revision(), Certificate: evicted.Certificate})
	again(&Evict{"ns", "nobody"}, Result{Code: NotFound, Revision: b.r.Revision()})
	b.check()
}

func TestPatch(t *testing.T) {
	draining, alive, held := Draining, Alive, Held
	address := "10.0.0.9"
	for _, tt := range []struct {
		name  string
		patch Patch
		event EventType // 0 for none
	}{
		{"drain", Patch{State: &draining}, EventDraining},
		{"drain and move", Patch{State: &draining, Address: &address}, EventDraining},
		{"move", Patch{Address: &address}, EventUpdated},
		{"stays alive", Patch{State: &alive}, 0},
		{"not the holder's to choose", Patch{State: &held}, 0},
		{"the same tags", Patch{Tags: &[]string{"v1"}}, 0},
		{"no tags", Patch{Tags: &[]string{}}, EventUpdated},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			b.do(&Grant{NS: "ns", ID: "a", TTL: 1000, Spec: Spec{Service: "web", Tags: []string{"v1"}}})
			p := tt.patch
			p.NS, p.ID, p.Epoch = "ns", "a", 1
			r, ev := b.do(&p)
			if r.Code != OK || r.Lease == nil || (ev == nil) != (tt.event == 0) || ev != nil && ev.Type != tt.event {
				t.Fatalf("result %+v, event %+v", r, ev)
			}
			if ev != nil && (r.Lease.Revision != 2 || r.Revision != 2) || ev == nil && r.Revision != 1 {
				t.Errorf("revision %d, the lease's %d", r.Revision, r.Lease.Revision)
			}
			if again, ev := b.do(&p); again.Code != OK || ev != nil {
				t.Errorf("the same again: %+v", ev)
			}
			b.check()
		})
	}
}

func TestAliveTakesDrainingBack(t *testing.T) {
	b := newBench(t)
	b.do(&Grant{NS: "ns", ID: "a", TTL: 1000, Spec: Spec{Service: "web"}})
	b.do(&Patch{NS: "ns", ID: "a", Epoch: 1, State: new(Draining)})
	if got := b.r.Services("ns")[0]; got.Alive != 0 || got.Draining != 1 || got.Revision != 2 {
		t.Errorf("draining: %+v", got)
	}
	if _, ev := b.do(&Patch{NS: "ns", ID: "a", Epoch: 1, State: new(Alive)}); ev.Type != EventUpdated || ev.Lease.State != Alive {
		t.Errorf("event %+v", ev)
	}
}

func TestBurialIsConditional(t *testing.T) {
	b := newBench(t)
	silent, renewed, left := b.grant("silent"), b.grant("renewed"), b.grant("left")
	b.beat(silent, 2)
	b.beat(renewed, 1)
	x := &Expire{Term: 1, StallMS: 450, Burials: []Burial{{silent, 2, 10_300, 300}, {renewed, 1, 10_300, 300}, {left, 0, 1, 1}, {99, 0, 1, 1}}}
	b.beat(renewed, 2)
	b.do(&Leave{"ns", "left", left})
	b.at.Term = 2
	if r, ev := b.do(x); r.Code != WrongTerm || ev != nil {
		t.Fatalf("in another term: %+v", r)
	}
	b.at.Term = 1
	r, ev := b.do(x)
	want := Certificate{
		NS: "ns", ID: "silent", Epoch: silent, Cause: CauseExpired, At: b.wall, Revision: 5, Judge: "n1", Term: 1,
		LastSeq: 2, LastRenewalAgeMS: 10_300, TTL: 10_000, OverdueMS: 300, Missed: 1, JudgeStallMS: 450,
	}
	if r.Buried != 1 || *ev.Certificate != want {
		t.Errorf("buried %d: %+v", r.Buried, ev.Certificate)
	}
	if r, ev := b.do(x); r.Buried != 0 || ev != nil {
		t.Errorf("the same again: %+v", r)
	}
	b.check()
}

func TestServeFoundsOnce(t *testing.T) {
	b := newBench(t)
	for _, tt := range []struct {
		serve Serve
		want  Code
	}{
		{Serve{Term: 2, ClusterID: "c"}, WrongTerm},
		{Serve{Term: 1, ClusterID: "c"}, OK},
		{Serve{Term: 1, ClusterID: "d"}, ForeignCluster},
		{Serve{Term: 1, ClusterID: "c"}, OK},
	} {
		if r, _ := b.do(&tt.serve); r.Code != tt.want {
			t.Errorf("%+v: code %d", tt.serve, r.Code)
		}
	}
	if b.r.ClusterID() != "c" {
		t.Errorf("cluster id %q", b.r.ClusterID())
	}
}

func TestCertificatesAreForgotten(t *testing.T) {
	b := newBench(t)
	end := func(n int) (epochs []uint64) {
		for i := range n {
			id := fmt.Sprint("id", i)
			epochs = append(epochs, b.grant(id))
			b.do(&Evict{"ns", id})
		}
		return epochs
	}
	b.do(&Serve{Term: 1, Retention: Retention{CertificateMax: 3, CertificateMS: 60_000}})
	epochs := end(5)
	for i, epoch := range epochs {
		if _, kept := b.r.CertificateOf(epoch); kept != (i >= 2) {
			t.Errorf("number %d of 5 is kept: %v", i, kept)
		}
		if got := b.beat(epoch, 1).Code; (got == Ended) != (i >= 2) {
			t.Errorf("a beat of number %d: code %d", i, got)
		}
	}
	for range 70 { // a second each
		b.entry()
	}
	if _, kept := b.r.Certificate("ns", "id4"); kept {
		t.Error("kept beyond its age")
	}
	b.check()
}

func TestForgettingIsBounded(t *testing.T) {
	b := newBench(t)
	const n = 2*forgetFloor + 10
	for i := range n {
		b.entry(&Grant{NS: "ns", ID: fmt.Sprint(i), TTL: 1}, &Evict{"ns", fmt.Sprint(i)})
	}
	b.do(&Serve{Term: 1, Retention: Retention{CertificateMax: 1}})
	if left := len(b.r.certificates.byEpoch); left != n-forgetFloor {
		t.Errorf("%d of %d are left after one entry", left, n)
	}
	b.entry()
	b.entry()
	if left := len(b.r.certificates.byEpoch); left != 1 {
		t.Errorf("%d are left", left)
	}
	b.check()
}

func TestTimeOnlyGrows(t *testing.T) {
	s := newState()
	term := uint64(1)
	step := func(wall int64, advance uint32) (uint64, int64) {
		s.apply(Position{Index: s.Index() + 1, Term: term}, &Entry{Wall: wall, Advance: advance})
		return s.Now()
	}
	if cluster, _ := step(0, 1000); cluster != 0 {
		t.Errorf("the first entry of a term advances the cluster time to %d", cluster)
	}
	step(5000, 20)
	if cluster, wall := step(4000, 5); cluster != 25 || wall != 5000 {
		t.Errorf("cluster time %d, wall %d", cluster, wall)
	}
	if cluster, _ := step(4000, math.MaxUint32); cluster != 25+advanceMax {
		t.Errorf("one entry advanced the cluster time to %d", cluster)
	}
	term = 2
	if cluster, _ := step(4000, 1000); cluster != 25+advanceMax {
		t.Errorf("the first entry of another term advances it to %d", cluster)
	}
	s.clusterMS = math.MaxUint64 - 1
	if cluster, _ := step(0, 10); cluster != math.MaxUint64 {
		t.Errorf("the cluster time went round to %d", cluster)
	}
}

func TestCheckNotesTheDigest(t *testing.T) {
	b := newBench(t)
	b.grant("a")
	b.do(&Check{})
	index, digest := b.r.LastCheck()
	if index != 2 || digest != b.r.Digest() {
		t.Errorf("check at %d, %x", index, digest)
	}
	b.beat(1, 1)
	if b.r.Digest() == digest {
		t.Error("a renewal does not show in the digest")
	}
}
