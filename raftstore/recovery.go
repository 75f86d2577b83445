package raftstore

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	"github.com/seed-b4c92e43/rollcall/registry"
	bolt "go.etcd.io/bbolt"
)

// ErrRecovering is returned by Open for a directory whose recovery was cut short.
var ErrRecovering = errors.New("the recovery of this node was cut short: run rollcall cluster recover again")

// ErrNoState is returned by OpenRecovery for a directory that never held the
// state of a cluster.
var ErrNoState = errors.New("there is no state of a cluster to recover")

// recoveryName is the copy of state.db that a recovery works on.
const recoveryName = "spool-recovery" + temporary

// Recovery is the state of a stopped node that is to go on without the others
// of its cluster. Nothing in the directory is changed before Commit.
type Recovery struct {
	dir     *Dir
	machine *machine
	servers []Server
	info    RecoveryInfo
}

// RecoveryInfo says what a node has.
type RecoveryInfo struct {
	Identity
	Revision         uint64
	Index, Term      uint64    // of the last entry in its log, committed or not
	LastEntry        time.Time // on the clock of the leader that appended it; zero if not known
	Leases, Messages uint64
}

// OpenRecovery opens the directory of a stopped node and reads what it has, all
// entries of its log included. The error is ErrInUse when the node runs, a
// *DamageError when the directory cannot be trusted, ErrNoState, or that of the
// disk.
func OpenRecovery(path string) (*Recovery, error) {
	f, err := readNodeFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s has no %s", ErrNoState, path, nodeName)
	}
	if err != nil {
		return nil, err
	}
	d, err := OpenDir(path, f.Node)
	if err != nil {
		return nil, err
	}
	r := &Recovery{dir: d}
	if err := r.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("open recovery: %w", err), r.Close())
	}
	return r, nil
}

func (r *Recovery) open() error {
	if r.dir.Fresh() {
		return ErrNoState
	}
	for _, step := range []func() error{r.copyImage, r.load, r.replay} {
		if err := step(); err != nil {
			return err
		}
	}
	m := r.machine
	r.info.Identity = r.dir.Identity()
	r.info.Revision, r.info.Leases = m.replica.Revision(), uint64(m.replica.Len())
	r.info.Messages = uint64(m.replica.Undelivered())
	return nil
}

// copyImage makes the machine, on a copy of state.db.
func (r *Recovery) copyImage() error {
	own := r.dir.image
	path := filepath.Join(r.dir.path, recoveryName)
	err := own.db.View(func(tx *bolt.Tx) error { return tx.CopyFile(path, 0o600) })
	if err != nil {
		return err
	}
	db, err := openDB(path, 0)
	if err != nil {
		return err
	}
	id := r.dir.Identity()
	r.machine = &machine{
		node: id.Node, start: time.Now(), image: newImage(path, db, own.head, r.dir.disk), flushBytes: 8 << 20,
		cluster: func() string { return "" },
	}
	return nil
}

// load fills the replica, as Store.load does.
func (r *Recovery) load() error {
	m, snapshot := r.machine, r.dir.snapshot
	if snapshot.Index <= min(m.image.index.Load(), m.image.renewalsIndex()) {
		replica := m.empty()
		if err := load(m.image.db, replica); err != nil {
			return inFile(r.dir.path, imageName, err)
		}
		m.put(replica, snapshot.Index, snapshot.Term, nil)
		return nil
	}
	store, err := openSnapshots(r.dir.path, hclog.NewNullLogger())
	if err != nil {
		return err
	}
	_, source, err := store.Open(snapshot.ID)
	if err != nil {
		return err
	}
	defer source.Close()
	return m.restore(source, snapshot.Index)
}

// replay applies the log. What was not committed is applied too: nobody else is
// left to decide otherwise.
func (r *Recovery) replay() error {
	snapshot := r.dir.snapshot
	r.info.Index, r.info.Term = snapshot.Index, snapshot.Term
	configuration := snapshot.Configuration
	_, last := r.dir.log.bounds()
	for index := snapshot.Index + 1; index <= last; index++ {
		var l raft.Log
		if err := r.dir.log.GetLog(index, &l); err != nil {
			return fmt.Errorf("read entry %d: %w", index, err)
		}
		if l.Type == raft.LogConfiguration {
			configuration = raft.DecodeConfiguration(l.Data)
		}
		if l.Type == raft.LogCommand {
			if err, broken := r.machine.Apply(&l).(error); broken && !errors.As(err, new(*RefusedError)) {
				return err
			}
		}
		r.info.Index, r.info.Term, r.info.LastEntry = index, l.Term, l.AppendedAt
	}
	r.servers = serversOf(configuration)
	return nil
}

// Info says what the node has.
func (r *Recovery) Info() RecoveryInfo { return r.info }

// Servers returns the last configuration that the node knows of.
func (r *Recovery) Servers() []Server { return r.servers }

// Commit makes the node, reachable as before, the only voter of a cluster of a new
// id, so that the others of the old one can never again speak with it, and its
// state what that cluster begins with. Entries that it does not have are lost;
// so that what was given in them is not given again, revision and offsets jump
// as after a restore. A Commit that was cut short may be repeated.
func (r *Recovery) Commit() (clusterID string, err error) {
	self, ok := r.self()
	if !ok {
		return "", fmt.Errorf("recover: %s is no member of its cluster", r.info.ServerID())
	}
	former := r.machine.replica.ClusterID()
	clusterID = newIncarnation()
	if err := r.restart(clusterID); err != nil {
		return "", fmt.Errorf("recover: %w", err)
	}
	// A snapshot beyond the log replaces it and state.db at the next start, as one
	// does whose installation was cut short.
	for _, step := range []func() error{
		func() error { return r.note(clusterID, former) },
		func() error { return r.write(self) },
		func() error { return r.note(clusterID, "") },
	} {
		if err := step(); err != nil {
			return "", fmt.Errorf("recover: %w", err)
		}
	}
	return clusterID, nil
}

// note writes down which cluster the node belongs to, and which it is taken from.
func (r *Recovery) note(clusterID, former string) error {
	return r.dir.update(func(f *nodeFile) error {
		f.ClusterID, f.Recovering, f.Promise = clusterID, former, Promise{}
		return nil
	})
}

func (r *Recovery) self() (Server, bool) {
	for _, s := range r.servers {
		if s.ID == r.info.ServerID() {
			return s, true
		}
	}
	return Server{}, false
}

// restart makes the state that of the new cluster, one entry beyond the log.
func (r *Recovery) restart(clusterID string) error {
	term, err := r.dir.log.GetUint64([]byte(keyCurrentTerm))
	if err != nil {
		return err
	}
	m, now := r.machine, time.Now().UnixMilli()
	at := registry.Position{Index: r.info.Index + 1, Term: max(term, r.info.Term)}
	m.replica.Restart(registry.Restoration{
		At: at, Revision: uint64(max(0, now)) * revisionsPerMilli, Wall: now, ClusterID: clusterID,
	})
	m.put(m.replica, at.Index, at.Term, nil)
	return nil
}

func (r *Recovery) write(self Server) error {
	files, err := openSnapshots(r.dir.path, hclog.NewNullLogger())
	if err != nil {
		return err
	}
	_, transport := raft.NewInmemTransport(raft.ServerAddress(self.Addr))
	defer transport.Close()
	m := r.machine
	only := raft.Configuration{Servers: []raft.Server{{ID: raft.ServerID(self.ID), Address: raft.ServerAddress(self.Addr)}}}
	index := m.applied.Load()
	sink, err := checkedSnapshots{files, filepath.Join(r.dir.path, snapshotsName)}.Create(raft.SnapshotVersionMax, index, m.term, only, index, transport)
	if err != nil {
		return err
	}
	snapshot, err := m.snapshot(new(fence))
	if err != nil {
		return errors.Join(err, sink.Cancel())
	}
	defer snapshot.Release()
	if err := snapshot.Persist(sink); err != nil {
		return errors.Join(err, sink.Cancel())
	}
	return sink.Close()
}

// Close ends the recovery and gives the directory free.
func (r *Recovery) Close() error {
	var err error
	if r.machine != nil {
		r.machine.drop()
		err = r.machine.image.close()
	}
	return errors.Join(err, removeSpools(r.dir.path), r.dir.Close())
}
