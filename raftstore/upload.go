package raftstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// roomFactor is how many copies of a backup the disk must have room for: its
// pieces in the log, what they make, and the new state.db, beside the upload.
const roomFactor = 4

// ErrTooLarge is returned for a backup of more than MaxBackup bytes.
var ErrTooLarge = errors.New("the backup is too large")

// Upload is a backup on this node's disk, checked, that can be restored.
type Upload struct {
	Info BackupInfo
	file spool
	sum  uint32
}

// Close removes it.
func (u *Upload) Close() error { return u.file.Close() }

// Upload reads a backup and checks it as CheckBackup does. Nothing is changed by
// it. The error is ErrBackup, ErrTooLarge, ErrNoRoom, or that of the reader.
func (s *Store) Upload(r io.Reader) (*Upload, error) {
	f, err := newSpool(s.cfg.Dir.path)
	if err != nil {
		return nil, fmt.Errorf("receive backup: %w", err)
	}
	u := &Upload{file: f}
	if err := u.receive(r, s.cfg.Dir.path); err != nil {
		return nil, errors.Join(fmt.Errorf("receive backup: %w", err), u.Close())
	}
	return u, nil
}

func (u *Upload) receive(r io.Reader, dir string) error {
	sum := crc32.New(castagnoli)
	size, err := copyWithRoom(io.MultiWriter(u.file, sum), r, dir)
	if err != nil {
		return err
	}
	u.sum = sum.Sum32()
	if u.Info, err = CheckBackup(u.file, size); err != nil {
		return err
	}
	return hasRoom(dir, roomFactor*uint64(size))
}

// copyWithRoom copies a stream of at most MaxBackup bytes, as long as the disk
// has room for more.
func copyWithRoom(w io.Writer, r io.Reader, dir string) (size int64, err error) {
	const step = 8 << 20
	for {
		if err := hasRoom(dir, step); err != nil {
			return size, err
		}
		n, err := io.CopyN(w, r, step)
		size += n
		switch {
		case size > MaxBackup:
			return size, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, int64(MaxBackup))
		case errors.Is(err, io.EOF):
			return size, nil
		case noSpace(err):
			return size, fmt.Errorf("%w: %w", ErrNoRoom, err)
		case err != nil:
			return size, err
		}
	}
}

// Proposer puts one piece into the leader's log, see Store.ProposePiece, and
// returns when it is applied there. Its errors are those of a Proposal.
type Proposer func(ctx context.Context, piece []byte) (registry.Outcome, error)

// Restoring names a restore that was committed, or may have been.
type Restoring struct{ id restoreID }

// revisionsPerMilli is how many revisions a restore leaves for each millisecond
// since 1970: more than there ever were, so that none comes twice.
const revisionsPerMilli = 2048

// attempts is how often a restore is begun anew that was certainly not committed:
// its leader went away, say.
const attempts = 3

// Send restores the backup: it becomes the state of the cluster of that id. The
// revision is then at least that of now in Unix milliseconds x 2048, so that
// epochs are never given again. The error is a *RefusedError or ErrNotLeader when
// nothing was changed. With ErrIndeterminate it may have been, or be yet:
// Store.AwaitRestore tells.
func (u *Upload) Send(ctx context.Context, clusterID string, propose Proposer) (r Restoring, err error) {
	for n := range attempts {
		if n > 0 && !pause(ctx, time.Second) {
			break
		}
		rand.Read(r.id[:]) // never fails: crypto/rand ends the process instead
		if err = u.try(ctx, r.id, clusterID, propose); err == nil || errors.Is(err, ErrIndeterminate) {
			break
		}
	}
	return r, err
}

// try makes one attempt. Its error is ErrIndeterminate only for the commit: what
// was never committed nobody restores.
func (u *Upload) try(ctx context.Context, id restoreID, clusterID string, propose Proposer) error {
	if err := u.sendPieces(ctx, id, propose); err != nil {
		return fmt.Errorf("%w: send backup: %s", ErrNotLeader, err)
	}
	return u.commit(ctx, id, clusterID, propose)
}

func (u *Upload) sendPieces(ctx context.Context, id restoreID, propose Proposer) error {
	buffer := make([]byte, pieceBytes)
	for at := int64(0); at < u.Info.Bytes; {
		n, err := u.file.ReadAt(buffer[:min(pieceBytes, u.Info.Bytes-at)], at)
		if err != nil {
			return err
		}
		p := piece{kind: pieceChunk, id: id, offset: uint64(at), data: buffer[:n]}
		if err := patiently(ctx, p.encode(), propose); err != nil {
			u.abort(id, propose)
			return err
		}
		at += int64(n)
	}
	return nil
}

// patiently proposes a piece again that was definitely not: Raft's queue was
// full.
func patiently(ctx context.Context, piece []byte, propose Proposer) error {
	for n := 0; ; n++ {
		_, err := propose(ctx, piece)
		if err == nil || !errors.Is(err, ErrNotLeader) || n == 2 || !pause(ctx, 50*time.Millisecond) {
			return err
		}
	}
}

func (u *Upload) commit(ctx context.Context, id restoreID, clusterID string, propose Proposer) error {
	now := time.Now().UnixMilli()
	p := piece{kind: pieceCommit, id: id, commit: commit{
		length: uint64(u.Info.Bytes), sum: u.sum, revision: uint64(max(0, now)) * revisionsPerMilli, wall: now, clusterID: clusterID,
	}}
	_, err := propose(ctx, p.encode())
	if errors.Is(err, ErrNotLeader) {
		u.abort(id, propose)
	}
	return err
}

// abortWithin bounds the attempt to have the replicas forget what came; where it
// fails, the next leader's first entry or the next restore does it.
const abortWithin = 2 * time.Second

func (u *Upload) abort(id restoreID, propose Proposer) {
	ctx, cancel := context.WithTimeout(context.Background(), abortWithin)
	defer cancel()
	p := piece{kind: pieceAbort, id: id}
	_, _ = propose(ctx, p.encode())
}

// AwaitRestore waits until this replica is the one that was restored, and
// returns its revision and the index at which it began.
func (s *Store) AwaitRestore(ctx context.Context, r Restoring) (revision, index uint64, err error) {
	tick := time.NewTicker(wakeEvery)
	defer tick.Stop()
	for {
		if last := s.machine.restored(); last.id == r.id {
			return last.revision, last.index, nil
		}
		select {
		case <-ctx.Done():
			return 0, 0, context.Cause(ctx)
		case <-s.gone:
			return 0, 0, ErrClosed
		case <-tick.C:
		}
	}
}

func (m *machine) restored() restoredID {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.last
}
