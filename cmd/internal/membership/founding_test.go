package membership

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"sync"
	"testing"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/peer"
	"github.com/seed-b4c92e43/rollcall/gossip"
	"github.com/seed-b4c92e43/rollcall/raftstore"
)

// arena is some fresh nodes that try to found a cluster, in ticks, while they see
// each other at random, lose requests and answers, and crash before and after
// what they write. Every choice follows from the seed, the tick and what it is
// about, so that a seed repeats its faults; what runs at the same time within a
// tick still interleaves as it likes.
type arena struct {
	seed   int
	tick   int
	faults bool
	nodes  []*seat

	mu      sync.Mutex // guards the disks and what follows
	founded map[string]bool
}

// seat is a node's disk and its process of the moment.
type seat struct {
	a        *arena
	disk     disk
	f        *founding
	handlers map[string]peer.CallHandler
	process  *incarnate
}

type disk struct {
	id           raftstore.Identity
	promise      raftstore.Promise
	bootstrapped bool
}

// incarnate is one run of a process; a crashed one writes no more.
type incarnate struct {
	*seat
	crashed bool
	writes  int
}

var errCrashed = errors.New("crashed")

// chance is true for percent of all subjects, while there are faults.
func (a *arena) chance(percent uint64, subject ...any) bool {
	h := fnv.New64a()
	fmt.Fprint(h, a.seed, a.tick, subject)
	return a.faults && (h.Sum64()>>7)%100 < percent
}

func newArena(seed, nodes, expect int) *arena {
	a := &arena{seed: seed, faults: true, founded: make(map[string]bool)}
	for i := range nodes {
		s := &seat{a: a, disk: disk{id: raftstore.Identity{Node: fmt.Sprintf("n%d", i), Incarnation: "x"}}}
		a.nodes = append(a.nodes, s)
		s.boot(expect)
	}
	return a
}

// boot starts the process anew from what is on disk.
func (s *seat) boot(expect int) {
	s.process = &incarnate{seat: s}
	s.handlers = make(map[string]peer.CallHandler)
	s.f = &founding{
		dir: s.process, peers: s.process, bootstrap: s.process.Bootstrap, announce: func(func(*gossip.Local)) {},
		raftAddr: s.disk.id.Node, expect: expect, log: slog.New(slog.DiscardHandler),
	}
	s.f.handle(s.process)
	adopter{s.f, func() []gossip.Member { return nil }}.handle(s.process)
}

// write changes the disk, unless the process crashes before; or after.
func (p *incarnate) write(change func(*disk)) error {
	p.a.mu.Lock()
	defer p.a.mu.Unlock()
	p.writes++
	if p.crashed = p.crashed || p.a.chance(4, p.disk.id.Node, "before", p.writes); p.crashed {
		return errCrashed
	}
	change(&p.disk)
	if p.crashed = p.a.chance(4, p.disk.id.Node, "after", p.writes); p.crashed {
		return errCrashed
	}
	return nil
}

func (s *seat) read() disk {
	s.a.mu.Lock()
	defer s.a.mu.Unlock()
	return s.disk
}

func (p *incarnate) Identity() raftstore.Identity { return p.read().id }
func (p *incarnate) Promise() raftstore.Promise   { return p.read().promise }
func (p *incarnate) Fresh() bool                  { return !p.read().bootstrapped }

func (p *incarnate) SetPromise(promise raftstore.Promise) error {
	return p.write(func(d *disk) { d.promise = promise })
}

func (p *incarnate) SetCluster(id string) error {
	return p.write(func(d *disk) { d.id.ClusterID = id })
}

func (p *incarnate) Bootstrap(string) error {
	return p.write(func(d *disk) {
		d.bootstrapped = true
		p.a.founded[d.id.ClusterID] = true
	})
}

func (p *incarnate) HandleCall(method string, f peer.CallHandler) { p.handlers[method] = f }

// Call reaches the node unless it is down or the request is lost; then the
// answer may be lost.
func (p *incarnate) Call(ctx context.Context, addr, want, method string, req, resp any) error {
	target := p.a.seatOf(addr)
	if p.a.chance(25, p.disk.id.Node, addr, method, "request") || target.down() || p.down() {
		return errDown
	}
	id := p.Identity()
	body, err := json.Marshal(req)
	if err != nil {
		return err
	}
	answer, err := target.handlers[method](ctx, peer.Identity{Node: id.Node, Incarnation: id.Incarnation, ClusterID: id.ClusterID}, body)
	if err != nil || p.a.chance(25, p.disk.id.Node, addr, method, "answer") || target.down() {
		return errDown
	}
	if body, err = json.Marshal(answer); err != nil || resp == nil {
		return err
	}
	return json.Unmarshal(body, resp)
}

func (s *seat) down() bool {
	s.a.mu.Lock()
	defer s.a.mu.Unlock()
	return s.process.crashed
}

func (a *arena) seatOf(addr string) *seat {
	for _, s := range a.nodes {
		if s.disk.id.Node == addr {
			return s
		}
	}
	return nil
}

// sees is what gossip tells a node: some of the others, some of it stale.
func (s *seat) sees(expect int) []gossip.Member {
	var seen []gossip.Member
	for _, other := range s.a.nodes {
		name, from := other.disk.id.Node, s.disk.id.Node
		if other != s && s.a.chance(40, from, "does not see", name) {
			continue
		}
		d := other.read()
		if s.a.chance(30, from, "sees the past of", name) {
			d.id.ClusterID, d.bootstrapped = "", false
		}
		seen = append(seen, gossip.Member{
			Local: gossip.Local{
				Node: d.id.Node, Incarnation: d.id.Incarnation, ClusterID: d.id.ClusterID, RaftAddr: name,
				Role: "voter", Expect: expect, Fresh: !d.bootstrapped,
			},
			Status: gossip.StatusAlive,
			Self:   other == s,
		})
	}
	return seen
}

// work is one round of a node: what Membership does that matters here.
func (s *seat) work(expect int) {
	seen := s.sees(expect)
	switch d := s.read(); {
	case d.bootstrapped:
		s.adopt(d.id.ClusterID, seen)
	case d.id.ClusterID != "":
		_ = s.f.resume()
	default:
		_, _ = s.f.step(context.Background(), seen)
	}
}

// adopt is what a founder does for whom it sees.
func (s *seat) adopt(clusterID string, seen []gossip.Member) {
	for _, p := range seen {
		if p.ClusterID == "" {
			_ = s.process.Call(context.Background(), p.RaftAddr, "", methodAdopt, adoptRequest{ClusterID: clusterID}, nil)
		}
	}
}

// run lets time pass: in each tick some nodes work at the same time, and some of
// those that crashed start again.
func (a *arena) run(ticks, expect int) {
	for range ticks {
		a.tick++
		for _, s := range a.nodes {
			if s.down() && !a.chance(60, s.disk.id.Node, "stays down") {
				s.boot(expect)
			}
		}
		var working sync.WaitGroup
		for _, s := range a.nodes {
			if !s.down() && !a.chance(30, s.disk.id.Node, "is slow") {
				working.Go(func() { s.work(expect) })
			}
		}
		working.Wait()
	}
}

func (a *arena) check(t *testing.T, when string, want int) {
	t.Helper()
	if len(a.founded) > 1 || len(a.founded) < want {
		t.Fatalf("seed %d, %s: %d clusters were founded: %v", a.seed, when, len(a.founded), a.founded)
	}
	for _, s := range a.nodes {
		if c := s.disk.id.ClusterID; want == 1 && !a.founded[c] {
			t.Fatalf("seed %d, %s: %s belongs to %q, its promise is %+v", a.seed, when, s.disk.id.Node, c, s.disk.promise)
		}
	}
}

// TestFreshNodesFoundOneCluster has up to 2N-1 nodes that expect N do so in every
// order, visibility and state of decay, and expects one cluster at most for as
// long as that lasts and exactly one of all soon after it ended.
func TestFreshNodesFoundOneCluster(t *testing.T) {
	early := 0
	for seed := range 300 {
		expect := 2 + seed%2
		nodes := expect + seed/2%expect
		a := newArena(seed, nodes, expect)
		a.run(12, expect)
		a.check(t, "amid faults", 0)
		early += len(a.founded)
		a.faults = false
		a.run(20, expect)
		a.check(t, "after the faults", 1)
	}
	if early < 100 || early > 298 {
		t.Errorf("%d of 300 were founded amid faults: too many or too few to prove anything", early)
	}
}

func TestAPromiseIsGivenOnce(t *testing.T) {
	a := newArena(0, 3, 3)
	a.faults = false
	f := a.nodes[0].f
	ask := func(founder, cluster string, expect int) string {
		t.Helper()
		answer, err := f.promise(founder, promiseRequest{ClusterID: cluster, Expect: expect})
		if err != nil {
			t.Fatal(err)
		}
		return answer.Refused
	}
	for _, test := range []struct {
		founder, cluster string
		expect           int
		granted          bool
	}{
		{"n1/x", "c1", 5, false}, // another expectation
		{"n1/x", "", 3, false},
		{"n1/x", "c1", 3, true},
		{"n1/x", "c1", 3, true}, // the answer was lost
		{"n1/x", "c2", 3, false},
		{"n2/x", "c1", 3, false},
	} {
		if reason := ask(test.founder, test.cluster, test.expect); (reason == "") != test.granted {
			t.Errorf("%+v: %q", test, reason)
		}
	}
	if err := f.free(raftstore.Promise{Founder: "n1/x", ClusterID: "c1"}); err != nil {
		t.Fatal(err)
	}
	if reason := ask("n2/x", "c3", 3); reason != "" {
		t.Errorf("free, yet: %s", reason)
	}
	if err := f.free(raftstore.Promise{Founder: "n1/x", ClusterID: "c1"}); err != nil || f.dir.Promise().Founder != "n2/x" || f.dir.Promise().Abandoned {
		t.Errorf("a late release freed another promise: %+v, %v", f.dir.Promise(), err)
	}
}

func TestACandidacyEndsOnce(t *testing.T) {
	a := newArena(0, 3, 3)
	a.faults = false
	f := a.nodes[0].f
	promise, err := f.stand()
	if err != nil {
		t.Fatal(err)
	}
	if f.status(statusRequest{ClusterID: promise.ClusterID}).Over {
		t.Error("over while it runs")
	}
	if err := f.abandon("test"); err != nil {
		t.Fatal(err)
	}
	if err := f.conclude(promise); err != nil || len(a.founded) > 0 {
		t.Errorf("founded what was abandoned: %v", err)
	}
	if !f.status(statusRequest{ClusterID: promise.ClusterID}).Over {
		t.Error("runs while it is over")
	}
	again, err := f.stand()
	if err != nil || again.ClusterID == promise.ClusterID {
		t.Errorf("the next candidacy: %+v, %v", again, err)
	}
	if err := f.conclude(again); err != nil || !a.founded[again.ClusterID] {
		t.Errorf("not founded: %v", err)
	}
	if f.status(statusRequest{ClusterID: again.ClusterID}).Over {
		t.Error("a founded cluster's candidacy is over")
	}
}
