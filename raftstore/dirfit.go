package raftstore

import (
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// fit checks that log, image and snapshots, each sound, belong together: that
// none of them is an older copy put back, and that nothing between them is
// missing.
//
// An image older than the newest snapshot is no damage: a crash cut short the
// installation of that snapshot, and Open ends it.
func fit(dir string, logs *logCheck, state *imageCheck, s raft.SnapshotMeta) error {
	last := max(logs.head.last, s.Index)
	if logs.superseded(s) {
		last = s.Index
	}
	switch {
	case logs.head.first > s.Index+1:
		return damaged(filepath.Join(dir, snapshotsName), fmt.Sprintf(
			"a snapshot is missing: the log begins at entry %d, the newest snapshot ends at %d", logs.head.first, s.Index), nil)
	case state.head.index > last:
		return damaged(filepath.Join(dir, logName), fmt.Sprintf(
			"older than %s: it ends at entry %d of %d", imageName, last, state.head.index), nil)
	case logs.term() < s.Term:
		return damaged(filepath.Join(dir, logName), fmt.Sprintf(
			"older than the newest snapshot: it knows term %d, not %d", logs.term(), s.Term), nil)
	}
	return nil
}

// openSnapshots returns Raft's store of snapshots in the directory.
func openSnapshots(dir string, logger hclog.Logger) (*raft.FileSnapshotStore, error) {
	return raft.NewFileSnapshotStoreWithLogger(dir, retainSnapshots, logger)
}

// newestSnapshot returns what is known of the newest snapshot; zero if there
// is none.
func newestSnapshot(dir string) (raft.SnapshotMeta, error) {
	path := filepath.Join(dir, snapshotsName)
	name, index, term, err := newestName(path)
	if err != nil || name == "" {
		return raft.SnapshotMeta{}, err
	}
	store, err := openSnapshots(dir, hclog.NewNullLogger())
	if err != nil {
		return raft.SnapshotMeta{}, err
	}
	list, err := store.List()
	if err != nil {
		return raft.SnapshotMeta{}, err
	}
	if len(list) == 0 || list[0].ID != name || list[0].Index != index || list[0].Term != term {
		return raft.SnapshotMeta{}, damaged(filepath.Join(path, name), "its meta.json is missing or damaged", nil)
	}
	return *list[0], present(filepath.Join(path, name, "state.bin"))
}

// verifySnapshot looks at what lies around the copy in the newest snapshot: the
// header, the length, and the sum of what Raft wrote beside it. The copy is checked
// when it is needed.
func verifySnapshot(dir string, s raft.SnapshotMeta, clusterID, former string) error {
	if s.Index == 0 {
		return nil
	}
	path := filepath.Join(dir, snapshotsName, s.ID)
	if err := checkSum(path); err != nil {
		return damaged(path, "damaged", err)
	}
	f, err := os.Open(filepath.Join(path, "state.bin"))
	if err != nil {
		return err
	}
	defer f.Close()
	h, err := readHeader(f)
	switch {
	case err != nil:
		return damaged(path, "damaged", err)
	case h.Index > s.Index || h.Length+uint64(len(h.append(nil)))+crc32.Size != uint64(s.Size):
		return damaged(path, "damaged: it is not what its meta.json says", nil)
	case clusterID != "" && h.ClusterID != "" && h.ClusterID != clusterID && h.ClusterID != former:
		return damaged(path, fmt.Sprintf("foreign: of cluster %s, not of %s", h.ClusterID, clusterID), nil)
	}
	info, err := f.Stat()
	if err == nil && info.Size() != s.Size {
		err = damaged(path, fmt.Sprintf("damaged: %d of %d bytes are left", info.Size(), s.Size), nil)
	}
	return err
}

// newestName finds the newest snapshot by the names of the directories
// (term-index-milliseconds) and removes what a crash left half made.
func newestName(path string) (name string, index, term uint64, err error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return "", 0, 0, err
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".tmp") {
			err = errors.Join(err, os.RemoveAll(filepath.Join(path, e.Name())))
			continue
		}
		t, i, ok := parseSnapshotName(e.Name())
		// Raft's own order: term, index, name.
		if ok && (t > term || (t == term && (i > index || (i == index && e.Name() > name)))) {
			name, index, term = e.Name(), i, t
		}
	}
	return name, index, term, err
}

func parseSnapshotName(name string) (term, index uint64, ok bool) {
	parts := strings.Split(name, "-")
	if len(parts) != 3 {
		return 0, 0, false
	}
	term, err1 := strconv.ParseUint(parts[0], 10, 64)
	index, err2 := strconv.ParseUint(parts[1], 10, 64)
	_, err3 := strconv.ParseUint(parts[2], 10, 64)
	return term, index, errors.Join(err1, err2, err3) == nil
}
