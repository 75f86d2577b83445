package raftstore

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
)

// made makes a data directory with some content and returns its path.
func made(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data")
	d := openDir(t, path)
	must(t, d.log.StoreLogs(commands(1, 50)))
	must(t, d.Close())
	return path
}

func TestFirstStartIsDurableAndKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "data")
	d := openDir(t, path)
	id := d.Identity()
	if id.Node != "n1" || len(id.Incarnation) != 16 || id.ClusterID != "" || !d.Fresh() {
		t.Fatalf("first start: %+v, fresh %v", id, d.Fresh())
	}
	if want := "n1/" + id.Incarnation; id.ServerID() != want {
		t.Fatalf("server id %s, want %s", id.ServerID(), want)
	}
	must(t, d.SetCluster("c1"))
	must(t, d.SetCluster("c1"))
	if d.SetCluster("c2") == nil {
		t.Fatal("a second cluster was accepted")
	}
	p := Promise{Founder: "n1/x", ClusterID: "c1"}
	must(t, d.SetPromise(p))
	must(t, d.Close())
	must(t, d.Close())

	d = openDir(t, path)
	id.ClusterID = "c1"
	if d.Identity() != id || d.Promise() != p {
		t.Fatalf("after a restart: %+v, %+v", d.Identity(), d.Promise())
	}
	for _, name := range []string{logName, imageName, nodeName, snapshotsName} {
		if _, err := os.Stat(filepath.Join(path, name)); err != nil {
			t.Error(err)
		}
	}
}

// TestFirstStartSurvivesCrashes ends the creation after each of its steps.
func TestFirstStartSurvivesCrashes(t *testing.T) {
	for steps := range 5 {
		path := t.TempDir()
		f, err := ensureNodeFile(path, "n1")
		must(t, err)
		for _, step := range creation(path, &f)[:steps] {
			must(t, step())
		}
		// What a crash within a step leaves.
		must(t, os.WriteFile(filepath.Join(path, imageName+temporary), []byte("half"), 0o600))
		must(t, os.WriteFile(filepath.Join(path, nodeName+temporary), nil, 0o600))
		d := openDir(t, path)
		if d.Identity().Incarnation != f.Incarnation {
			t.Errorf("after %d steps: another incarnation", steps)
		}
		must(t, d.log.StoreLogs(commands(1, 5)))
		must(t, d.Close())
		checkLog(t, openDir(t, path).log, 1, 5)
	}
}

func TestCrashBeforeTheFirstName(t *testing.T) {
	path := t.TempDir()
	must(t, os.WriteFile(filepath.Join(path, nodeName+temporary), []byte("{"), 0o600))
	must(t, os.Mkdir(filepath.Join(path, "lost+found"), 0o700))
	if !openDir(t, path).Fresh() {
		t.Fatal("not a first start")
	}
}

func TestDirInUse(t *testing.T) {
	path := t.TempDir()
	d := openDir(t, path)
	_, err := OpenDir(path, "n1")
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "--data-dir") {
		t.Fatalf("second opening: %v", err)
	}
	must(t, d.Close())
	openDir(t, path)
}

// Every way in which a whole file can be wrong, and which file is named.
var wrongFiles = []struct {
	name  string
	harm  func(path, other string) error
	named string
}{
	{"node.json missing", remove(nodeName), nodeName},
	{"raft.db missing", remove(logName), logName},
	{"state.db missing", remove(imageName), imageName},
	{"snapshots missing", remove(snapshotsName), snapshotsName},
	{"node.json emptied", empty(nodeName), nodeName},
	{"raft.db emptied", empty(logName), logName},
	{"state.db emptied", empty(imageName), imageName},
	{"raft.db foreign", foreign(logName), logName},
	{"state.db foreign", foreign(imageName), imageName},
	{"node.json foreign", foreign(nodeName), logName},
	{"databases swapped", swap, logName},
	{"node.json edited", edit, nodeName},
	{"raft.db is text", overwrite(logName, strings.Repeat("text ", 4000)), logName},
	{"node.json is not JSON", overwrite(nodeName, "hello"), nodeName},
	{"node.json of another format", overwrite(nodeName, string(nodeFile{Format: 9, Node: "n1"}.encode())), nodeName},
	{"snapshots is a file", func(path, _ string) error {
		return errors.Join(os.Remove(filepath.Join(path, snapshotsName)), os.WriteFile(filepath.Join(path, snapshotsName), nil, 0o600))
	}, snapshotsName},
}

func remove(name string) func(string, string) error {
	return func(path, _ string) error { return os.RemoveAll(filepath.Join(path, name)) }
}

func empty(name string) func(string, string) error {
	return func(path, _ string) error { return os.Truncate(filepath.Join(path, name), 0) }
}

func overwrite(name, content string) func(string, string) error {
	return func(path, _ string) error {
		return os.WriteFile(filepath.Join(path, name), []byte(content), 0o600)
	}
}

func foreign(name string) func(string, string) error {
	return func(path, other string) error {
		return os.Rename(filepath.Join(other, name), filepath.Join(path, name))
	}
}

func swap(path, _ string) error {
	a, b, c := filepath.Join(path, logName), filepath.Join(path, imageName), filepath.Join(path, "x")
	return errors.Join(os.Rename(a, c), os.Rename(b, a), os.Rename(c, b))
}

func edit(path, _ string) error {
	name := filepath.Join(path, nodeName)
	b, err := os.ReadFile(name)
	return errors.Join(err, os.WriteFile(name, []byte(strings.Replace(string(b), `"cluster_id": ""`, `"cluster_id": "c9"`, 1)), 0o600))
}

func TestWrongFilesAreRefused(t *testing.T) {
	for _, w := range wrongFiles {
		t.Run(w.name, func(t *testing.T) {
			path := made(t)
			must(t, w.harm(path, made(t)))
			for range 2 { // and not mended by the first attempt
				_, err := OpenDir(path, "n1")
				refused(t, err, w.named)
			}
		})
	}
}

func TestWrongNodeIsRefused(t *testing.T) {
	path := made(t)
	_, err := OpenDir(path, "n2")
	refused(t, err, nodeName)
	if !strings.Contains(err.Error(), "--node-id n1") {
		t.Fatalf("no remedy in %v", err)
	}
}

func TestDirOfOthersIsRefused(t *testing.T) {
	path := t.TempDir()
	must(t, os.WriteFile(filepath.Join(path, "thesis.tex"), nil, 0o600))
	if _, err := OpenDir(path, "n1"); err == nil || !strings.Contains(err.Error(), "thesis.tex") {
		t.Fatalf("got %v", err)
	}
	file := filepath.Join(path, "thesis.tex")
	if _, err := OpenDir(file, "n1"); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Fatalf("got %v", err)
	}
}

// TestFoundingCutShortIsBegunAgain: a crash between Raft's first term and its
// first entry leaves a directory that is as good as new.
func TestFoundingCutShortIsBegunAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "data")
		d := openDir(t, path)
		must(t, d.log.SetUint64([]byte(keyCurrentTerm), 1))
		if d.Fresh() {
			t.Error("fresh with a term")
		}
		must(t, d.Close())
		s := openSingle(t, path) // founds, if fresh
		fill(t, s, 1)
		must(t, s.Close())
	})
	path := filepath.Join(t.TempDir(), "data")
	d := openDir(t, path)
	must(t, d.log.SetUint64([]byte(keyCurrentTerm), 2))
	must(t, d.Close())
	if openDir(t, path).Fresh() {
		t.Error("a term in which others may have been elected was forgotten")
	}
}
