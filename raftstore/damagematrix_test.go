package raftstore

import (
	"bytes"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/raft"
	bolt "go.etcd.io/bbolt"
	"pgregory.net/rapid"
)

// matrix harms one file of a sound directory in one place after the other, and
// counts how that ended.
type matrix struct {
	t     *testing.T
	path  string // of the directory
	name  string // of the file
	sound []byte
	want  map[string]string

	refused, harmless map[string]int // by kind of place
}

func newMatrix(t *testing.T, path, name string) *matrix {
	t.Helper()
	oneAtATime(t)
	d := openDir(t, path)
	want, err := content(d)
	must(t, err)
	must(t, d.Close())
	file := filepath.Join(path, name)
	sound, err := os.ReadFile(file)
	must(t, err)
	if meta, err := readMetas(bytes.NewReader(sound), int64(len(sound))); err == nil {
		sound = sound[:meta.limit*uint64(meta.pageSize)] // what follows bbolt only made room for
	}
	must(t, os.WriteFile(file, sound, 0o600))
	return &matrix{t: t, path: path, name: name, sound: sound, want: want, refused: make(map[string]int), harmless: make(map[string]int)}
}

// oneAtATime skips what does one thing after the other, thousands of times, where
// races are looked for.
func oneAtATime(t *testing.T) {
	t.Helper()
	if raceDetector {
		t.Skip("nothing in it runs side by side")
	}
}

// try puts a harmed file in the place of the sound one: the directory is refused
// with the file's name and a remedy, or says the very same. It returns whether it
// was refused. What is refused before bbolt sees it is not even written down.
func (m *matrix) try(place, what string, harmed []byte) bool {
	m.t.Helper()
	if m.verify(harmed) == nil && m.opens(place+": "+what, harmed) {
		m.harmless[place]++
		return false
	}
	m.refused[place]++
	return true
}

// verify does what OpenDir does first.
func (m *matrix) verify(file []byte) error {
	own := mark{node: "n1", incarnation: m.incarnation()}
	r := bytes.NewReader(file)
	if m.name == imageName {
		c := &imageCheck{mark: own}
		return errors.Join(verifyPages(r, r.Size(), c.visit), c.finish())
	}
	c := &logCheck{mark: own, idle: make(map[uint64]struct{})}
	return errors.Join(verifyPages(r, r.Size(), c.visit), c.finish())
}

func (m *matrix) incarnation() string {
	f, err := readNodeFile(m.path)
	must(m.t, err)
	return f.Incarnation
}

// opens writes the file down, opens the directory and compares what it says.
func (m *matrix) opens(what string, harmed []byte) bool {
	m.t.Helper()
	file := filepath.Join(m.path, m.name)
	must(m.t, os.WriteFile(file, harmed, 0o600))
	defer func() { must(m.t, os.WriteFile(file, m.sound, 0o600)) }()
	d, err := OpenDir(m.path, "n1")
	if err != nil {
		m.remedied(what, err)
		return false
	}
	defer d.Close()
	if got, err := content(d); err != nil || !maps.Equal(got, m.want) {
		m.t.Errorf("%s, %s: opened, and what it says is different (%v)", m.name, what, err)
	}
	return true
}

// remedied requires that a refusal names the file and says what to do.
func (m *matrix) remedied(what string, err error) {
	m.t.Helper()
	if text := err.Error(); !strings.Contains(text, m.name) || !strings.Contains(text, "move the whole data directory away") {
		m.t.Errorf("%s, %s: refused without a remedy: %v", m.name, what, err)
	}
}

// flip flips one bit of a byte. Where something lies, that must be refused, harmless
// or not.
func (m *matrix) flip(place string, at int) {
	m.t.Helper()
	harmed := bytes.Clone(m.sound)
	harmed[at] ^= 1 << (at % 8)
	if !m.try(place, fmt.Sprint("a bit of byte ", at), harmed) && place != "unused" {
		m.t.Errorf("%s: nobody notices byte %d, %s", m.name, at, place)
	}
}

// done requires that harms hit, and tells the count.
func (m *matrix) done(least int) {
	m.t.Helper()
	sum := 0
	for _, n := range m.refused {
		sum += n
	}
	if sum < least {
		m.t.Errorf("%s: only %d cases were refused", m.name, sum)
	}
	m.t.Logf("%s: %d refused %v, without effect %v", m.name, sum, m.refused, m.harmless)
}

// region is a range of bytes of a file and what lies there.
type region struct {
	place    string
	from, to int
}

// regions returns what every byte of the pages in use is for, by their format
// alone. It descends into buckets that lie in their parent's page.
func regions(t *testing.T, file []byte) []region {
	t.Helper()
	used, size := usedPages(t, file, len(file))
	var all []region
	for meta := range 2 {
		at := meta * size
		all = append(all, region{"meta id", at, at + 8}, region{"meta kind", at + 8, at + 10},
			region{"meta", at + pageHeaderSize, at + pageHeaderSize + metaSize})
	}
	for _, page := range used {
		at := int(page) * size
		if native.Uint16(file[at+8:]) != 0 && native.Uint64(file[at:]) == page {
			all = append(all, pageRegions(file, at)...)
		}
	}
	return all
}

// pageRegions returns those of one page, or of a bucket that lies in one.
func pageRegions(file []byte, at int) []region {
	kind := map[uint16]string{flagLeaf: "leaf", flagBranch: "branch"}[native.Uint16(file[at+8:])]
	if native.Uint32(file[at+12:]) > 0 {
		kind = "overflowing " + kind
	}
	n := int(native.Uint16(file[at+10:]))
	all := []region{{kind + " header", at + 8, at + 12}}
	for i := range n {
		e := at + pageHeaderSize + i*elementSize
		all = append(all, region{kind + " element", e, e + elementSize})
		if strings.HasSuffix(kind, "branch") {
			key := e + int(native.Uint32(file[e:]))
			all = append(all, region{kind + " key", key, key + int(native.Uint32(file[e+4:]))})
			continue
		}
		key := e + int(native.Uint32(file[e+4:]))
		value := key + int(native.Uint32(file[e+8:]))
		end := value + int(native.Uint32(file[e+12:]))
		all = append(all, region{kind + " key", key, value})
		switch {
		case native.Uint32(file[e:])&bucketElement == 0:
			all = append(all, region{kind + " value", value, end})
		case native.Uint64(file[value:]) == 0:
			all = append(all, region{"bucket root", value, value + 8})
			all = append(all, pageRegions(file, value+bucketHeader)...)
		default:
			all = append(all, region{"bucket root", value, value + 8})
		}
	}
	return all
}

// small makes a directory of a few pages with one of each kind in both files:
// branches, leaves, leaves that overflow, buckets within leaves.
func small(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data")
	d := openDir(t, path)
	var logs []*raft.Log
	for i := uint64(1); i <= 5; i++ {
		l := command(i, 1)
		l.Data = bytes.Repeat([]byte{byte(i)}, 2500)
		logs = append(logs, l)
	}
	must(t, d.log.SetUint64([]byte(keyCurrentTerm), 61))
	must(t, d.log.StoreLogs(logs))
	must(t, putBig(d.log))
	d.image.queue.put(&capture{index: 1, renewals: bytes.Repeat([]byte{7}, 5000), records: []change{
		{kind: 1, key: indexKey(1), value: bytes.Repeat([]byte{1}, 1800)},
		{kind: 1, key: indexKey(2), value: bytes.Repeat([]byte{2}, 1800)},
		{kind: 1, key: indexKey(3), value: bytes.Repeat([]byte{3}, 1800)},
		{kind: 1, key: indexKey(4), value: bytes.Repeat([]byte{4}, 1800)},
		{kind: 1, key: indexKey(5), value: bytes.Repeat([]byte{5}, 1800)},
		{kind: 2, key: indexKey(1), value: []byte("short")},
	}})
	must(t, d.image.drain())
	must(t, d.Close())
	return path
}

// putBig appends an entry of several pieces.
func putBig(s *logStore) error {
	l := command(6, 1)
	l.Data = bytes.Repeat([]byte("big"), 3000)
	return s.StoreLog(l)
}

// TestEveryByteInUse flips one bit in every byte of every page in use of a small
// raft.db and state.db, and some in the room between.
func TestEveryByteInUse(t *testing.T) {
	path := small(t)
	for _, name := range []string{logName, imageName} {
		m := newMatrix(t, path, name)
		inUse := make([]bool, len(m.sound))
		for _, r := range regions(t, m.sound) {
			for at := r.from; at < r.to; at++ {
				m.flip(r.place, at)
				inUse[at] = true
			}
		}
		for at := 5; at < len(m.sound); at += 97 {
			if !inUse[at] {
				m.flip("unused", at)
			}
		}
		for _, kind := range []string{"meta", "branch header", "branch element", "branch key", "leaf header", "leaf element", "leaf key", "leaf value", "overflowing leaf value", "bucket root"} {
			if m.refused[kind]+m.harmless[kind] == 0 {
				t.Errorf("%s: no %s", name, kind)
			}
		}
		m.done(10_000)
	}
}

// TestEveryPageInUse flips a bit in several places of every region of every page
// of larger files, and does to each page what disks do to whole ones: it is empty,
// full of ones, another one, or as it was some transactions ago. (A meta as it was
// two ago makes the file one of before the last transaction, which nothing in it can
// tell.)
func TestEveryPageInUse(t *testing.T) {
	path := busy(t)
	for _, name := range []string{logName, imageName} {
		older := newMatrix(t, path, name).sound
		rewrite(t, path)
		m := newMatrix(t, path, name)
		for i, r := range regions(t, m.sound) {
			if r.from == r.to {
				continue
			}
			if i%5 == 0 || strings.HasPrefix(r.place, "branch") || strings.HasPrefix(r.place, "meta") {
				m.flip(r.place, r.from)
				m.flip(r.place, (r.from+r.to)/2)
				m.flip(r.place, r.to-1)
			}
		}
		m.pages(older)
		m.done(1_000)
	}
}

// rewrite changes much of both files.
func rewrite(t *testing.T, path string) {
	t.Helper()
	d := openDir(t, path)
	_, last := d.log.bounds()
	must(t, d.log.DeleteRange(last-200, last))
	must(t, d.log.StoreLogs(commands(last-200, last+50)))
	for round := range uint64(4) {
		d.image.queue.put(someCapture(500+round, round+2))
		must(t, d.image.drain())
	}
	must(t, d.Close())
}

// pages harms whole pages.
func (m *matrix) pages(older []byte) {
	m.t.Helper()
	used, size := usedPages(m.t, m.sound, len(m.sound))
	used = append([]uint64{0, 1}, used...)
	for i, page := range used {
		at := int(page) * size
		other := int(used[(i+1)%len(used)]) * size
		for what, with := range map[string][]byte{
			"zeroes":       make([]byte, size),
			"ones":         bytes.Repeat([]byte{0xff}, size),
			"another page": m.sound[other : other+size],
			"half of it":   append(bytes.Clone(m.sound[at:at+size/2]), make([]byte, size/2)...),
			"an older one": older[min(at, len(older)-size):][:size],
		} {
			harmed := bytes.Clone(m.sound)
			copy(harmed[at:], with)
			if !bytes.Equal(harmed, m.sound) {
				m.try(what, fmt.Sprintf("%s in the place of page %d", what, page), harmed)
			}
		}
	}
}

// TestLengths: a file of any shorter length is refused, an empty one above all.
// Longer ones, which bbolt makes itself, are harmless.
func TestLengths(t *testing.T) {
	path := small(t)
	for _, name := range []string{logName, imageName} {
		m := newMatrix(t, path, name)
		used, size := usedPages(t, m.sound, len(m.sound))
		end := (int(slices.Max(used)) + 1) * size
		for n := 0; n < end; n += 61 {
			if !m.try("shorter", fmt.Sprint(n, " bytes"), m.sound[:n]) {
				t.Errorf("%s of %d bytes was opened", name, n)
			}
		}
		m.try("longer", "a page more", append(bytes.Clone(m.sound), make([]byte, size)...))
		m.done(300)
		must(t, os.WriteFile(filepath.Join(path, name), nil, 0o600))
		_, err := OpenDir(path, "n1")
		m.remedied("empty", err)
		if !strings.Contains(err.Error(), "emptied") {
			t.Errorf("empty: %v", err)
		}
		must(t, os.WriteFile(filepath.Join(path, name), m.sound, 0o600))
	}
}

// TestMetaOfSoundChecksum writes metas that bbolt would believe: with a free list,
// which we never store, or with a root or a limit that cannot be.
func TestMetaOfSoundChecksum(t *testing.T) {
	path := small(t)
	m := newMatrix(t, path, logName)
	newest := 0
	if size := os.Getpagesize(); native.Uint64(m.sound[size+pageHeaderSize+48:]) > native.Uint64(m.sound[pageHeaderSize+48:]) {
		newest = size
	}
	for what, field := range map[string]struct {
		at    int
		value uint64
	}{
		"a free list": {32, 2}, "no root": {16, 0}, "a root beyond the end": {16, 1 << 40}, "the meta as root": {16, 1},
		"a limit beyond the end": {40, 1 << 40}, "a limit of 3": {40, 3},
	} {
		harmed := bytes.Clone(m.sound)
		meta := harmed[newest+pageHeaderSize:][:metaSize]
		native.PutUint64(meta[field.at:], field.value)
		h := fnv.New64a()
		h.Write(meta[:metaSize-8])
		native.PutUint64(meta[metaSize-8:], h.Sum64())
		if !m.try("meta", what, harmed) {
			t.Errorf("%s was opened", what)
		}
	}
}

// TestHeadOfSoundChecksum writes heads that contradict the rest of the file: a
// transaction that was lost in part.
func TestHeadOfSoundChecksum(t *testing.T) {
	for name, change := range map[string]func(*testing.T, *bolt.Bucket){
		logName + " one entry less": func(t *testing.T, b *bolt.Bucket) {
			h, err := decodeLogHead(b.Get(headKey))
			must(t, err)
			h.last--
			must(t, b.Put(headKey, h.encode()))
		},
		logName + " one entry more": func(t *testing.T, b *bolt.Bucket) {
			h, err := decodeLogHead(b.Get(headKey))
			must(t, err)
			h.last++
			must(t, b.Put(headKey, h.encode()))
		},
		logName + " none":      func(t *testing.T, b *bolt.Bucket) { must(t, b.Delete(headKey)) },
		logName + " two heads": func(t *testing.T, b *bolt.Bucket) { must(t, b.Put([]byte("more"), b.Get(headKey))) },
		imageName + " one record less": func(t *testing.T, b *bolt.Bucket) {
			h, err := decodeImageHead(b.Get(headKey))
			must(t, err)
			h.count--
			must(t, b.Put(headKey, h.encode()))
		},
		imageName + " another sum": func(t *testing.T, b *bolt.Bucket) {
			h, err := decodeImageHead(b.Get(headKey))
			must(t, err)
			h.sum++
			must(t, b.Put(headKey, h.encode()))
		},
		imageName + " another generation": func(t *testing.T, b *bolt.Bucket) {
			h, err := decodeImageHead(b.Get(headKey))
			must(t, err)
			h.generation++
			must(t, b.Put(headKey, h.encode()))
		},
	} {
		path := small(t)
		file, _, _ := strings.Cut(name, " ")
		db, err := openDB(filepath.Join(path, file), 0)
		must(t, err)
		must(t, db.Update(func(tx *bolt.Tx) error {
			change(t, tx.Bucket([]byte(headBucket)))
			return nil
		}))
		must(t, db.Close())
		_, err = OpenDir(path, "n1")
		if err == nil {
			t.Errorf("%s was opened", name)
			continue
		}
		refused(t, err, file)
	}
}

// TestSoundPagesAreNotRefused: whatever is put and deleted, what bbolt makes of it
// keeps to all that is asked of its pages.
func TestSoundPagesAreNotRefused(t *testing.T) {
	oneAtATime(t)
	rapid.Check(t, func(rt *rapid.T) {
		file := filepath.Join(t.TempDir(), "db")
		db, err := openDB(file, 0)
		must(t, err)
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		keys, length := 1+rng.Uint64N(400), 1+rng.IntN(900)
		for range rapid.IntRange(1, 25).Draw(rt, "transactions") {
			must(t, db.Update(func(tx *bolt.Tx) error { return churn(tx, rng, keys, length) }))
			f, err := os.ReadFile(file)
			must(t, err)
			if err := verifyPages(bytes.NewReader(f), int64(len(f)), func(string, []byte, []byte) error { return nil }); err != nil {
				rt.Fatal(err)
			}
		}
		must(t, db.Close())
	})
}

// churn puts, or deletes, some of so many keys in one of three buckets, or the
// bucket itself.
func churn(tx *bolt.Tx, rng *rand.Rand, keys uint64, length int) error {
	name := []byte{'a' + byte(rng.IntN(3))}
	if rng.IntN(20) == 0 && tx.Bucket(name) != nil {
		return tx.DeleteBucket(name)
	}
	b, err := tx.CreateBucketIfNotExists(name)
	if err != nil {
		return err
	}
	if rng.IntN(3) == 0 {
		b.FillPercent = 1
	}
	from, deletes := rng.Uint64N(keys), rng.IntN(2) == 0
	for i := range rng.Uint64N(keys) {
		key := indexKey((from + i*(1+rng.Uint64N(3))) % keys)
		if deletes {
			err = b.Delete(key)
		} else {
			err = b.Put(key, make([]byte, rng.IntN(length)))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
