package membership

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/peer"
	"github.com/seed-b4c92e43/rollcall/gossip"
	"github.com/seed-b4c92e43/rollcall/raftstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errDown = errors.New("connection refused")

// world is a handful of nodes whose gossip, peer ports and Raft are pretended:
// everybody sees everybody at once, and what the leader changes is committed.
type world struct {
	mu    sync.Mutex
	nodes []*node            // every process that ever was
	rafts map[string]*config // by cluster
	lost  int                // so many of the next answers to removals get lost
}

// config is the configuration of one cluster.
type config struct {
	servers []raftstore.Server
	leader  string
	changes []string
}

// node is one process and its disk.
type node struct {
	w        *world
	local    gossip.Local
	promise  raftstore.Promise
	started  int64
	status   string
	handlers map[string]peer.CallHandler
	changed  chan struct{}
	refused  chan error
	m        *Membership
	stop     func()
}

func newWorld() *world { return &world{rafts: make(map[string]*config)} }

// voter describes a fresh node that expects three.
func voter(name string) gossip.Local {
	return gossip.Local{Node: name, Incarnation: "i-" + name, RaftAddr: name + ":7701", HTTPAddr: name + ":7700", Role: "voter", Expect: 3, Fresh: true}
}

// start starts a process; the context of Run ends with stop or with the test.
func (w *world) start(t *testing.T, local gossip.Local, change ...func(*Config)) *node {
	t.Helper()
	n := &node{
		w: w, local: local, started: time.Now().UnixMilli(), status: gossip.StatusAlive,
		handlers: make(map[string]peer.CallHandler), changed: make(chan struct{}, 1), refused: make(chan error, 10),
	}
	c := Config{
		Store: fakeStore{n}, Dir: fakeDir{n}, Gossip: fakeGossip{n}, Peers: fakePeers{n},
		RaftAddr: local.RaftAddr, Expect: local.Expect, Edge: local.Role == roleEdge,
		Contact:   n.contact,
		OnRefused: n.refuse,
		Logger:    slog.New(slog.DiscardHandler),
	}
	for _, f := range change {
		f(&c)
	}
	m, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	n.m = m
	w.mu.Lock()
	w.nodes = append(w.nodes, n)
	w.mu.Unlock()
	n.run(t)
	return n
}

func (n *node) run(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.m.Run(ctx)
	}()
	n.stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(n.stop)
}

// kill ends a process; gossip knows it at once.
func (n *node) kill(status string) {
	n.stop()
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	n.status = status
	if r := n.w.rafts[n.local.ClusterID]; r != nil && r.leader == n.id() {
		r.leader = ""
	}
}

// refuse keeps the first refusals; the process of a test does not end by itself.
func (n *node) refuse(err error) {
	select {
	case n.refused <- err:
	default:
	}
}

// said is what a node tells of itself now.
func (n *node) said() gossip.Local {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	return n.local
}

// wake lets a killed process go on as if it had been stopped.
func (n *node) wake(t *testing.T) {
	n.w.mu.Lock()
	n.status = gossip.StatusAlive
	n.w.mu.Unlock()
	n.run(t)
}

func (n *node) id() string { return n.local.Node + "/" + n.local.Incarnation }

func (n *node) contact(id string) (Contact, bool) {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	other := n.w.process(id)
	return Contact{Applied: 100}, other != nil && other.status == gossip.StatusAlive
}

// process is the latest process of a server.
func (w *world) process(id string) *node {
	for _, n := range slices.Backward(w.nodes) {
		if n.id() == id {
			return n
		}
	}
	return nil
}

// lead makes a node the leader of its cluster.
func (w *world) lead(n *node) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rafts[n.local.ClusterID].leader = n.id()
}

// members returns the configuration of the only cluster: "n1 voter@n1:7701".
func (w *world) members(t *testing.T) []string {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.rafts) != 1 {
		t.Fatalf("%d clusters were founded", len(w.rafts))
	}
	var list []string
	for _, r := range w.rafts {
		for _, s := range r.servers {
			kind := "nonvoter"
			if s.Voter {
				kind = "voter"
			}
			list = append(list, fmt.Sprintf("%s %s@%s", s.ID, kind, s.Addr))
		}
	}
	slices.Sort(list)
	return list
}

// founded counts the clusters.
func (w *world) founded() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.rafts)
}

// expect waits, in virtual time, and compares the configuration.
func (w *world) expect(t *testing.T, after time.Duration, want ...string) {
	t.Helper()
	<-time.After(after)
	if got := w.members(t); !slices.Equal(got, want) {
		t.Errorf("after %v:\n got %s\nwant %s", after, strings.Join(got, ", "), strings.Join(want, ", "))
	}
}

type fakeGossip struct{ *node }

func (g fakeGossip) Processes() []gossip.Member {
	g.w.mu.Lock()
	defer g.w.mu.Unlock()
	var list []gossip.Member
	for _, n := range g.w.nodes {
		list = append(list, gossip.Member{Local: n.local, Started: n.started, Status: n.status, Self: n == g.node})
	}
	return list
}

func (g fakeGossip) Changed() <-chan struct{} { return g.changed }

func (g fakeGossip) Update(f func(*gossip.Local)) {
	g.w.mu.Lock()
	defer g.w.mu.Unlock()
	f(&g.local)
	select {
	case g.changed <- struct{}{}:
	default:
	}
}

type fakeDir struct{ *node }

func (d fakeDir) Identity() raftstore.Identity {
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	return raftstore.Identity{Node: d.local.Node, Incarnation: d.local.Incarnation, ClusterID: d.local.ClusterID}
}

func (d fakeDir) Fresh() bool {
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	r := d.w.rafts[d.local.ClusterID]
	return r == nil || find(r.servers, d.id()) == nil
}

func (d fakeDir) SetCluster(id string) error {
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	if d.local.ClusterID != "" && d.local.ClusterID != id {
		return errors.New("another cluster")
	}
	d.local.ClusterID = id
	return nil
}

func (d fakeDir) Promise() raftstore.Promise {
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	return d.promise
}

func (d fakeDir) SetPromise(p raftstore.Promise) error {
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	d.promise = p
	return nil
}

type fakePeers struct{ *node }

func (p fakePeers) HandleCall(method string, f peer.CallHandler) { p.handlers[method] = f }

func (w *world) losesAnswer() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lost--
	return w.lost >= 0
}

func (p fakePeers) Call(ctx context.Context, addr, want, method string, req, resp any) error {
	p.w.mu.Lock()
	from := peer.Identity{Node: p.local.Node, Incarnation: p.local.Incarnation, ClusterID: p.local.ClusterID}
	var target *node
	for _, n := range p.w.nodes {
		if n.status == gossip.StatusAlive && n.local.RaftAddr == addr {
			target = n
		}
	}
	refused := target != nil && (target.id() != want || from.ClusterID != "" && target.local.ClusterID != "" && from.ClusterID != target.local.ClusterID)
	p.w.mu.Unlock()
	if target == nil || refused {
		return errDown
	}
	body, err := json.Marshal(req)
	if err != nil {
		return err
	}
	answer, err := target.handlers[method](ctx, from, body)
	if err != nil || resp == nil {
		return err
	}
	if method == methodRemove && p.w.losesAnswer() {
		return errDown
	}
	if body, err = json.Marshal(answer); err != nil {
		return err
	}
	return json.Unmarshal(body, resp)
}

type fakeStore struct{ *node }

func (s fakeStore) config() *config {
	r := s.w.rafts[s.local.ClusterID]
	if r == nil {
		r = &config{}
	}
	return r
}

func (s fakeStore) Bootstrap(addr string) error {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	s.w.rafts[s.local.ClusterID] = &config{leader: s.id(), servers: []raftstore.Server{{ID: s.id(), Addr: addr, Voter: true}}}
	return nil
}

func (s fakeStore) IsLeader() bool {
	leader, _ := s.Leader()
	return leader == s.id()
}

func (s fakeStore) Leader() (string, string) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	return s.config().leader, ""
}

func (s fakeStore) Committed() uint64 { return 100 }

// Servers is what a node knows that Raft has reached.
func (s fakeStore) Servers() ([]raftstore.Server, error) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	if find(s.config().servers, s.id()) == nil {
		return nil, nil
	}
	return slices.Clone(s.config().servers), nil
}

func (s fakeStore) AddNonvoter(id, addr string) error { return s.set(id, addr, false) }

func (s fakeStore) AddVoter(id, addr string) error { return s.set(id, addr, true) }

func (s fakeStore) set(id, addr string, voter bool) error {
	return s.change(fmt.Sprint("set ", id, " ", voter), func(r *config) error {
		if slices.ContainsFunc(r.servers, func(o raftstore.Server) bool { return o.Addr == addr && o.ID != id }) {
			return errors.New("duplicate address")
		}
		if old := find(r.servers, id); old != nil {
			old.Addr, old.Voter = addr, old.Voter || voter
			return nil
		}
		r.servers = append(r.servers, raftstore.Server{ID: id, Addr: addr, Voter: voter})
		return nil
	})
}

func (s fakeStore) Remove(id string) error {
	return s.change("remove "+id, func(r *config) error {
		r.servers = slices.DeleteFunc(r.servers, func(o raftstore.Server) bool { return o.ID == id })
		return nil
	})
}

func (s fakeStore) Transfer(string) error {
	return s.change("transfer", func(r *config) error {
		for _, o := range r.servers {
			if other := s.w.process(o.ID); o.Voter && o.ID != s.id() && other.status == gossip.StatusAlive {
				r.leader = o.ID
				return nil
			}
		}
		return errors.New("nobody to transfer to")
	})
}

func (s fakeStore) change(what string, f func(*config) error) error {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	r := s.config()
	if r.leader != s.id() {
		return errors.New("not the leader")
	}
	r.changes = append(r.changes, what)
	return f(r)
}
