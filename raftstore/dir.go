package raftstore

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"

	"github.com/hashicorp/raft"
)

// Dir is an open, verified data directory, of which this process has the only
// use until Close.
type Dir struct {
	path  string
	lock  io.Closer
	disk  *watchdog
	log   *logStore
	image *image
	// snapshot is the newest one as found at the start; zero if there is none.
	snapshot raft.SnapshotMeta
	closing  sync.Once
	closed   error

	mu   sync.Mutex // guards node and orders its writes
	node nodeFile
}

// OpenDir opens a data directory for the node of that id. A missing or empty
// one is a first start: it is made, durably. Else every file is verified, and
// what cannot be trusted is refused with a *DamageError. A directory that
// another process holds is refused at once with ErrInUse.
func OpenDir(path, node string) (*Dir, error) {
	if node == "" {
		return nil, errors.New("open data directory: a node needs an id")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open data directory: %w", err)
	}
	if err := makeDir(path); err != nil {
		return nil, fmt.Errorf("open data directory: %w", err)
	}
	lock, err := lockDir(path)
	if err != nil {
		return nil, err
	}
	d := &Dir{path: path, lock: lock, disk: newWatchdog()}
	if err := d.open(node); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *Dir) open(node string) error {
	f, err := ensureNodeFile(d.path, node)
	if err != nil {
		return fmt.Errorf("open data directory: %w", err)
	}
	if f.Node != node {
		return &DamageError{
			Path:    filepath.Join(d.path, nodeName),
			Problem: fmt.Sprintf("belongs to node %q, not %q", f.Node, node),
			Remedy:  fmt.Sprintf("start with --node-id %s or choose another --data-dir", f.Node),
		}
	}
	if !f.Complete {
		if err := complete(d.path, &f); err != nil {
			return err
		}
	}
	d.node = f
	return d.openFiles()
}

// Inject lets f run before each call to the disk, named by op: it may block, and
// its error is the call's; nil ends that. It is for tests only.
func (d *Dir) Inject(f func(op string) error) {
	d.disk.mu.Lock()
	defer d.disk.mu.Unlock()
	d.disk.inject = f
}

// Identity returns who the node is.
func (d *Dir) Identity() Identity {
	d.mu.Lock()
	defer d.mu.Unlock()
	return Identity{Node: d.node.Node, Incarnation: d.node.Incarnation, ClusterID: d.node.ClusterID}
}

// SetCluster notes durably to which cluster the node belongs. It is an error
// if it belongs to another already.
func (d *Dir) SetCluster(id string) error {
	return d.update(func(f *nodeFile) error {
		if f.ClusterID != "" && f.ClusterID != id {
			return fmt.Errorf("node belongs to cluster %s already, not to %s", f.ClusterID, id)
		}
		f.ClusterID = id
		return nil
	})
}

// Promise returns the last promise made.
func (d *Dir) Promise() Promise {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.node.Promise
}

// SetPromise makes a promise durable. Whether it may be made is the caller's
// to decide.
func (d *Dir) SetPromise(p Promise) error {
	return d.update(func(f *nodeFile) error {
		f.Promise = p
		return nil
	})
}

// update changes node.json, on disk first.
func (d *Dir) update(change func(*nodeFile) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.node
	if err := change(&f); err != nil {
		return err
	}
	if f == d.node {
		return nil
	}
	if err := d.disk.doBehind("write "+nodeName, func() error { return f.write(d.path) }); err != nil {
		return err
	}
	d.node = f
	return nil
}

// Fresh says that there is no Raft state yet: the node never founded nor
// joined a cluster.
func (d *Dir) Fresh() bool {
	_, last := d.log.bounds()
	term, _ := d.log.GetUint64([]byte(keyCurrentTerm))
	return last == 0 && term == 0 && d.snapshot.Index == 0
}

// Close closes the files and gives the directory free. A second Close does
// nothing.
func (d *Dir) Close() error {
	d.closing.Do(func() { d.closed = d.close() })
	return d.closed
}

func (d *Dir) close() error {
	var errs []error
	if d.log != nil {
		errs = append(errs, d.log.close())
	}
	if d.image != nil {
		errs = append(errs, d.image.close())
	}
	return errors.Join(append(errs, d.lock.Close())...)
}
