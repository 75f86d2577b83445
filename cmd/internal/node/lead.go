package node

import (
	"context"
	"time"

	"github.com/seed-b4c92e43/rollcall/raftstore"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// Bounds of the judge beside those of DESIGN's rules, which are in registry.
const (
	maxJudged     = 2_000                  // leases in one tick
	maxBurials    = 200                    // of them in one entry: about 6 kB of log, 3 ms of apply
	obstructAfter = 400 * time.Millisecond // an older proposal silences the leader's clients
	checkEvery    = 10 * time.Second       // a Check, and with it cluster time, while nothing else happens
	mostCalm      = 100 * time.Millisecond // between ticks: less than registry.TickCap
	checkOverdue  = 100 * time.Millisecond // the same while a message's time is over and nothing says so
)

// leader is what a node holds only while Raft calls it leader. It belongs to
// the judge's goroutine.
type leader struct {
	term      uint64
	log       *ownLog
	proposing bool      // a Serve is on its way
	served    bool      // it was applied: this node judges, and takes writes
	checked   time.Time // when the last Check was proposed
	holding   bool      // leases were held at the last tick, or about to be
}

// serveDone is the outcome of one proposed Serve.
type serveDone struct {
	lead *leader // who proposed it
	err  error
}

// judge is the goroutine that owns time: it ticks the lease clock on every
// node, follows Raft's leadership, and on the serving leader hands the due to
// the collector, behind the renewals that came before them.
func (n *Node) judge(ctx context.Context) {
	tick := time.NewTicker(min(registry.TickEvery*time.Duration(n.cfg.calm), mostCalm))
	defer tick.Stop()
	changes := n.store.Leadership()
	var lead *leader
	for {
		select {
		case <-ctx.Done():
			n.depose(lead)
			return
		case change := <-changes:
			lead = n.follow(lead, change)
		case done := <-n.serveDone:
			n.serve(lead, done)
		case <-tick.C:
			n.cfg.beforeTick()
			n.tick(lead)
			n.open(lead)
			n.refreshStatus()
		}
	}
}

func (n *Node) follow(lead *leader, change raftstore.Leadership) *leader {
	n.depose(lead)
	if !change.Leading {
		n.log.Info("following", "term", change.Term)
		return nil
	}
	n.log.Info("elected leader", "term", change.Term)
	n.store.Judge(func(r *registry.Replica, _ time.Duration) { r.Lead(change.Term) })
	n.leading.Store(change.Term)
	n.metrics.elections.Inc()
	return &leader{term: change.Term}
}

func (n *Node) depose(lead *leader) {
	if lead == nil {
		return
	}
	n.leading.Store(0)
	n.serving.Store(0)
	if lead.log != nil {
		n.route.end(lead.log)
	}
	n.store.Judge(func(r *registry.Replica, _ time.Duration) { r.Depose() })
}

// open proposes the Serve of this term as soon as the cluster may be served:
// it was founded before, or the expected voters are there.
func (n *Node) open(lead *leader) {
	if lead == nil || lead.served || lead.proposing || !n.mayServe() {
		return
	}
	lead.proposing = true
	lead.log = newOwnLog(n.cfg.NodeID, n.store)
	proposal := lead.log.propose([]registry.Command{&registry.Serve{
		Term:      lead.term,
		ClusterID: n.dir.Identity().ClusterID,
		Retention: n.cfg.retention(),
	}})
	n.workers.Go(func() {
		_, err := proposal.Wait()
		select {
		case n.serveDone <- serveDone{lead, err}:
		case <-n.stopping:
		}
	})
}

func (n *Node) mayServe() bool {
	founded := false
	n.store.View(func(r *registry.Replica, _ time.Duration) { founded = r.ClusterID() != "" })
	return founded || n.voters() >= n.cfg.BootstrapExpect
}

// serve begins the service, if the Serve took effect and its term still runs.
func (n *Node) serve(lead *leader, done serveDone) {
	if lead == nil || lead != done.lead {
		return
	}
	lead.proposing = false
	if done.err != nil {
		n.log.Warn("could not begin to serve", "term", lead.term, "error", done.err)
		return
	}
	term, ok := uint64(0), false
	n.store.View(func(r *registry.Replica, _ time.Duration) { term, ok = r.Serving() })
	if !ok || term != lead.term {
		return
	}
	lead.served, lead.checked = true, time.Now()
	n.serving.Store(lead.term)
	n.route.lead(lead.log)
	n.log.Info("serving", "term", lead.term)
}

func (n *Node) tick(lead *leader) {
	var (
		stall   time.Duration
		due     decisions
		overdue bool
	)
	obstructed := lead != nil && n.obstructed()
	n.store.Judge(func(r *registry.Replica, mono time.Duration) {
		stall = r.Tick(mono)
		if lead == nil || !lead.served {
			return
		}
		r.Obstruct(mono, obstructed)
		bury, hold := r.Due(mono, maxJudged, n.collector.Waiting())
		due = decisions{inParts(bury, hold), reasonOf(hold), r.Held(), len(hold) > 0}
		overdue = r.Overdue(mono)
	})
	if stall > 0 {
		n.metrics.stalls.Observe(stall.Seconds())
		n.log.Warn("this process did not run in time; nobody is judged by it", "stall", stall)
	}
	if lead == nil || !lead.served {
		return
	}
	n.propose(lead, &due)
	n.check(lead, overdue)
}

// obstructed tells whether the leader itself keeps its clients from renewing:
// their silence is then no evidence.
func (n *Node) obstructed() bool {
	return n.collector.Oldest() >= obstructAfter || n.store.DiskWait() >= obstructAfter || n.collector.Refusing()
}

// check lets cluster time go on while nothing happens, and the replicas note
// their digests; sooner where a message ends by its age.
func (n *Node) check(lead *leader, overdue bool) {
	every := checkEvery
	if overdue {
		every = checkOverdue
	}
	if time.Since(lead.checked) < every {
		return
	}
	lead.checked = time.Now()
	n.workers.Go(func() {
		ctx, cancel := context.WithTimeout(n.ctx, checkEvery)
		defer cancel()
		if _, _, err := n.collector.Do(ctx, &registry.Check{}); err != nil && ctx.Err() == nil {
			n.log.Debug("check was not committed", "error", err)
		}
	})
}
