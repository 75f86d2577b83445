package raftstore

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/hashicorp/raft"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// each harms a file in every byte and in every shorter length, and one longer.
func each(sound []byte, try func(what string, harmed []byte)) (cases int) {
	for at := range sound {
		harmed := bytes.Clone(sound)
		harmed[at] ^= 1 << (at % 8)
		try(fmt.Sprint("a bit of byte ", at), harmed)
		try(fmt.Sprint(at, " bytes left"), sound[:at])
	}
	try("a byte more", append(bytes.Clone(sound), '\n'))
	return 2*len(sound) + 1
}

// refusedWith requires a refusal that names a file or directory and what to do.
func refusedWith(t *testing.T, what, named string, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: opened", what)
	} else if text := err.Error(); !strings.Contains(text, named) || !strings.Contains(text, "move the whole data directory away") {
		t.Errorf("%s: refused without a remedy: %v", what, err)
	}
}

// TestEveryByteOfNodeFile: whoever the node was is not guessed.
func TestEveryByteOfNodeFile(t *testing.T) {
	oneAtATime(t)
	path := made(t)
	file := filepath.Join(path, nodeName)
	sound, err := os.ReadFile(file)
	must(t, err)
	cases := each(sound, func(what string, harmed []byte) {
		must(t, os.WriteFile(file, harmed, 0o600))
		_, err := OpenDir(path, "n1")
		refusedWith(t, what, nodeName, err)
	})
	must(t, os.WriteFile(file, sound, 0o600))
	must(t, openDir(t, path).Close())
	t.Logf("%s: %d refused", nodeName, cases)
}

// withSnapshot makes a directory of a node of that cluster that has taken a
// snapshot and cut its log. It returns the snapshot's directory.
func withSnapshot(t *testing.T, cluster string) (path, snapshot string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "data")
	synctest.Test(t, func(t *testing.T) {
		s := openSingle(t, path)
		must(t, s.cfg.Dir.SetCluster(cluster))
		propose(t, s, &registry.Serve{Term: s.Term(), ClusterID: cluster})
		fill(t, s, 20)
		trail(t, s, 2)
		must(t, s.Snapshot())
		must(t, s.Close())
	})
	found, err := filepath.Glob(filepath.Join(path, snapshotsName, "*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("found %v, %v", found, err)
	}
	return path, found[0]
}

// TestEveryByteAroundASnapshot harms what Raft says of a snapshot, its sum, and
// its header and length.
func TestEveryByteAroundASnapshot(t *testing.T) {
	oneAtATime(t)
	path, snapshot := withSnapshot(t, "c")
	cases := 0
	for name, part := range map[string]int{"meta.json": 1 << 20, sumName: 1 << 20, "state.bin": 43} {
		file := filepath.Join(snapshot, name)
		sound, err := os.ReadFile(file)
		must(t, err)
		head, rest := sound[:min(part, len(sound))], sound[min(part, len(sound)):]
		cases += each(head, func(what string, harmed []byte) {
			must(t, os.WriteFile(file, append(bytes.Clone(harmed), rest...), 0o600))
			_, err := OpenDir(path, "n1")
			refusedWith(t, name+": "+what, filepath.Base(snapshot), err)
		})
		must(t, os.WriteFile(file, sound, 0o600))
	}
	must(t, openDir(t, path).Close())
	t.Logf("%d refused", cases)
}

// TestSnapshotInNeedIsChecked: where state.db is older, the copy has to be whole.
func TestSnapshotInNeedIsChecked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	synctest.Test(t, func(t *testing.T) {
		s := openSingle(t, path)
		fill(t, s, 3)
		must(t, s.machine.flush())
		putBack := copyOf(t, path, imageName)
		fill(t, s, 6)
		must(t, s.Snapshot())
		must(t, s.Close())
		putBack()
	})
	found, _ := filepath.Glob(filepath.Join(path, snapshotsName, "*", "state.bin"))
	sound, err := os.ReadFile(found[0])
	must(t, err)
	for at := 60; at < len(sound); at += 1 + len(sound)/50 {
		harmed := bytes.Clone(sound)
		harmed[at] ^= 4
		must(t, os.WriteFile(found[0], harmed, 0o600))
		d, err := OpenDir(path, "n1")
		must(t, err)
		_, transport := raft.NewInmemTransport("n1")
		_, err = Open(Config{Dir: d, Transport: transport, Logger: slog.New(slog.DiscardHandler)})
		refusedWith(t, fmt.Sprint("byte ", at), snapshotsName, err)
		must(t, d.Close())
	}
	must(t, os.WriteFile(found[0], sound, 0o600))
	synctest.Test(t, func(t *testing.T) { must(t, openSingle(t, path).Close()) })
}

// TestSwappedSnapshots: the snapshots of another cluster's node are refused, and
// nothing of this node's log is cut because of them.
func TestSwappedSnapshots(t *testing.T) {
	path, own := withSnapshot(t, "c")
	_, other := withSnapshot(t, "d")
	log, err := os.ReadFile(filepath.Join(path, logName))
	must(t, err)
	must(t, os.RemoveAll(own))
	foreign := filepath.Join(filepath.Dir(own), "9-999999-1790000000000")
	must(t, os.Rename(other, foreign))
	_, err = OpenDir(path, "n1")
	refusedWith(t, "foreign snapshots", filepath.Base(foreign), err)
	if after, err := os.ReadFile(filepath.Join(path, logName)); err != nil || !bytes.Equal(after, log) {
		t.Errorf("the log was changed (%v)", err)
	}
}

// TestOlderNodeFile puts back a node.json from before the node was of a cluster.
func TestOlderNodeFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	synctest.Test(t, func(t *testing.T) {
		s := openSingle(t, path)
		putBack := copyOf(t, path, nodeName)
		must(t, s.cfg.Dir.SetCluster("c"))
		propose(t, s, &registry.Serve{Term: s.Term(), ClusterID: "c"})
		fill(t, s, 1)
		must(t, s.Close())
		putBack()
	})
	d, err := OpenDir(path, "n1")
	must(t, err)
	_, transport := raft.NewInmemTransport("n1")
	_, err = Open(Config{Dir: d, Transport: transport, Logger: slog.New(slog.DiscardHandler)})
	refusedWith(t, "older node.json", nodeName, err)
	must(t, d.Close())
}
