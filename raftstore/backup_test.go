package raftstore

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// backupOf returns all of a backup.
func backupOf(t testing.TB, s *Store) ([]byte, BackupInfo) {
	t.Helper()
	b, err := s.Backup()
	must(t, err)
	defer b.Close()
	stream, err := io.ReadAll(b)
	must(t, err)
	return stream, b.Info
}

func upload(t testing.TB, s *Store, stream []byte) *Upload {
	t.Helper()
	u, err := s.Upload(bytes.NewReader(stream))
	must(t, err)
	t.Cleanup(func() { u.Close() })
	return u
}

// proposer is that of a leader itself.
func (m *member) proposer() Proposer {
	return func(_ context.Context, piece []byte) (registry.Outcome, error) { return m.ProposePiece(piece).Wait() }
}

// spools counts what is left in a data directory.
func spools(t testing.TB, dir string) int {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, spoolPattern))
	must(t, err)
	return len(names)
}

// TestABackupBecomesTheStateOfAll: of nodes that are there, that were away and
// catch up by the log, that start again, and that join later.
func TestABackupBecomesTheStateOfAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1", "n2", "n3")
		l := c.leader()
		for _, m := range c.nodes {
			must(t, m.cfg.Dir.SetCluster("c2"))
		}
		epochs := fill(t, l.Store, 20)
		stream, info := backupOf(t, l.Store)
		if info.Leases != 20 || info.Revision != 20 || info.Bytes != int64(len(stream)) || info.Made.IsZero() {
			t.Fatalf("the backup says %+v", info)
		}
		away := "n1"
		if l == c.nodes["n1"] {
			away = "n2"
		}
		c.stop(away)
		fill2(t, l.Store, 30)
		u := upload(t, l.Store, stream)
		for range 2 {
			var own uint64
			l.View(func(r *registry.Replica, _ time.Duration) { own = r.Revision() })
			r, err := u.Send(t.Context(), "c2", l.proposer())
			must(t, err)
			revision, index, err := l.AwaitRestore(t.Context(), r)
			must(t, err)
			l.View(func(r *registry.Replica, _ time.Duration) {
				lease, ok := r.Lease("default", "web-3")
				if r.Len() != 20 || r.Revision() != revision || r.Index() != index || !ok || lease.Epoch != epochs[3] || lease.Seq != 4 {
					t.Errorf("restored to %d leases at %d: %+v", r.Len(), r.Revision(), lease)
				}
			})
			if floor := uint64(time.Now().Add(-time.Minute).UnixMilli()) * 2048; revision <= own || revision < floor {
				t.Errorf("revision %d after %d, want beyond it and %d", revision, own, floor)
			}
			c.same()
			propose(t, l.Store, grant("after"), renew(epochs[3], 9))
		}
		c.open(away)
		c.same()
		for _, name := range []string{"n1", "n2", "n3"} {
			c.stop(name)
			c.open(name)
			c.same()
		}
		l = c.leader()
		trail(t, l.Store, 1)
		must(t, l.Snapshot())
		n4 := c.open("n4")
		must(t, l.AddNonvoter(n4.id, "n4"))
		c.same()
		for name := range c.nodes {
			if n := spools(t, c.path(name)); n > 0 {
				t.Errorf("%s keeps %d spools", name, n)
			}
		}
	})
}

// fill2 grants further leases.
func fill2(t testing.TB, s *Store, n int) {
	t.Helper()
	for i := range n {
		propose(t, s, grant("later-"+string(rune('A'+i))))
	}
}

// TestARestoreDiesWithItsLeader: pieces of two terms never make a backup.
func TestARestoreDiesWithItsLeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1", "n2", "n3")
		old := c.leader()
		fill(t, old.Store, 5)
		stream, _ := backupOf(t, old.Store)
		fill2(t, old.Store, 5)
		u := upload(t, old.Store, stream)
		id := restoreID{1}
		for at := 0; at < len(stream); at += pieceBytes {
			p := piece{kind: pieceChunk, id: id, offset: uint64(at), data: stream[at:min(at+pieceBytes, len(stream))]}
			_, err := old.ProposePiece(p.encode()).Wait()
			must(t, err)
		}
		if err := old.Snapshot(); err == nil {
			t.Error("the log was cut while the pieces are nowhere else")
		}
		must(t, old.Transfer(""))
		l := c.leader()
		var refused *RefusedError
		if err := u.commit(t.Context(), id, "c", l.proposer()); !errors.As(err, &refused) {
			t.Fatalf("a commit of another leader: %v", err)
		}
		c.same()
		l.View(func(r *registry.Replica, _ time.Duration) {
			if r.Len() != 10 {
				t.Errorf("%d leases, want 10", r.Len())
			}
		})
		for _, m := range c.nodes {
			must(t, m.Snapshot())
		}
		r, err := u.Send(t.Context(), "c", l.proposer())
		must(t, err)
		for _, m := range c.nodes {
			if _, _, err := m.AwaitRestore(t.Context(), r); err != nil {
				t.Error(err)
			}
		}
		c.same()
	})
}

// TestANodeStartsAmidTheRestores: what came before it stopped, it finds in its
// log, also where its image was written meanwhile.
func TestANodeStartsAmidTheRestores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1", "n2", "n3")
		l := c.leader()
		fill(t, l.Store, 5)
		stream, _ := backupOf(t, l.Store)
		u := upload(t, l.Store, stream)
		var other string
		for name, m := range c.nodes {
			must(t, m.cfg.Dir.SetCluster("c"))
			if m != l {
				other = name
			}
		}
		sent := 0
		r, err := u.Send(t.Context(), "c", func(ctx context.Context, piece []byte) (registry.Outcome, error) {
			if sent++; sent == 2 { // before the second
				propose(t, l.Store, grant("amid"))
				c.same()
				_, err := c.nodes[other].Backup() // writes the packed renewals, too
				must(t, err)
				c.stop(other)
				c.open(other)
			}
			return l.proposer()(ctx, piece)
		})
		must(t, err)
		if _, _, err := l.AwaitRestore(t.Context(), r); err != nil || sent < 2 {
			t.Fatalf("%d pieces: %v", sent, err)
		}
		c.same()
		c.stop(other)
		c.open(other)
		c.same()
	})
}

// TestABackupIsCheckedWhole: every truncation, and a flipped bit anywhere, is
// refused before anything is changed.
func TestABackupIsCheckedWhole(t *testing.T) {
	path := t.TempDir()
	s := openSingle(t, path)
	fill(t, s, 10)
	stream, info := backupOf(t, s)
	_, before := digest(s)
	step := len(stream)/199 + 1
	for i := 0; i < len(stream); i += step {
		flipped := bytes.Clone(stream)
		flipped[i] ^= 4
		for what, bad := range map[string][]byte{"torn": stream[:i], "flipped": flipped} {
			if _, err := s.Upload(bytes.NewReader(bad)); !errors.Is(err, ErrBackup) {
				t.Fatalf("%s at %d: %v", what, i, err)
			}
		}
	}
	if _, err := s.Upload(bytes.NewReader(append(bytes.Clone(stream), 0))); !errors.Is(err, ErrBackup) {
		t.Fatalf("with something behind: %v", err)
	}
	must(t, s.Snapshot())
	bins, _ := filepath.Glob(filepath.Join(path, snapshotsName, "*", "state.bin"))
	snapshot, err := os.ReadFile(bins[0])
	must(t, err)
	if _, err := s.Upload(bytes.NewReader(snapshot)); !errors.Is(err, ErrBackup) {
		t.Fatalf("a snapshot of Raft's: %v", err)
	}
	if _, after := digest(s); after != before || spools(t, path) != 0 {
		t.Fatalf("something was changed, or left: %d spools", spools(t, path))
	}
	got, err := CheckBackup(bytes.NewReader(stream), int64(len(stream)))
	if err != nil || got != info {
		t.Fatalf("%+v, %v, want %+v", got, err, info)
	}
	head, err := ReadBackupInfo(bytes.NewReader(stream))
	if err != nil || head != info {
		t.Fatalf("%+v, %v, want %+v", head, err, info)
	}
}

// TestASoundCopyOfNonsenseIsRefused: checksums that fit do not make a state.
func TestASoundCopyOfNonsenseIsRefused(t *testing.T) {
	s := openSingle(t, t.TempDir())
	fill(t, s, 3)
	stream, _ := backupOf(t, s)
	h, err := checkFrame(bytes.NewReader(stream), int64(len(stream)))
	must(t, err)
	copied := stream[h.offset() : h.offset()+int64(h.Length)]
	nonsense := bytes.Clone(copied)
	nonsense[len(nonsense)/2] ^= 1
	for _, payload := range [][]byte{nil, []byte("nothing"), nonsense[:len(nonsense)/2]} {
		h := h
		h.Length = uint64(len(payload))
		if _, err := s.Upload(bytes.NewReader(frameOf(t, h, payload))); !errors.Is(err, ErrBackup) {
			t.Errorf("%d bytes: %v", len(payload), err)
		}
	}
	h.backup = backupHead{}
	if _, err := s.Upload(bytes.NewReader(frameOf(t, h, copied))); !errors.Is(err, ErrBackup) {
		t.Errorf("without a backup's header: %v", err)
	}
}

// TestPiecesThatDoNotFitAreRefused: by all replicas alike, and the node goes on.
func TestPiecesThatDoNotFitAreRefused(t *testing.T) {
	s := openSingle(t, t.TempDir())
	fill(t, s, 3)
	refusedAs := func(p piece) {
		t.Helper()
		if _, err := s.ProposePiece(p.encode()).Wait(); !errors.As(err, new(*RefusedError)) {
			t.Errorf("%+v: %v", p, err)
		}
	}
	chunk := func(id byte, at int, data string) piece {
		return piece{kind: pieceChunk, id: restoreID{id}, offset: uint64(at), data: []byte(data)}
	}
	done := func(p piece) {
		t.Helper()
		_, err := s.ProposePiece(p.encode()).Wait()
		must(t, err)
	}
	refusedAs(chunk(1, 5, "not the first"))
	done(chunk(1, 0, "first"))
	refusedAs(chunk(2, 5, "of another"))
	done(chunk(1, 0, "first"))
	refusedAs(chunk(1, 6, "a gap"))
	refusedAs(piece{kind: pieceCommit, id: restoreID{1}})
	done(chunk(3, 0, "first"))
	refusedAs(piece{kind: pieceCommit, id: restoreID{3}, commit: commit{length: 5, sum: 1}})
	done(chunk(4, 0, "first"))
	done(piece{kind: pieceAbort, id: restoreID{4}})
	must(t, s.Snapshot())
	propose(t, s, grant("goes-on"))
}

// TestBackupsGoOnWhileEverythingMoves: each is of one moment, whatever is
// applied, flushed, snapshotted and restored meanwhile.
func TestBackupsGoOnWhileEverythingMoves(t *testing.T) {
	path := t.TempDir()
	s := openSingle(t, path)
	fill(t, s, 50)
	stream, _ := backupOf(t, s)
	u := upload(t, s, stream)
	failed := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		var err error
		for ctx.Err() == nil && err == nil {
			var b *Backup
			if b, err = s.Backup(); err == nil {
				_, err = CheckBackup(b.file, b.Info.Bytes)
				err = errors.Join(err, b.Close())
			} else if errors.Is(err, errReplaced) || errors.Is(err, errReplaying) {
				err = nil
			}
		}
		failed <- err
	}()
	one := &member{Store: s}
	for range 5 {
		fill2(t, s, 20)
		must(t, s.Snapshot())
		_, err := u.Send(t.Context(), "c", one.proposer())
		must(t, err)
	}
	cancel()
	must(t, <-failed)
	must(t, s.machine.flush())
}

// TestABackupOfALongerLog: a new cluster takes it, goes on at its own index, and
// starts again with it.
func TestABackupOfALongerLog(t *testing.T) {
	old := openSingle(t, t.TempDir())
	epochs := fill(t, old, 40)
	stream, info := backupOf(t, old)
	path := t.TempDir()
	s := openSingle(t, path)
	must(t, s.cfg.Dir.SetCluster("new"))
	u, err := s.Upload(bytes.NewReader(stream))
	must(t, err)
	_, err = u.Send(t.Context(), "new", (&member{Store: s}).proposer())
	must(t, errors.Join(err, u.Close()))
	if _, index := digest(s); index >= info.Index {
		t.Fatalf("it goes on at entry %d, that of the backup was %d", index, info.Index)
	}
	for seq := range uint64(3) {
		propose(t, s, renew(epochs[0], 10+seq), grant("new-"+string(rune('a'+seq))))
		want, at := digest(s)
		must(t, s.Close())
		s = openSingle(t, path)
		if got, index := digest(s); got != want || index != at {
			t.Fatalf("digest %x at %d after a start, was %x at %d", got, index, want, at)
		}
	}
}
