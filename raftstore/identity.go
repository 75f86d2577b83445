package raftstore

import (
	"crypto/rand"
	"encoding/hex"
)

// Identity says who a node is.
type Identity struct {
	// Node is the node id, chosen by the operator.
	Node string
	// Incarnation is made with the data directory: 16 random hexadecimal
	// digits. A wiped disk is another incarnation and so another Raft server,
	// which may not vote again as the old one.
	Incarnation string
	// ClusterID is "" until the node belongs to a cluster; then it stays.
	ClusterID string
}

// ServerID returns the raft.ServerID of this node: "n1/0123456789abcdef".
func (i Identity) ServerID() string { return i.Node + "/" + i.Incarnation }

// Promise is a durable, once-only word to found a cluster with somebody and
// with nobody else. The zero value is no promise.
type Promise struct {
	Founder   string `json:"founder,omitempty"` // server id
	ClusterID string `json:"cluster_id,omitempty"`
	Abandoned bool   `json:"abandoned,omitempty"`
}

func newIncarnation() string {
	var b [8]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	return hex.EncodeToString(b[:])
}
