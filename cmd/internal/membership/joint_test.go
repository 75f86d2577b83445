package membership

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/peer"
	"github.com/seed-b4c92e43/rollcall/gossip"
	"github.com/seed-b4c92e43/rollcall/raftstore"
)

// joint is a cluster of real parts: Raft on bbolt, memberlist and the peer port,
// in memory between the nodes and in virtual time.
type joint struct {
	t       *testing.T
	peers   *peer.Memory
	gossips *gossip.Memory
	seeds   []string

	mu   sync.Mutex
	live map[string]*whole // by server id
}

// whole is one node of a joint.
type whole struct {
	dir    *raftstore.Dir
	store  *raftstore.Store
	gossip *gossip.Gossip
	port   *peer.Port
	m      *Membership
	stop   func()
}

func newJoint(t *testing.T) *joint {
	t.Cleanup(func() { <-time.After(time.Minute) }) // after all stops: memberlist leaves its last probes to run out
	return &joint{t: t, peers: peer.NewMemory(), gossips: gossip.NewMemory(), live: make(map[string]*whole), seeds: []string{"10.0.0.1:7702", "10.0.0.2:7702"}}
}

func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// start starts a node at an IP address with a data directory.
func (j *joint) start(name, ip, path string) *whole {
	t := j.t
	t.Helper()
	w := &whole{dir: must(raftstore.OpenDir(path, name))(t)}
	identity := func() peer.Identity { return peer.Identity(w.dir.Identity()) }
	raftAddr := net.JoinHostPort(ip, "7701")
	w.port = must(peer.Open(peer.Config{Network: j.peers.Host(ip), Addr: raftAddr, Identity: identity}))(t)
	id := w.dir.Identity()
	w.gossip = must(gossip.Open(gossip.Config{
		Transport: j.gossips.Transport(ip + ":7702"), Join: j.seeds,
		Local: gossip.Local{Node: name, Incarnation: id.Incarnation, ClusterID: id.ClusterID, RaftAddr: raftAddr, Role: "voter", Expect: 3, Fresh: w.dir.Fresh()},
	}))(t)
	book := NewAddressBook()
	w.store = must(raftstore.Open(raftstore.Config{Dir: w.dir, Transport: raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: w.port.RaftLayer(), ServerAddressProvider: book, MaxPool: 3, Timeout: time.Second, Logger: hclog.NewNullLogger(),
	})}))(t)
	w.m = must(New(Config{
		Store: w.store, Dir: w.dir, Gossip: w.gossip, Peers: w.port, Book: book, RaftAddr: raftAddr, Expect: 3,
		Contact: j.contact, OnRefused: func(err error) { t.Errorf("%s was refused: %v", name, err) },
	}))(t)
	j.mu.Lock()
	j.live[id.ServerID()] = w
	j.mu.Unlock()
	w.run(j)
	return w
}

func (w *whole) run(j *joint) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { w.m.Run(ctx) })
	w.stop = sync.OnceFunc(func() {
		j.mu.Lock()
		delete(j.live, w.dir.Identity().ServerID())
		j.mu.Unlock()
		cancel()
		running.Wait()
		for _, closer := range []interface{ Close() error }{w.gossip, w.store, w.port} {
			if err := closer.Close(); err != nil {
				j.t.Error(err)
			}
		}
	})
	j.t.Cleanup(w.stop)
}

func (j *joint) contact(id string) (Contact, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	w := j.live[id]
	if w == nil {
		return Contact{}, false
	}
	return Contact{Applied: w.store.Applied()}, true
}

// settled waits until every live node agrees with the leader on these voters.
func (j *joint) settled(want ...string) {
	j.t.Helper()
	var got string
	for range 60 {
		if got = j.agreed(); got == strings.Join(want, " ") {
			return
		}
		<-time.After(time.Second)
	}
	j.t.Fatalf("voters after a minute: %q, want %q", got, strings.Join(want, " "))
}

// agreed lists the voters as "n1@10.0.0.1:7701", or says who differs.
func (j *joint) agreed() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	views := make(map[string]bool)
	for _, w := range j.live {
		views[w.voters()] = true
	}
	return strings.Join(slices.Sorted(maps.Keys(views)), "; ")
}

func (w *whole) voters() string {
	servers, err := w.store.Servers()
	if leader, _ := w.store.Leader(); leader == "" || err != nil {
		return fmt.Sprintf("%s knows no leader (%v)", w.dir.Identity().Node, err)
	}
	var voters []string
	for _, s := range servers {
		if s.Voter {
			voters = append(voters, nodeName(s.ID)+"@"+s.Addr)
		}
	}
	slices.Sort(voters)
	return strings.Join(voters, " ")
}

func TestRealPartsTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJoint(t)
		disks := make(map[string]string)
		nodes := make(map[string]*whole)
		for _, i := range []int{4, 2, 5, 1, 3} {
			name := fmt.Sprintf("n%d", i)
			disks[name] = t.TempDir()
			nodes[name] = j.start(name, fmt.Sprintf("10.0.0.%d", i), disks[name])
			<-time.After(time.Duration(i) * 100 * time.Millisecond)
		}
		j.settled("n1@10.0.0.1:7701", "n2@10.0.0.2:7701", "n3@10.0.0.3:7701", "n4@10.0.0.4:7701", "n5@10.0.0.5:7701")

		nodes["n4"].stop()
		nodes["n4"] = j.start("n4", "10.0.0.44", disks["n4"])
		j.settled("n1@10.0.0.1:7701", "n2@10.0.0.2:7701", "n3@10.0.0.3:7701", "n4@10.0.0.44:7701", "n5@10.0.0.5:7701")

		nodes["n5"].stop()
		nodes["n5"] = j.start("n5", "10.0.0.5", t.TempDir())
		j.settled("n1@10.0.0.1:7701", "n2@10.0.0.2:7701", "n3@10.0.0.3:7701", "n4@10.0.0.44:7701", "n5@10.0.0.5:7701")

		for _, name := range []string{"n1", "n2", "n3", "n4", "n5"} { // all move at once
			nodes[name].stop()
		}
		j.seeds = []string{"10.0.1.1:7702"}
		for i := 1; i <= 4; i++ {
			name := fmt.Sprintf("n%d", i)
			nodes[name] = j.start(name, fmt.Sprintf("10.0.1.%d", i), disks[name])
		}
		j.settled("n1@10.0.1.1:7701", "n2@10.0.1.2:7701", "n3@10.0.1.3:7701", "n4@10.0.1.4:7701", "n5@10.0.0.5:7701")
	})
}
