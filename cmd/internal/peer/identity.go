package peer

import (
	"fmt"
	"strings"
)

// Identity says which process is at the other end.
type Identity struct {
	Node        string `json:"node"`                 // name given by the operator
	Incarnation string `json:"incarnation"`          // made with the data directory, 16 hex digits
	ClusterID   string `json:"cluster_id,omitempty"` // empty until it belongs to a cluster
}

// ServerID is the identity as Raft knows it, such as "n1/0123456789abcdef".
func (i Identity) ServerID() string { return i.Node + "/" + i.Incarnation }

// identityMax bounds each part of an identity, in bytes.
const identityMax = 128

func (i Identity) validate() error {
	switch {
	case i.Node == "" || i.Incarnation == "":
		return fmt.Errorf("identity %q is incomplete", i.ServerID())
	case len(i.Node) > identityMax || len(i.Incarnation) > identityMax || len(i.ClusterID) > identityMax:
		return fmt.Errorf("a part of the identity is longer than %d bytes", identityMax)
	}
	return nil
}

// RaftAddress joins a server id and the host:port where it listens into the form
// that the layer of Port.RaftLayer dials: "n1/0123456789abcdef@10.0.0.1:7701".
func RaftAddress(serverID, addr string) string { return serverID + "@" + addr }

// SplitRaftAddress undoes RaftAddress; ok is false where addr names no server.
func SplitRaftAddress(raftAddr string) (serverID, addr string, ok bool) {
	serverID, addr, ok = strings.Cut(raftAddr, "@")
	return serverID, addr, ok && serverID != "" && addr != ""
}
