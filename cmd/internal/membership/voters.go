package membership

import (
	"time"

	"github.com/seed-b4c92e43/rollcall/raftstore"
)

// Voters returns how many voters are wanted where so many nodes could vote: all
// of them up to expect, without which the cluster does not serve; beyond that
// the greatest of 1, 3 and 5 that is not more than there are, nor than limit.
// An even voter only adds to what a quorum needs, and stays a non-voter until
// one more comes.
func Voters(candidates, expect, limit int) int {
	odd := min(candidates, max(limit, expect))
	if odd%2 == 0 {
		odd--
	}
	return max(odd, min(candidates, expect))
}

// find returns the server of an id, or nil.
func find(servers []raftstore.Server, id string) *raftstore.Server {
	for i := range servers {
		if servers[i].ID == id {
			return &servers[i]
		}
	}
	return nil
}

const (
	// contactFresh is how old the last word from a server in contact may be.
	contactFresh = 3 * time.Second
	// lagMax is how many entries a server may be behind to have caught up: half a
	// second's worth at full load.
	lagMax = 2048
)

// inContact says that the leader hears of a server; of itself it always does.
func (v *View) inContact(id string) bool {
	contact, known := v.Contacts[id]
	return id == v.Self || known && contact.Age <= contactFresh
}

// caughtUp says that a server is in contact and nearly as far as the leader.
func (v *View) caughtUp(id string) bool {
	return v.inContact(id) && v.Contacts[id].Applied+lagMax >= v.Committed
}

// quorumWithout says that a healthy majority remains when a server is taken out.
func (v *View) quorumWithout(id string) bool {
	voters, healthy := 0, 0
	for _, s := range v.Servers {
		if !s.Voter || s.ID == id {
			continue
		}
		voters++
		if v.inContact(s.ID) {
			healthy++
		}
	}
	return healthy > voters/2
}

// dead says that gossip and Raft have both missed a server for too long, and
// that it did not say goodbye: who leaves gracefully comes back.
func (v *View) dead(id string) bool {
	return v.Silent[id] >= v.DeadNodeAfter && !v.left(id)
}

// voters counts those that are not dead.
func (v *View) voters() int {
	n := 0
	for _, s := range v.Servers {
		if s.Voter && !v.dead(s.ID) {
			n++
		}
	}
	return n
}
