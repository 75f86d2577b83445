package raftstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/hashicorp/raft"
	"github.com/seed-b4c92e43/rollcall/registry"
	bolt "go.etcd.io/bbolt"
)

// busy makes a directory with a log of several pages, branches and overflow,
// and an image with records of two kinds and packed renewals.
func busy(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data")
	d := openDir(t, path)
	var logs []*raft.Log
	for i := uint64(1); i <= 600; i++ {
		l := command(i, 1+i/10)
		if i%100 == 0 {
			l.Data = bytes.Repeat([]byte("long "), 2000)
		}
		logs = append(logs, l)
	}
	must(t, d.log.SetUint64([]byte(keyCurrentTerm), 61))
	for batch := range slices.Chunk(logs, 50) {
		must(t, d.log.StoreLogs(batch))
	}
	for round := range uint64(4) {
		d.image.queue.put(someCapture(100*round, round))
		must(t, d.image.drain())
	}
	must(t, d.Close())
	return path
}

func someCapture(index, round uint64) *capture {
	c := &capture{index: index, renewals: bytes.Repeat([]byte{byte(round)}, 3000)}
	for i := range uint64(300) {
		kind := registry.Kind(1 + i%2)
		c.records = append(c.records, change{kind, indexKey(i * (round + 1)), fmt.Appendf(nil, "value %d of round %d", i, round)})
	}
	c.records = append(c.records, change{registry.KindMeta, indexKey(4), nil})
	return c
}

// content is all that a directory says, the way its users read it.
func content(d *Dir) (map[string]string, error) {
	all := make(map[string]string)
	err := guard(func() error {
		first, last := d.log.bounds()
		for i := first; i <= last && i > 0; i++ {
			var l raft.Log
			if err := d.log.GetLog(i, &l); err != nil {
				return err
			}
			all[fmt.Sprint("log ", i)] = fmt.Sprint(l.Type, l.Term, l.AppendedAt.UnixNano(), string(l.Data))
		}
		all["stable"] = fmt.Sprint(d.log.head.stable)
		return d.image.db.View(func(tx *bolt.Tx) error { return dump(tx, all) })
	})
	return all, err
}

func dump(tx *bolt.Tx, all map[string]string) error {
	return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
		return b.ForEach(func(k, _ []byte) error {
			all[fmt.Sprintf("%s %x", name, k)] = string(b.Get(k)) // by search, not by the cursor
			return nil
		})
	})
}

// TestDamageIsNeverSilent harms one file in one place at a time: the directory
// must be refused, or say the very same.
func TestDamageIsNeverSilent(t *testing.T) {
	path := busy(t)
	d := openDir(t, path)
	want, err := content(d)
	must(t, err)
	must(t, d.Close())
	for _, name := range []string{logName, imageName} {
		sound, err := os.ReadFile(filepath.Join(path, name))
		must(t, err)
		var refusals, harmless int
		f, err := os.OpenFile(filepath.Join(path, name), os.O_RDWR, 0)
		must(t, err)
		defer f.Close()
		for _, h := range harms(t, sound) {
			must(t, h.do(f, sound))
			if check(t, path, name, h.name, want) {
				refusals++
			} else {
				harmless++
			}
			must(t, h.undo(f, sound))
		}
		t.Logf("%s: %d refused, %d without effect", name, refusals, harmless)
		if refusals < 100 {
			t.Errorf("%s: only %d of the harms were refused: they do not hit", name, refusals)
		}
	}
}

// check opens a harmed directory and says whether it was refused.
func check(t *testing.T, path, name, harm string, want map[string]string) (refusal bool) {
	t.Helper()
	d, err := OpenDir(path, "n1")
	if err != nil {
		if e, ok := errors.AsType[*DamageError](err); !ok || filepath.Base(e.Path) != name {
			t.Errorf("%s, %s: refused with %v", name, harm, err)
		}
		return true
	}
	defer d.Close()
	got, err := content(d)
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%s, %s: opened, and what it says is different (%v)", name, harm, err)
	}
	return false
}

// harm is done to a file and undone; both know how it was.
type harm struct {
	name     string
	do, undo func(f *os.File, sound []byte) error
}

// harms returns truncations and flipped bits: in both metas, in every header
// and element of the pages in use, and anywhere in them.
func harms(t *testing.T, file []byte) []harm {
	var list []harm
	for i := range 8 {
		list = append(list, truncation(len(file)*i/8))
	}
	used, size := usedPages(t, file, 24)
	for i := 1; i < 8; i++ {
		list = append(list, truncation(int(used[len(used)-1])*size+size*i/8))
	}
	rng := rand.New(rand.NewPCG(1, 2))
	flip := func(at int) { list = append(list, flipped(at, byte(1)<<rng.IntN(8))) }
	for at := range 2 {
		for i := range (pageHeaderSize + metaSize) / 2 {
			flip(at*size + 2*i + rng.IntN(2))
		}
	}
	for _, page := range used {
		at := int(page) * size
		for range 3 {
			flip(at + rng.IntN(pageHeaderSize))
			flip(at + pageHeaderSize + rng.IntN(elementSize*8))
			flip(at + rng.IntN(size))
		}
	}
	return list
}

func truncation(to int) harm {
	return harm{
		name: fmt.Sprint("truncated to ", to),
		do:   func(f *os.File, _ []byte) error { return f.Truncate(int64(to)) },
		undo: func(f *os.File, sound []byte) error {
			_, err := f.WriteAt(sound[to:], int64(to))
			return err
		},
	}
}

func flipped(at int, bit byte) harm {
	write := func(f *os.File, b byte) error {
		_, err := f.WriteAt([]byte{b}, int64(at))
		return err
	}
	return harm{
		name: fmt.Sprintf("bit %08b of byte %d flipped", bit, at),
		do:   func(f *os.File, sound []byte) error { return write(f, sound[at]^bit) },
		undo: func(f *os.File, sound []byte) error { return write(f, sound[at]) },
	}
}

// usedPages returns the ids of the pages in use, ascending, a sample if there
// are more than most, and the page size.
func usedPages(t *testing.T, file []byte, most int) (ids []uint64, size int) {
	t.Helper()
	m, err := readMetas(bytes.NewReader(file), int64(len(file)))
	must(t, err)
	w := &pageWalker{
		r: bytes.NewReader(file), meta: m, seen: make([]uint64, m.limit/64+1),
		visit: func(string, []byte, []byte) error { return nil },
	}
	must(t, w.tree(m.root, nil))
	for id := range m.limit {
		if w.seen[id/64]&(1<<(id%64)) != 0 {
			ids = append(ids, id)
		}
	}
	for len(ids) > most {
		ids = slices.Delete(ids, len(ids)/2, len(ids)/2+1)
	}
	return ids, int(m.pageSize)
}

// TestShortenedPagesAreRefused takes the last element off each leaf in use, one
// at a time: the page is still sound, but a record is gone.
func TestShortenedPagesAreRefused(t *testing.T) {
	path := busy(t)
	for _, name := range []string{logName, imageName} {
		sound, err := os.ReadFile(filepath.Join(path, name))
		must(t, err)
		f, err := os.OpenFile(filepath.Join(path, name), os.O_RDWR, 0)
		must(t, err)
		defer f.Close()
		used, size := usedPages(t, sound, 24)
		for _, page := range used {
			at := int(page) * size
			if native.Uint16(sound[at+8:]) != flagLeaf || native.Uint64(sound[at:]) != page {
				continue
			}
			shorter := native.AppendUint16(nil, native.Uint16(sound[at+10:])-1)
			_, err := f.WriteAt(shorter, int64(at+10))
			must(t, err)
			_, err = OpenDir(path, "n1")
			refused(t, err, name)
			_, err = f.WriteAt(sound[at+10:at+12], int64(at+10))
			must(t, err)
		}
	}
}

// TestLostTransactionIsNoticed breaks the newest meta page: bbolt alone would
// open the file as it was one transaction before.
func TestLostTransactionIsNoticed(t *testing.T) {
	path := made(t)
	name := filepath.Join(path, logName)
	b, err := os.ReadFile(name)
	must(t, err)
	b[pageHeaderSize+48] ^= 1 // txid of meta 0
	must(t, os.WriteFile(name, b, 0o600))
	_, err = OpenDir(path, "n1")
	refused(t, err, logName)
}

// copyOf keeps the files of a directory, to put some of them back later.
func copyOf(t *testing.T, path string, names ...string) (putBack func()) {
	t.Helper()
	kept := make(map[string][]byte)
	for _, name := range names {
		b, err := os.ReadFile(filepath.Join(path, name))
		must(t, err)
		kept[name] = b
	}
	return func() {
		for name, b := range kept {
			must(t, os.WriteFile(filepath.Join(path, name), b, 0o600))
		}
	}
}

func TestOlderLogIsRefused(t *testing.T) { synctest.Test(t, olderLogIsRefused) }

func olderLogIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	s := openSingle(t, path)
	fill(t, s, 3)
	must(t, s.Close())
	putBack := copyOf(t, path, logName)
	s = openSingle(t, path)
	fill(t, s, 6)
	must(t, s.Close())
	putBack()
	_, err := OpenDir(path, "n1")
	refused(t, err, logName)
}

func TestMissingSnapshotIsRefused(t *testing.T) { synctest.Test(t, missingSnapshotIsRefused) }

func missingSnapshotIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	s := openSingle(t, path)
	fill(t, s, 10)
	trail(t, s, 2)
	must(t, s.Snapshot())
	must(t, s.Close())
	must(t, os.RemoveAll(filepath.Join(path, snapshotsName)))
	must(t, os.Mkdir(filepath.Join(path, snapshotsName), 0o700))
	_, err := OpenDir(path, "n1")
	refused(t, err, snapshotsName)
}

// trail sets how many entries a snapshot leaves in the log.
func trail(t *testing.T, s *Store, n uint64) {
	t.Helper()
	rc := s.raft.ReloadableConfig()
	rc.TrailingLogs = n
	must(t, s.raft.ReloadConfig(rc))
}

// TestOlderImageIsMended puts back a state.db from before the newest snapshot,
// as a crash during the installation of that snapshot leaves it: nothing is
// lost, because the snapshot holds it.
func TestOlderImageIsMended(t *testing.T) { synctest.Test(t, olderImageIsMended) }

func olderImageIsMended(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	s := openSingle(t, path)
	fill(t, s, 3)
	must(t, s.Close())
	putBack := copyOf(t, path, imageName)
	s = openSingle(t, path)
	epochs := fill(t, s, 6)
	trail(t, s, 2)
	must(t, s.Snapshot())
	propose(t, s, renew(epochs[5], 100))
	want, index := digest(s)
	must(t, s.Close())
	putBack()
	s = openSingle(t, path)
	if got, at := digest(s); got != want || at != index {
		t.Fatalf("digest %x at %d, want %x at %d", got, at, want, index)
	}
}

func TestBrokenSnapshotIsRefused(t *testing.T) { synctest.Test(t, brokenSnapshotIsRefused) }

func brokenSnapshotIsRefused(t *testing.T) {
	for _, file := range []string{"meta.json", "state.bin"} {
		path := filepath.Join(t.TempDir(), "data")
		s := openSingle(t, path)
		fill(t, s, 3)
		must(t, s.Snapshot())
		must(t, s.Close())
		found, err := filepath.Glob(filepath.Join(path, snapshotsName, "*", file))
		if err != nil || len(found) != 1 {
			t.Fatalf("found %v, %v", found, err)
		}
		must(t, os.Truncate(found[0], 0))
		if _, err = OpenDir(path, "n1"); err == nil {
			t.Fatalf("opened with an empty %s", file)
		}
	}
}

// FuzzVerifyPages: whatever a file holds, looking at it neither panics nor
// fails to end.
func FuzzVerifyPages(f *testing.F) {
	b, err := os.ReadFile(filepath.Join(busy(f), logName))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(4096*3+10), uint32(1))
	f.Add(uint32(4096*5+20), uint32(0xffffffff))
	f.Fuzz(func(t *testing.T, at, xor uint32) {
		c := bytes.Clone(b)
		at %= uint32(len(c) - 4)
		binary.LittleEndian.PutUint32(c[at:], binary.LittleEndian.Uint32(c[at:])^xor)
		verifyPages(io.NewSectionReader(bytes.NewReader(c), 0, int64(len(c))), int64(len(c)), //nolint:errcheck // either is fine
			func(string, []byte, []byte) error { return nil })
	})
}
