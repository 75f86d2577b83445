package raftstore

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// MaxBackup bounds a backup that is restored, in bytes.
const MaxBackup = 16 << 30

// ErrBackup is returned for what is not a whole backup that this program can
// read.
var ErrBackup = errors.New("not a whole backup")

// BackupInfo says what a backup is of.
type BackupInfo struct {
	ClusterID   string
	Node        string    // that made it
	Made        time.Time // on its clock
	Revision    uint64
	Index, Term uint64 // of the last entry in it
	Leases      uint64 // that live
	Messages    uint64 // that wait, and dead letters
	Bytes       int64  // of all of it
}

func (h frameHeader) info() BackupInfo {
	b := h.backup
	return BackupInfo{
		ClusterID: h.ClusterID, Node: b.node, Made: time.UnixMilli(b.made).UTC(), Revision: b.revision,
		Index: h.Index, Term: h.Term, Leases: b.leases, Messages: b.messages, Bytes: h.size(),
	}
}

// size is that of the whole stream.
func (h frameHeader) size() int64 { return h.offset() + int64(h.Length) + 4 }

// offset is where the copy of state.db begins.
func (h frameHeader) offset() int64 { return int64(len(h.append(nil))) }

// Backup is a consistent copy of a replica, on this node's disk. It is a stream
// to be read once; Close removes it.
type Backup struct {
	io.Reader
	Info BackupInfo
	file spool
}

// Close removes the copy.
func (b *Backup) Close() error { return b.file.Close() }

// Backup copies this node's replica as it is now. Everything goes on meanwhile,
// and nobody waits for whoever reads the copy slowly. The error is ErrNoRoom, or
// says why there is no copy now: try again.
func (s *Store) Backup() (*Backup, error) {
	if err := hasRoom(s.cfg.Dir.path, s.image.size.Load()); err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	snapshot, err := s.machine.snapshot(&fence{backup: true})
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	defer snapshot.Release()
	f, err := newSpool(s.cfg.Dir.path)
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	if err := snapshot.writeTo(f); err != nil {
		return nil, errors.Join(fmt.Errorf("backup: %w", err), f.Close())
	}
	size := snapshot.header.size()
	return &Backup{io.NewSectionReader(f, 0, size), snapshot.header.info(), f}, nil
}

// CheckBackup reads all of a backup of so many bytes: its checksums, every record,
// and that they make one state. It takes as much memory as a node of that state.
// The error is ErrBackup, or that of reading it.
func CheckBackup(f io.ReaderAt, size int64) (BackupInfo, error) {
	h, err := checkFrame(f, size)
	if err == nil {
		err = loadable(io.NewSectionReader(f, h.offset(), int64(h.Length)), int64(h.Length))
	}
	if err != nil {
		return BackupInfo{}, fmt.Errorf("%w: %w", ErrBackup, err)
	}
	return h.info(), nil
}

// ReadBackupInfo returns what the header of a backup says, and nothing of the
// rest.
func ReadBackupInfo(r io.Reader) (BackupInfo, error) {
	h, err := readHeader(r)
	if err == nil && h.version() != frameBackup {
		err = errNoBackup
	}
	if err != nil {
		return BackupInfo{}, fmt.Errorf("%w: %w", ErrBackup, err)
	}
	return h.info(), nil
}

var errNoBackup = errors.New("a snapshot, but none that rollcall cluster backup made")

// checkFrame follows the stream to its end.
func checkFrame(f io.ReaderAt, size int64) (frameHeader, error) {
	c := newFrameCheck()
	if _, err := io.Copy(c, io.NewSectionReader(f, 0, size)); err != nil {
		return frameHeader{}, err
	}
	h, err := c.finish()
	if err == nil && h.version() != frameBackup {
		err = errNoBackup
	}
	return h, err
}

// loadable checks a copy of state.db page by page, and loads it into a replica
// that nobody uses.
func loadable(f io.ReaderAt, size int64) error {
	check := &imageCheck{foreign: true}
	r := registry.NewReplica("check")
	var renewals []byte
	visit := func(bucket string, key, value []byte) error {
		if err := check.visit(bucket, key, value); err != nil {
			return err
		}
		if bucket == renewalsBucket {
			data, err := unsealChunk(check.chunks-1, check.head.generation, value)
			renewals = append(renewals, data...)
			return err
		}
		return loadVisited(r, bucket, key, value)
	}
	if err := verifyPages(f, size, visit); err != nil {
		return err
	}
	if err := check.finish(); err != nil {
		return err
	}
	if len(renewals) > 0 {
		if err := r.LoadRenewals(renewals); err != nil {
			return err
		}
	}
	return r.Loaded()
}

func loadVisited(r *registry.Replica, bucket string, key, stored []byte) error {
	kind, ok := parseKind(bucket)
	if !ok {
		return nil // the head
	}
	value, err := unsealRecord(kind, key, stored)
	if err != nil {
		return err
	}
	return r.Load(kind, key, value)
}
