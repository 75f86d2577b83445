package raftstore

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/hashicorp/raft"
)

// retainSnapshots is how many snapshots are kept: the newest, and one that is
// there while the newest is being written or sent.
const retainSnapshots = 2

// checkedSnapshots refuses to keep a stream that is not a whole snapshot, so
// that what a peer sent cannot become this node's newest one unless it could
// be restored.
type checkedSnapshots struct {
	raft.SnapshotStore
	dir string // in which they lie
}

func (s checkedSnapshots) Create(version raft.SnapshotVersion, index, term uint64, configuration raft.Configuration,
	configurationIndex uint64, trans raft.Transport,
) (raft.SnapshotSink, error) {
	sink, err := s.SnapshotStore.Create(version, index, term, configuration, configurationIndex, trans)
	if err != nil {
		return nil, err
	}
	return &checkedSink{SnapshotSink: sink, check: newFrameCheck(), index: index, path: filepath.Join(s.dir, sink.ID())}, nil
}

type checkedSink struct {
	raft.SnapshotSink
	check *frameCheck
	index uint64
	path  string // of the snapshot, once it is kept
	done  bool
}

func (s *checkedSink) Write(p []byte) (int, error) {
	n, err := s.SnapshotSink.Write(p)
	s.check.Write(p[:n])
	failAt("snapshot", "begun")
	return n, err
}

// Close keeps the snapshot if it is whole, else cancels it.
func (s *checkedSink) Close() error {
	if s.done {
		return nil
	}
	s.done = true
	h, err := s.check.finish()
	if err == nil && h.Index > s.index {
		err = fmt.Errorf("%w: it holds entry %d, beyond %d", errFrame, h.Index, s.index)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("keep snapshot: %w", err), s.SnapshotSink.Cancel())
	}
	failAt("snapshot", "whole")
	if err := s.SnapshotSink.Close(); err != nil {
		return err
	}
	failAt("snapshot", "kept")
	return writeSum(s.path)
}

func (s *checkedSink) Cancel() error {
	s.done = true
	return s.SnapshotSink.Cancel()
}

// imageSnapshot is what the state machine hands to Raft: a point in the image.
type imageSnapshot struct {
	image  *image
	fence  *fence
	header frameHeader
}

// Persist writes what was captured, and copies the image as of that point.
func (s *imageSnapshot) Persist(sink raft.SnapshotSink) error { return s.writeTo(sink) }

func (s *imageSnapshot) writeTo(w io.Writer) error {
	if err := s.image.drain(); err != nil {
		return err
	}
	failAt("snapshot", "drained")
	tx, err := s.fence.reader()
	if err != nil {
		return err
	}
	s.header.Length = uint64(tx.Size())
	return writeFrame(w, s.header, tx.WriteTo)
}

// Release ends the reader.
func (s *imageSnapshot) Release() {
	s.fence.release() //nolint:errcheck // a reader has nothing to lose
}
