// Package raftstore replicates the entries of the registry with hashicorp/raft
// and keeps them on disk.
//
// A data directory ([Dir]) holds raft.db (the log and Raft's own few values),
// state.db (the durable image of the state machine), snapshots/ and node.json
// (who this node is). [Open] starts Raft on it and gives a [Store]: propose,
// read under a lock, wait for an index or a revision, change the
// configuration.
//
// What the package promises: an entry whose [Proposal] succeeded is on the
// disks of a majority; a directory that lacks, or has emptied, truncated,
// foreign or damaged, one of its files is refused with the file's name and
// what to do ([DamageError]); a disk that hangs or fails is reported and never
// retried.
//
// What it does not do: it neither reads a command nor decides anything about
// leases (package registry does), nor does it know the network (a
// raft.Transport is handed in) or who should be a member (package membership).
package raftstore
