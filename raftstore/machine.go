package raftstore

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// stepsOfFlush is in how many steps what is flushed at once is captured, each
// under the lock of the replica: of 8 MiB in one piece, a million leases in
// memory, readers and the judge would wait for 20 to 110 ms.
const stepsOfFlush = 8

var errReplaying = errors.New("entries of before the start are still being replayed")

// machine is Raft's state machine: a thin delegate of the registry's replica,
// with the lock that the replica lacks.
type machine struct {
	node    string
	protect []registry.Protection
	faults  registry.Faults
	start   time.Time // of the process clock
	image   *image
	cluster func() string // id, "" if not known yet

	onApply   func(registry.Outcome)
	onRestore func(revision uint64)
	onFatal   func(error)
	grown     func()      // the replica has much to flush
	done      func()      // entries were applied; may be nil
	awaited   func() bool // somebody here waits for the result of an entry; nil: always

	flushBytes int

	mu      sync.RWMutex // guards what follows
	replica *registry.Replica
	term    uint64 // of the last entry applied
	broken  error  // why nothing is applied any more
	last    restoredID
	// replacing says that a snapshot is being installed: what changed of this
	// replica must not get into the image of the next.
	replacing bool

	intake *intake // a backup on its way in, or nil; of Raft's goroutine

	applied, revision atomic.Uint64
	indexes           waiters
	revisions         waiters
}

var _ raft.BatchingFSM = (*machine)(nil)

func (m *machine) mono() time.Duration { return time.Since(m.start) }

// view reads the replica.
func (m *machine) view(f func(*registry.Replica, time.Duration)) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	f(m.replica, m.mono())
}

// judge lets the replica's own judge work, which changes it.
func (m *machine) judge(f func(*registry.Replica, time.Duration)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(m.replica, m.mono())
}

// Apply applies one entry.
func (m *machine) Apply(l *raft.Log) any { return m.ApplyBatch([]*raft.Log{l})[0] }

// ApplyBatch applies committed entries in order. The response to a command is
// a *registry.Outcome, or an error if it could not be applied.
func (m *machine) ApplyBatch(logs []*raft.Log) []any {
	responses := make([]any, len(logs))
	for i, l := range logs {
		responses[i] = m.next(l)
	}
	m.indexes.wake(m.applied.Load())
	m.revisions.wake(m.revision.Load())
	if m.done != nil {
		m.done()
	}
	m.relieve()
	return responses
}

// next applies an entry of the registry, or one that is a piece of a backup.
func (m *machine) next(l *raft.Log) any {
	m.forsake(l.Term)
	if len(l.Extensions) > 0 {
		return m.piece(l)
	}
	return m.one(l)
}

// one applies an entry. The lock is taken for each, so that readers come in
// between.
func (m *machine) one(l *raft.Log) any {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken != nil {
		return m.broken
	}
	var response any
	if l.Type == raft.LogCommand {
		out, err := m.command(l)
		if err != nil {
			return m.fail(err)
		}
		response = out
	}
	m.term = l.Term
	m.applied.Store(l.Index)
	if m.replica.FlushSize() >= m.flushBytes/stepsOfFlush {
		m.spill(nil)
	}
	return response
}

func (m *machine) command(l *raft.Log) (*registry.Outcome, error) {
	decode := registry.DecodeEntry
	if l.Index <= m.replica.Index() {
		decode = registry.DecodeReplayed
	}
	entry, err := decode(l.Data)
	if err != nil {
		return nil, fmt.Errorf("committed entry %d cannot be read: %w", l.Index, err)
	}
	out := m.perform(registry.Position{Index: l.Index, Term: l.Term}, &entry)
	m.revision.Store(out.Revision)
	if m.onApply != nil {
		m.onApply(out)
	}
	return &out, nil
}

// perform applies an entry; where it cannot be one that was proposed here, what
// its beats did is not even written down.
func (m *machine) perform(at registry.Position, e *registry.Entry) registry.Outcome {
	if m.awaited == nil || m.awaited() {
		return m.replica.Apply(at, e, m.mono())
	}
	return m.replica.ApplyUnheard(at, e, m.mono())
}

// fail stops applying: a replica that skipped an entry would no longer be like
// the others.
func (m *machine) fail(err error) error {
	m.broken = err
	if m.onFatal != nil {
		go m.onFatal(err) // it may want the lock
	}
	return err
}

// relieve has what changed written: beside this goroutine as a rule, by it
// when the disk cannot keep up, so that what waits stays bounded.
func (m *machine) relieve() {
	switch size := m.image.queue.size(); {
	case size >= 4*m.flushBytes:
		m.flush() //nolint:errcheck // the watchdog has judged it
	case size >= m.flushBytes && m.grown != nil:
		m.grown()
	}
}

// flush writes what changed since the last flush, renewals apart.
func (m *machine) flush() error {
	m.capture(nil)
	return m.image.drain()
}

// capture queues what changed since the last capture; with a fence also the
// packed renewals, and even if nothing changed. While the replica is being
// replaced it queues nothing, and the fence fails.
func (m *machine) capture(f *fence) frameHeader {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.spill(f)
}

// spill is capture for who holds the lock.
func (m *machine) spill(f *fence) frameHeader {
	switch {
	case m.replacing:
		f.fail(errReplaced)
		return frameHeader{}
	case f == nil && m.replica.FlushSize() == 0:
		return frameHeader{}
	}
	c := &capture{index: max(m.applied.Load(), m.replica.Index()), fence: f}
	if f != nil {
		c.renewals = m.replica.Renewals()
	}
	m.replica.Flush(c.add)
	m.image.queue.put(c)
	h := frameHeader{Index: c.index, Term: m.term, ClusterID: m.replica.ClusterID()}
	if f != nil && f.backup {
		h.backup = m.backupHead()
	}
	return h
}

// backupHead says what a backup of this moment is of.
func (m *machine) backupHead() backupHead {
	r := m.replica
	return backupHead{
		node: m.node, made: time.Now().UnixMilli(), revision: r.Revision(),
		leases: uint64(r.Len()), messages: uint64(r.Undelivered()),
	}
}

// Snapshot captures everything at the present index, unless the log is needed
// for a backup on its way in, which is nowhere else.
func (m *machine) Snapshot() (raft.FSMSnapshot, error) {
	if m.intake != nil {
		return nil, errIntake
	}
	return m.snapshot(new(fence))
}

func (m *machine) snapshot(f *fence) (*imageSnapshot, error) {
	m.mu.RLock()
	behind := m.applied.Load() < m.replica.Index()
	err := m.broken
	m.mu.RUnlock()
	switch {
	case err != nil:
		return nil, err
	case behind:
		// The packed renewals would be older than the index that they name.
		return nil, errReplaying
	}
	return &imageSnapshot{image: m.image, fence: f, header: m.capture(f)}, nil
}

// empty returns a replica that has applied nothing.
func (m *machine) empty() *registry.Replica {
	r := registry.NewReplica(m.node)
	r.Protect(m.protect)
	r.Plant(m.faults)
	return r
}

// Restore puts the content of a snapshot in the place of everything.
func (m *machine) Restore(source io.ReadCloser) error { return m.restore(source, 0) }

// restore is Restore for a snapshot that Raft holds for one of at least index.
func (m *machine) restore(source io.Reader, index uint64) error {
	m.drop()
	m.replace(true)
	defer m.replace(false)
	r := m.empty()
	return m.image.install(arrival{source: source, index: index, clusterID: m.cluster(), replica: r}, func(h frameHeader) {
		m.put(r, max(h.Index, index), h.Term, m.onRestore)
	})
}

func (m *machine) replace(replacing bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.replacing = replacing
}

// put makes r the replica, which has applied index, and calls told before
// anybody can see it.
func (m *machine) put(r *registry.Replica, index, term uint64, told func(revision uint64)) {
	m.mu.Lock()
	m.replica, m.term = r, term
	r.Tick(m.mono())
	m.applied.Store(index)
	m.revision.Store(r.Revision())
	if told != nil {
		told(r.Revision())
	}
	m.mu.Unlock()
	m.indexes.wake(index)
	m.revisions.wake(r.Revision())
}
