package membership

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/seed-b4c92e43/rollcall/gossip"
	"github.com/seed-b4c92e43/rollcall/raftstore"
)

// callTimeout bounds each call to another node.
const callTimeout = 2 * time.Second

// founding is this node's part in founding a cluster; see the package's comment
// for the rules and why they suffice.
type founding struct {
	dir       Dir
	peers     Peers
	bootstrap func(addr string) error
	announce  func(func(*gossip.Local))
	raftAddr  string
	expect    int
	edge      bool
	log       *slog.Logger

	// mu makes every look at the promise and the cluster, and what follows from
	// it on disk, one step.
	mu sync.Mutex
}

// newClusterID returns 16 random hexadecimal digits.
func newClusterID() string {
	var b [8]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	return hex.EncodeToString(b[:])
}

// step does what can be done now, given the live processes that are seen. It says
// what it waits for; empty where there is nothing to say.
func (f *founding) step(ctx context.Context, seen []gossip.Member) (waits string, err error) {
	if f.edge || !f.dir.Fresh() {
		return "to be adopted by the leader", nil
	}
	if clusters := clusterIDs(seen); len(clusters) > 0 {
		return fmt.Sprintf("to be adopted by the leader of cluster %v", clusters), f.abandon("a cluster exists")
	}
	promise := f.dir.Promise()
	if f.bound(promise) {
		return f.askFounder(ctx, promise, seen)
	}
	others := f.equals(seen)
	if !f.stands(promise) {
		if waits := f.notYet(others); waits != "" {
			return waits, nil
		}
		if promise, err = f.stand(); err != nil {
			return "", err
		}
	}
	return f.run(ctx, promise, others)
}

// stands says that this node is a candidate.
func (f *founding) stands(p raftstore.Promise) bool {
	return p.Founder == f.dir.Identity().ServerID() && !p.Abandoned
}

// bound says that this node has promised itself to another.
func (f *founding) bound(p raftstore.Promise) bool {
	return p.Founder != "" && !p.Abandoned && !f.stands(p)
}

// equals returns the processes of other nodes with which this one could found,
// the lowest name first.
func (f *founding) equals(seen []gossip.Member) []gossip.Member {
	self := f.dir.Identity()
	var others []gossip.Member
	for _, p := range seen {
		if p.Live() && p.Fresh && p.ClusterID == "" && p.Role != roleEdge && p.Expect == f.expect &&
			p.RaftAddr != "" && serverID(p) != self.ServerID() {
			others = append(others, p)
		}
	}
	slices.SortFunc(others, func(a, b gossip.Member) int {
		return compareNames(a.Node, a.Incarnation, b.Node, b.Incarnation)
	})
	return others
}

func compareNames(nodeA, incarnationA, nodeB, incarnationB string) int {
	return cmp.Or(cmp.Compare(nodeA, nodeB), cmp.Compare(incarnationA, incarnationB))
}

// lowest says that nobody of a lower name is seen. Others must be sorted.
func (f *founding) lowest(others []gossip.Member) bool {
	self := f.dir.Identity()
	return len(others) == 0 ||
		compareNames(self.Node, self.Incarnation, others[0].Node, others[0].Incarnation) < 0
}

// notYet says what is missing before this node may stand.
func (f *founding) notYet(others []gossip.Member) string {
	nodes := map[string]bool{f.dir.Identity().Node: true}
	for _, p := range others {
		nodes[p.Node] = true
	}
	switch {
	case len(nodes) < f.expect:
		return fmt.Sprintf("until %d fresh nodes that expect %d see each other; %d are seen", f.expect, f.expect, len(nodes))
	case !f.lowest(others):
		return fmt.Sprintf("for %s, the lowest name, to found the cluster", serverID(others[0]))
	}
	return ""
}

// stand makes this node a candidate, for good until it is abandoned.
func (f *founding) stand() (raftstore.Promise, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	self, promise := f.dir.Identity(), f.dir.Promise()
	if f.bound(promise) || f.stands(promise) || self.ClusterID != "" {
		return promise, nil // a call came first
	}
	promise = raftstore.Promise{Founder: self.ServerID(), ClusterID: newClusterID()}
	if err := f.dir.SetPromise(promise); err != nil {
		return promise, fmt.Errorf("note candidacy: %w", err)
	}
	f.log.Info("this node asks the others to found a cluster with it", "cluster_id", promise.ClusterID)
	return promise, nil
}

// run collects promises for a candidacy and ends it one way or the other, or
// leaves it for the next round.
func (f *founding) run(ctx context.Context, promise raftstore.Promise, others []gossip.Member) (string, error) {
	if !f.stands(promise) {
		return "", nil
	}
	granted := f.collect(ctx, promise, others)
	if len(granted) >= f.expect-1 {
		return "", f.conclude(promise)
	}
	if !f.lowest(others) {
		return "", f.abandon("a node of a lower name is here")
	}
	return fmt.Sprintf("for promises of %d other nodes; %d were given", f.expect-1, len(granted)), nil
}

// conclude founds the cluster of a candidacy.
func (f *founding) conclude(promise raftstore.Promise) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dir.Promise() != promise || f.dir.Identity().ClusterID != "" {
		return nil // it was abandoned in favour of an existing cluster
	}
	if err := f.dir.SetCluster(promise.ClusterID); err != nil {
		return fmt.Errorf("note cluster: %w", err)
	}
	f.log.Info("cluster founded", "cluster_id", promise.ClusterID)
	return f.start(promise.ClusterID)
}

// start bootstraps Raft and tells the others.
func (f *founding) start(clusterID string) error {
	if err := f.bootstrap(f.raftAddr); err != nil {
		return fmt.Errorf("bootstrap raft: %w", err)
	}
	f.belong(clusterID)
	return nil
}

// belong announces the cluster.
func (f *founding) belong(clusterID string) {
	f.announce(func(l *gossip.Local) { l.ClusterID, l.Fresh = clusterID, false })
}

// resume bootstraps where the process ended between noting the cluster and
// bootstrapping it.
func (f *founding) resume() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	self, promise := f.dir.Identity(), f.dir.Promise()
	if self.ClusterID == "" || !f.stands(promise) || promise.ClusterID != self.ClusterID || !f.dir.Fresh() {
		return nil
	}
	return f.start(self.ClusterID)
}

// abandon ends a candidacy for good, if there is one.
func (f *founding) abandon(why string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.abandonLocked(why)
}

func (f *founding) abandonLocked(why string) error {
	promise := f.dir.Promise()
	if !f.stands(promise) || f.dir.Identity().ClusterID != "" {
		return nil
	}
	promise.Abandoned = true
	if err := f.dir.SetPromise(promise); err != nil {
		return fmt.Errorf("abandon candidacy: %w", err)
	}
	f.log.Info("this node no longer asks to found a cluster with it", "why", why, "cluster_id", promise.ClusterID)
	return nil
}
