package raftstore

import "github.com/hashicorp/raft"

// Replication reads the newest entries once for each follower, and Raft's loop
// reads them to apply them; the window spares the disk and the decoding.
const (
	windowEntries = 1024
	windowBytes   = 16 << 20
)

// logWindow holds the newest entries of the log, without a gap, bounded by
// number and bytes.
type logWindow struct {
	entries []raft.Log
	bytes   int
}

func (w *logWindow) get(index uint64, l *raft.Log) bool {
	if len(w.entries) == 0 || index < w.entries[0].Index {
		return false
	}
	i := index - w.entries[0].Index
	if i >= uint64(len(w.entries)) {
		return false
	}
	*l = w.entries[i]
	return true
}

// push adds the entry after the last one.
func (w *logWindow) push(l *raft.Log) {
	w.entries = append(w.entries, *l)
	w.bytes += len(l.Data)
	for len(w.entries) > windowEntries || (w.bytes > windowBytes && len(w.entries) > 1) {
		w.drop()
	}
}

// drop removes the oldest entry.
func (w *logWindow) drop() {
	w.bytes -= len(w.entries[0].Data)
	w.entries[0] = raft.Log{} // let go of its data
	w.entries = w.entries[1:]
}

// cutBack removes the entries from low on.
func (w *logWindow) cutBack(low uint64) {
	for n := len(w.entries); n > 0 && w.entries[n-1].Index >= low; n-- {
		w.bytes -= len(w.entries[n-1].Data)
		w.entries[n-1] = raft.Log{}
		w.entries = w.entries[:n-1]
	}
}

// cutFront removes the entries below first.
func (w *logWindow) cutFront(first uint64) {
	for len(w.entries) > 0 && w.entries[0].Index < first {
		w.drop()
	}
}
