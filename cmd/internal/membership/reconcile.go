package membership

import (
	"context"
	"log/slog"
	"time"

	"github.com/seed-b4c92e43/rollcall/gossip"
	"github.com/seed-b4c92e43/rollcall/raftstore"
)

const (
	// deferFor is how long a server is left alone after a change of it failed, so
	// that one unreachable node does not hold up the others.
	deferFor = 3 * time.Second
	// readdressPause is how long a broken connection has to be noticed.
	readdressPause = 200 * time.Millisecond
	// roundMax is how much silence one round counts at most: time in which this
	// process did not run is no evidence of another's death.
	roundMax = 5 * time.Second
)

// reconciler carries out plans while this node leads. It belongs to the goroutine
// of Run.
type reconciler struct {
	config *Config
	log    *slog.Logger

	lastRound time.Time
	silent    map[string]time.Duration
	deferred  map[string]time.Time // until when
}

// forget is called while this node does not lead: what it knew grows stale.
func (r *reconciler) forget() {
	r.lastRound, r.silent, r.deferred = time.Time{}, nil, nil
}

// round carries out at most one change, and returns it.
func (r *reconciler) round(ctx context.Context, processes []gossip.Member, servers []raftstore.Server, removed map[string]bool) (Action, error) {
	v := r.view(processes, servers, removed)
	r.listen(&v)
	action := Plan(v)
	if action.Verb == Nothing {
		return action, nil
	}
	if err := r.do(ctx, v.ClusterID, action); err != nil {
		r.deferred[action.ServerID] = time.Now().Add(deferFor)
		return action, err
	}
	r.log.Info("raft's configuration changed", "verb", action.Verb, "server", action.ServerID, "addr", action.Addr, "why", action.Why)
	return action, nil
}

func (r *reconciler) view(processes []gossip.Member, servers []raftstore.Server, removed map[string]bool) View {
	self := r.config.Dir.Identity()
	v := View{
		Self: self.ServerID(), ClusterID: self.ClusterID,
		Servers: servers, Processes: processes, Contacts: make(map[string]Contact, len(servers)),
		Committed: r.config.Store.Committed(), Removed: removed, Deferred: make(map[string]bool),
		Expect: r.config.Expect, MaxVoters: r.config.MaxVoters, DeadNodeAfter: r.config.DeadNodeAfter,
	}
	for _, s := range servers {
		if contact, known := r.config.Contact(s.ID); known {
			v.Contacts[s.ID] = contact
		}
	}
	r.expire()
	for id := range r.deferred {
		v.Deferred[id] = true
	}
	return v
}

// expire forgets what need not be deferred any longer.
func (r *reconciler) expire() {
	if r.deferred == nil {
		r.deferred = make(map[string]time.Time)
	}
	now := time.Now()
	for id, until := range r.deferred {
		if !now.Before(until) {
			delete(r.deferred, id)
		}
	}
}

// listen adds to the silence of the servers that are not heard of.
func (r *reconciler) listen(v *View) {
	now := time.Now()
	elapsed := time.Duration(0)
	if !r.lastRound.IsZero() {
		elapsed = min(now.Sub(r.lastRound), roundMax)
	}
	r.lastRound = now
	silent := make(map[string]time.Duration)
	for _, s := range v.Servers {
		if !v.live(s.ID) && !v.inContact(s.ID) {
			silent[s.ID] = r.silent[s.ID] + elapsed
		}
	}
	r.silent, v.Silent = silent, silent
}

func (r *reconciler) do(ctx context.Context, clusterID string, a Action) error {
	store := r.config.Store
	switch a.Verb {
	case Add:
		if err := r.adopt(ctx, clusterID, a); err != nil {
			return err
		}
		return store.AddNonvoter(a.ServerID, a.Addr)
	case Promote:
		return store.AddVoter(a.ServerID, a.Addr)
	case Readdress:
		return r.readdress(ctx, clusterID, a)
	case Remove:
		return store.Remove(a.ServerID)
	case StepDown:
		return store.Transfer("")
	}
	return nil
}

// readdress gives a server its new address, between two changes that change
// nothing: Raft reads a server here and there without the lock under which its
// address is written (raft 1.8.0, replication.go:647 and 660). So another entry
// breaks the old connection first, and whoever sends entries has seen the change
// with the one after it.
func (r *reconciler) readdress(ctx context.Context, clusterID string, a Action) error {
	if !a.Unproved && a.ServerID != r.config.Dir.Identity().ServerID() {
		if err := r.adopt(ctx, clusterID, a); err != nil {
			return err
		}
	}
	change := r.config.Store.AddNonvoter
	if a.Voter {
		change = r.config.Store.AddVoter
	}
	for _, addr := range []string{a.From, a.Addr} {
		if err := change(a.ServerID, addr); err != nil {
			return err
		}
		pause(ctx, readdressPause)
	}
	return change(a.ServerID, a.Addr)
}

// adopt proves that the server which is meant answers at its address, and makes
// it one of the cluster.
func (r *reconciler) adopt(ctx context.Context, clusterID string, a Action) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return r.config.Peers.Call(ctx, a.Addr, a.ServerID, methodAdopt, adoptRequest{ClusterID: clusterID}, nil)
}
