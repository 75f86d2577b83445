package node

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing/synctest"
	"time"
)

// fault is something that goes wrong, and is over when do returns.
type fault struct {
	name string
	do   func(s *striker)
}

const crashOfAll = "crash of all"

var strikes = []fault{
	{"crash", func(s *striker) { s.crash(s.one) }},
	{"kill", func(s *striker) { s.kill(s.one) }},
	{crashOfAll, func(s *striker) { s.crash(s.c.names()...) }},
	{"isolation", (*striker).isolate},
	{"cut", (*striker).cut},
	{"one-way cut", (*striker).cutOneWay},
	{"loss", (*striker).lose},
	{"reset", (*striker).reset},
	{"slow disk", (*striker).slowDisk},
	{"hung disk", (*striker).hangDisk},
	{"pause", (*striker).pause},
	{"transfer", (*striker).transfer},
	{"empty disk", (*striker).replace},
}

// striker does faults to a cluster.
type striker struct {
	c      *cluster
	rnd    *rand.Rand
	start  func(name string)
	voters int
	one    string // whom the next fault befalls: the leader, half of the time
	other  string // another one
	pace   int    // stretches how long a fault lasts

	// liar says that disks lose the last seconds when all crash: a planted bug.
	liar bool
}

// next chooses a fault and does it. It returns the fault's name, or "" for one
// that is not for this cluster.
func (s *striker) next() string {
	names := s.c.names()
	i := s.rnd.IntN(len(names))
	s.one, s.other = names[i], names[(i+1+s.rnd.IntN(max(1, len(names)-1)))%len(names)]
	if s.rnd.IntN(2) == 0 {
		s.one = s.c.leader().name
	}
	kind := strikes[s.rnd.IntN(len(strikes))]
	if s.liar {
		kind = strikes[slices.IndexFunc(strikes, func(f fault) bool { return f.name == crashOfAll })]
	}
	if s.one == s.other && len(names) > 1 {
		return ""
	}
	return s.strike(kind.name, kind.do)
}

func (s *striker) strike(name string, do func(*striker)) string {
	switch {
	case s.voters == 1 && (name == "hung disk" || name == "empty disk"):
		return ""
	case name == crashOfAll && !s.liar && s.rnd.IntN(3) > 0:
		return ""
	}
	do(s)
	return name
}

// lasts lets a fault last.
func (s *striker) lasts(most time.Duration) {
	pass(time.Duration(s.rnd.Int64N(int64(most) * int64(s.pace))))
}

func (s *striker) node(name string) *running { return s.c.nodes[name] }

// kill ends a node without a word to others, but with its files in order.
func (s *striker) kill(name string) {
	s.c.kill(s.node(name))
	s.lasts(3 * time.Second)
	s.start(name)
}

// crash ends nodes at one instant, with their files as they are: what was not
// written by then is lost.
func (s *striker) crash(names ...string) {
	saved := filepath.Join(s.c.dir, "saved")
	if s.liar && len(names) > 1 {
		s.save(saved, names)
		pass(3 * time.Second)
	}
	for _, n := range names {
		s.node(n).disk.close()
	}
	synctest.Wait() // nothing is being written
	if !s.liar || len(names) == 1 {
		s.save(saved, names)
	}
	for _, n := range names {
		r := s.node(n)
		s.vanish(r)
		r.fail(errKilled)
		r.disk.open()
	}
	for _, n := range names {
		r := s.node(n)
		<-r.done
		delete(s.c.nodes, n)
		s.c.rejoin(r)
		s.c.peers.Heal(clientHost, r.host)
		s.put(saved, n)
	}
	s.lasts(3 * time.Second)
	for _, n := range names {
		s.start(n)
	}
}

// vanish takes a node off the network, with all that it still has to say: what it
// does from now on is not on its disk later, so nobody may hear of it.
func (s *striker) vanish(r *running) {
	s.c.isolate(r)
	s.c.peers.Cut(clientHost, r.host)
	s.c.peers.Reset(clientHost, r.host)
	for _, o := range s.c.nodes {
		s.c.peers.Reset(r.host, o.host)
	}
}

// save copies the directories of nodes, while nothing is written.
func (s *striker) save(to string, names []string) {
	for _, n := range names {
		if r := s.node(n); r.disk.shut == nil {
			r.disk.close()
			defer r.disk.open()
		}
	}
	synctest.Wait()
	for _, n := range names {
		if err := os.CopyFS(filepath.Join(to, n), os.DirFS(filepath.Join(s.c.dir, n))); err != nil {
			s.c.t.Fatal(err)
		}
	}
}

// put makes a copy the directory of a node.
func (s *striker) put(from, name string) {
	dir := filepath.Join(s.c.dir, name)
	if err := os.RemoveAll(dir); err != nil {
		s.c.t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(from, name), dir); err != nil {
		s.c.t.Fatal(err)
	}
}

func (s *striker) isolate() {
	s.c.isolate(s.node(s.one))
	s.lasts(4 * time.Second)
	s.c.rejoin(s.node(s.one))
}

func (s *striker) cut() {
	s.c.cut(s.node(s.one), s.node(s.other))
	s.lasts(4 * time.Second)
	s.c.heal(s.node(s.one), s.node(s.other))
}

func (s *striker) cutOneWay() {
	s.c.cutOneWay(s.node(s.one), s.node(s.other))
	s.lasts(4 * time.Second)
	s.c.heal(s.node(s.one), s.node(s.other))
}

// lose drops every third packet of gossip, and lets streams stall and break, as
// TCP does where packets are lost.
func (s *striker) lose() {
	lost := rand.New(rand.NewPCG(s.rnd.Uint64(), 0))
	s.c.gossip.Lose(func(string, string) bool { return lost.IntN(3) == 0 })
	defer s.c.gossip.Lose(nil)
	a, b := s.node(s.one).host, s.node(s.other).host
	for range 3 + s.rnd.IntN(10) {
		s.c.peers.CutOneWay(a, b)
		s.lasts(400 * time.Millisecond) // a retransmission or two
		s.c.peers.Heal(a, b)
		s.lasts(200 * time.Millisecond)
		if s.rnd.IntN(8) == 0 {
			s.c.peers.Reset(a, b)
		}
		a, b = b, a
	}
}

func (s *striker) reset() { s.c.peers.Reset(s.node(s.one).host, s.node(s.other).host) }

// slowDisk lets each call to a disk take long, but not so long that it is held
// to hang.
func (s *striker) slowDisk() {
	disk := &s.node(s.one).disk
	disk.slow(time.Duration(10+s.rnd.IntN(500)) * time.Millisecond)
	s.lasts(5 * time.Second)
	disk.open()
}

// hangDisk lets a disk hang: after 2 s the node is to leave Raft to the others.
// Sooner than it would give up, which is after 10 s, the disk goes on: a Raft that
// is shut down while its disk hangs leaves proposals unanswered for ever.
func (s *striker) hangDisk() {
	disk := &s.node(s.one).disk
	disk.close()
	pass(time.Duration(1000+s.rnd.IntN(8000)) * time.Millisecond)
	disk.open()
}

// pause keeps a node from doing anything that others could notice: its network
// stands still, to clients too, and so do its disk and its judge's clock.
func (s *striker) pause() {
	r := s.node(s.one)
	s.c.isolate(r)
	s.c.peers.Cut(r.host, clientHost)
	r.tick.close()
	r.disk.close()
	pass(time.Duration(s.rnd.IntN(9000)) * time.Millisecond)
	r.disk.open()
	r.tick.open()
	s.c.peers.Heal(r.host, clientHost)
	s.c.rejoin(r)
}

func (s *striker) transfer() {
	_, _ = s.c.do(s.node(s.other), "POST", "/v1/cluster/transfer", nil)
}

// replace brings a node back with an empty disk, and waits until it is one of
// the cluster again: it comes in by a snapshot.
func (s *striker) replace() {
	s.c.kill(s.node(s.one))
	if err := os.RemoveAll(filepath.Join(s.c.dir, s.one)); err != nil {
		s.c.t.Fatal(err)
	}
	s.start(s.one)
	s.c.ready()
}

// tally counts faults by name.
type tally map[string]int

func (t tally) add(o tally) {
	for name, n := range o {
		t[name] += n
	}
}

func (t tally) sum() (n int) {
	for _, of := range t {
		n += of
	}
	return n
}

func (t tally) String() (text string) {
	for _, s := range strikes {
		text += fmt.Sprintf("%s %d, ", s.name, t[s.name])
	}
	return text[:max(0, len(text)-2)]
}
