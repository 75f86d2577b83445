package raftstore

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// drainTimeout bounds how long Close waits for proposals on their way.
const drainTimeout = 2 * time.Second

// Store replicates the registry's entries and holds this node's replica.
type Store struct {
	cfg       Config
	raft      *raft.Raft
	snapshots raft.SnapshotStore
	log       *logStore
	image     *image
	disk      *watchdog
	machine   *machine
	metrics   *metrics
	news      *news

	proposals   *proposals
	leaderships *leaderships
	flushNow    chan struct{} // capacity 1
	logGrown    chan struct{} // capacity 1
	spaceLow    atomic.Bool

	cancel context.CancelFunc
	tasks  sync.WaitGroup
	gone   chan struct{} // closed when Raft has stopped
	dying  sync.Once
	once   sync.Once
	closed error
}

// Open loads the state, starts Raft and the tasks beside it. A store without
// configuration waits for Bootstrap, or for a leader that adds it. If Open
// fails, the directory is still the caller's to close.
func Open(cfg Config) (*Store, error) {
	if err := cfg.fill(); err != nil {
		return nil, err
	}
	if cfg.Dir.node.Recovering != "" {
		return nil, fmt.Errorf("open store: %w", ErrRecovering)
	}
	s := newStore(cfg)
	if err := s.start(); err != nil {
		s.metrics.unregister()
		return nil, fmt.Errorf("open store: %w", err)
	}
	return s, nil
}

func newStore(cfg Config) *Store {
	d := cfg.Dir
	s := &Store{
		cfg: cfg, log: d.log, image: d.image, disk: d.disk, proposals: newProposals(), leaderships: newLeaderships(), news: new(news),
		flushNow: make(chan struct{}, 1), logGrown: make(chan struct{}, 1), gone: make(chan struct{}),
	}
	s.metrics = newMetrics(s)
	s.disk.onHung, s.disk.onFatal, s.disk.observe = cfg.OnHung, s.fatal, s.metrics.disk
	s.disk.every = cfg.calmed(watchEvery)
	s.log.grown, s.log.begun = func() { nudge(s.logGrown) }, s.news.come
	s.machine = &machine{
		node: d.Identity().Node, protect: cfg.Protect, faults: cfg.Faults, start: time.Now(), image: d.image, flushBytes: cfg.FlushBytes,
		cluster: func() string { return d.Identity().ClusterID },
		onApply: cfg.OnApply, onRestore: s.restored, onFatal: s.fatal,
		grown: func() { nudge(s.flushNow) }, done: s.news.come, awaited: s.proposals.any,
	}
	return s
}

// nudge wakes whoever reads a channel of capacity 1.
func nudge(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// start loads, then starts every goroutine of the store.
func (s *Store) start() error {
	if err := s.metrics.register(s.cfg.Registerer); err != nil {
		return err
	}
	files, err := openSnapshots(s.cfg.Dir.path, newRaftLogger(s.cfg.Logger))
	if err != nil {
		return fmt.Errorf("open snapshots: %w", err)
	}
	s.snapshots = checkedSnapshots{files, filepath.Join(s.cfg.Dir.path, snapshotsName)}
	if err := s.load(); err != nil {
		return err
	}
	s.raft, err = raft.NewRaft(s.cfg.raftConfig(), s.machine, s.log, s.log, s.snapshots, quieten(s.cfg.Transport, s.news))
	if err != nil {
		return fmt.Errorf("start raft: %w", err)
	}
	s.raft.RegisterObserver(s.leaderships.observer(s.raft))
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	for _, task := range []func(context.Context){s.disk.watch, s.flushes, s.cuts, s.wakes, s.space, s.unmaps} {
		s.tasks.Go(func() { task(ctx) })
	}
	return nil
}

// load fills the replica from state.db, or from the newest snapshot where a
// crash cut its installation short.
func (s *Store) load() error {
	d := s.cfg.Dir
	if d.snapshot.Index > min(d.image.index.Load(), d.image.renewalsIndex()) {
		return s.loadSnapshot(d.snapshot)
	}
	r := s.machine.empty()
	if err := load(d.image.db, r); err != nil {
		return inFile(d.path, imageName, err)
	}
	if own, of := d.Identity().ClusterID, r.ClusterID(); of != "" && own != of {
		return damaged(filepath.Join(d.path, nodeName), fmt.Sprintf("older than %s, or foreign: of cluster %q, not of %q", imageName, own, of), nil)
	}
	s.machine.put(r, d.snapshot.Index, d.snapshot.Term, nil)
	return nil
}

func (s *Store) loadSnapshot(meta raft.SnapshotMeta) error {
	s.cfg.Logger.Warn("state.db is older than the newest snapshot: installing that", "snapshot", meta.ID)
	path := filepath.Join(s.cfg.Dir.path, snapshotsName, meta.ID)
	_, source, err := s.snapshots.Open(meta.ID)
	if err != nil {
		return damaged(path, "damaged", err)
	}
	defer source.Close()
	if err := s.machine.restore(source, meta.Index); err != nil {
		return damaged(path, "damaged", err)
	}
	return nil
}

// fatal says once that the node must not go on.
func (s *Store) fatal(err error) {
	s.dying.Do(func() {
		s.cfg.Logger.Error("this node cannot go on", "error", err)
		if s.cfg.OnFatal != nil {
			s.cfg.OnFatal(err)
		}
	})
}

// restored is called when the replica is another.
func (s *Store) restored(revision uint64) {
	if s.cfg.OnRestore != nil {
		s.cfg.OnRestore(revision)
	}
	s.leaderships.again()
}

// Propose hands an encoded entry to Raft. It never blocks for longer than
// Config.EnqueueTimeout; entries proposed one after the other are in the log
// in that order.
func (s *Store) Propose(data []byte) *Proposal {
	return s.propose(raft.Log{Data: data})
}

// ProposePiece is Propose for a piece of a backup, see Upload.Send. Its error
// may be a *RefusedError, too.
func (s *Store) ProposePiece(piece []byte) *Proposal { return s.propose(raft.Log{Extensions: piece}) }

func (s *Store) propose(l raft.Log) *Proposal {
	p := &Proposal{done: make(chan struct{}), gone: s.gone}
	if !s.proposals.begin() {
		p.err = fmt.Errorf("%w: %w", ErrNotLeader, ErrClosed)
		close(p.done)
		return p
	}
	p.future = s.raft.ApplyLog(l, s.cfg.EnqueueTimeout)
	go func() {
		defer s.proposals.end()
		p.settle()
	}()
	return p
}

// View lets f read the replica; mono is the process clock at that moment.
// Views run side by side.
func (s *Store) View(f func(r *registry.Replica, mono time.Duration)) { s.machine.view(f) }

// Judge lets f use the replica's own judge (Tick, Due, Lead, Depose,
// Obstruct), alone.
func (s *Store) Judge(f func(r *registry.Replica, mono time.Duration)) { s.machine.judge(f) }

// AwaitIndex waits until the entry of that index is applied here.
func (s *Store) AwaitIndex(ctx context.Context, index uint64) error {
	return s.machine.indexes.wait(ctx, s.gone, index, s.Applied)
}

// AwaitRevision waits until the replica has reached that revision.
func (s *Store) AwaitRevision(ctx context.Context, revision uint64) error {
	return s.machine.revisions.wait(ctx, s.gone, revision, s.machine.revision.Load)
}

// Applied returns the index up to which every entry has done here what it
// does, counting those that do nothing to the replica (each new leader's first
// entry). After a start it begins at the last snapshot.
func (s *Store) Applied() uint64 {
	applied, committed := s.machine.applied.Load(), s.raft.CommitIndex()
	if applied >= committed {
		return applied
	}
	return s.log.skip(applied, committed)
}

// Committed returns the index up to which this node knows entries to be
// committed.
func (s *Store) Committed() uint64 { return s.raft.CommitIndex() }

// Leader returns who leads, as far as this node knows; empty if nobody.
func (s *Store) Leader() (serverID, addr string) {
	a, id := s.raft.LeaderWithID()
	return string(id), string(a)
}

// Term returns Raft's current term.
func (s *Store) Term() uint64 { return s.raft.CurrentTerm() }

// IsLeader says whether this node believes that it leads.
func (s *Store) IsLeader() bool { return s.raft.State() == raft.Leader }

// Leadership returns the channel on which changes of this node's leadership
// come, in order; one that was not received gives way to the next. It has one
// reader and is never closed.
func (s *Store) Leadership() <-chan Leadership { return s.leaderships.ch }

// LastContact returns when this node last heard from a leader; zero if never.
func (s *Store) LastContact() time.Time { return s.raft.LastContact() }

// DiskWait returns how long Raft has waited for the disk now.
func (s *Store) DiskWait() time.Duration { return s.disk.wait() }

// FreeSpaceLow says that less than 5 % of the disk is free.
func (s *Store) FreeSpaceLow() bool { return s.spaceLow.Load() }

// Close lets proposals end, stops Raft and the tasks, flushes and closes the
// directory. A second Close waits for the first.
func (s *Store) Close() error {
	s.once.Do(func() { s.closed = s.close() })
	return s.closed
}

func (s *Store) close() error {
	s.proposals.stop(drainTimeout)
	err := s.raft.Shutdown().Error()
	close(s.gone)
	s.cancel()
	s.tasks.Wait()
	s.metrics.unregister()
	s.machine.drop()
	return errors.Join(err, s.machine.flush(), s.cfg.Dir.Close())
}
