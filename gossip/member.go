package gossip

import "time"

// The statuses of a member.
const (
	StatusAlive   = "alive"
	StatusSuspect = "suspect" // this node's last probe of it failed
	StatusDead    = "dead"    // not heard of for longer than suspicion lasts
	StatusLeft    = "left"    // it said goodbye
)

// Local is what a node tells the others about itself.
type Local struct {
	Node        string // node id, the same over all its process starts
	Incarnation string // of its data directory
	ClusterID   string // "" as long as it belongs to none
	HTTPAddr    string // host:port at which clients reach it
	RaftAddr    string // host:port at which other nodes reach it
	Role        string // "voter" or "edge"
	Version     string // of the program
	Expect      int    // --bootstrap-expect
	Fresh       bool   // its data directory holds no Raft state yet
}

// Member is one node as gossip sees it. It is a hint: gossip never ends a
// lease, picks a leader or makes a voter.
type Member struct {
	Local
	GossipAddr string    // ip:port
	Status     string    // StatusAlive, StatusSuspect, StatusDead or StatusLeft
	Started    int64     // Unix milliseconds of its process start, on its own clock
	Self       bool      // it is this node
	Since      time.Time // when this node saw it take its status
}

// Live tells whether the member is alive, or merely suspected.
func (m *Member) Live() bool { return m.Status == StatusAlive || m.Status == StatusSuspect }
