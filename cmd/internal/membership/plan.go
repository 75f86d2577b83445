package membership

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-b4c92e43/rollcall/gossip"
	"github.com/seed-b4c92e43/rollcall/raftstore"
)

// View is what the leader knows when it thinks about Raft's configuration.
type View struct {
	Self      string // server id of the leader, whose view this is
	ClusterID string
	Servers   []raftstore.Server // Raft's configuration
	Processes []gossip.Member    // every process that gossip knows
	Contacts  map[string]Contact // by server id; of those heard of since it leads
	Committed uint64             // index

	// Silent is how long a server has been neither alive in gossip nor in contact.
	Silent map[string]time.Duration
	// Removed are the server ids that the operator took out.
	Removed map[string]bool
	// Deferred are the server ids whose last change failed just now.
	Deferred map[string]bool

	Expect        int
	MaxVoters     int
	DeadNodeAfter time.Duration
}

// Verb is what an Action does.
type Verb string

// What a leader does about Raft's configuration.
const (
	Nothing   Verb = ""
	Add       Verb = "add"       // as a non-voter
	Promote   Verb = "promote"   // to a voter
	Readdress Verb = "readdress" // the same server elsewhere
	Remove    Verb = "remove"
	StepDown  Verb = "step-down" // hand over the leadership
)

// Action is one change of Raft's configuration.
type Action struct {
	Verb     Verb
	ServerID string
	Addr     string // host:port; of Add, Promote and Readdress
	From     string // host:port until now; of Readdress
	Voter    bool   // Readdress: what it is and stays
	Unproved bool   // Readdress: nobody needs to answer at Addr
	Why      string
}

// replaceAfter is how long a server must be silent before a node of its name
// with another disk takes its place.
const replaceAfter = 5 * time.Second

// Plan decides what to change next; one change at a time. It is a pure function
// of its view.
func Plan(v View) Action {
	for _, rule := range []func(*View) Action{planReplace, planEdge, planAddress, planAdd, planPromote, planDead} {
		if action := rule(&v); action.Verb != Nothing && !v.Deferred[action.ServerID] {
			return action
		}
	}
	return Action{}
}

// process returns the process that speaks for a server.
func (v *View) process(id string) (gossip.Member, bool) {
	p, known := speakers(v.Processes, serverID)[id]
	return p, known
}

func (v *View) live(id string) bool {
	p, known := v.process(id)
	return known && p.Live()
}

func (v *View) left(id string) bool {
	p, known := v.process(id)
	return known && p.Status == gossip.StatusLeft
}

// newcomers returns the live processes that may come in, by server id: of this
// cluster or none, not taken out by the operator.
func (v *View) newcomers() []gossip.Member {
	var list []gossip.Member
	for id, p := range speakers(v.Processes, serverID) {
		ours := p.ClusterID == "" || p.ClusterID == v.ClusterID
		if p.Live() && ours && p.RaftAddr != "" && find(v.Servers, id) == nil && !v.Removed[id] && !v.Deferred[id] {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b gossip.Member) int {
		return compareNames(a.Node, a.Incarnation, b.Node, b.Incarnation)
	})
	return list
}

// namesake returns the server of the same node with another incarnation.
func (v *View) namesake(p gossip.Member) *raftstore.Server {
	i := slices.IndexFunc(v.Servers, func(s raftstore.Server) bool {
		return nodeName(s.ID) == p.Node && s.ID != serverID(p)
	})
	if i < 0 {
		return nil
	}
	return &v.Servers[i]
}

// planReplace takes out a server whose node came back with an empty disk: as
// another server, for it forgot its votes.
func planReplace(v *View) Action {
	for _, p := range v.newcomers() {
		old := v.namesake(p)
		if old == nil || v.Deferred[old.ID] || v.Silent[old.ID] < replaceAfter || (old.Voter && !v.quorumWithout(old.ID)) {
			continue
		}
		return Action{Verb: Remove, ServerID: old.ID, Why: "its node is back as " + serverID(p)}
	}
	return Action{}
}

// planEdge takes the vote from a node that was restarted as an edge, by taking it
// out: planAdd brings it in again.
func planEdge(v *View) Action {
	for _, s := range v.Servers {
		p, known := v.process(s.ID)
		switch {
		case !s.Voter || !known || !p.Live() || p.Role != roleEdge || v.Deferred[s.ID] || !v.quorumWithout(s.ID):
		case s.ID == v.Self:
			return Action{Verb: StepDown, ServerID: s.ID, Why: "it is an edge now"}
		default:
			return Action{Verb: Remove, ServerID: s.ID, Why: "it is an edge now"}
		}
	}
	return Action{}
}

// planAddress follows servers that moved.
func planAddress(v *View) Action {
	for _, s := range v.Servers {
		p, known := v.process(s.ID)
		if !known || !p.Live() || p.RaftAddr == "" || p.RaftAddr == s.Addr || v.Deferred[s.ID] {
			continue
		}
		if holder := v.holder(p.RaftAddr, s.ID); holder != nil {
			return displace(*holder, s.ID)
		}
		return Action{Verb: Readdress, ServerID: s.ID, Addr: p.RaftAddr, From: s.Addr, Voter: s.Voter, Why: "it moved"}
	}
	return Action{}
}

// holder returns the server other than id that the configuration has at addr:
// Raft does not take an address twice.
func (v *View) holder(addr, id string) *raftstore.Server {
	i := slices.IndexFunc(v.Servers, func(s raftstore.Server) bool { return s.Addr == addr && s.ID != id })
	if i < 0 {
		return nil
	}
	return &v.Servers[i]
}

// displace frees the address of a server that is not there any more, by giving
// it one that nobody can have (RFC 2606). Raft's transport goes by the address
// book, so the server is found all the same once it is back.
func displace(s raftstore.Server, by string) Action {
	addr := strings.Replace(s.ID, "/", ".", 1) + ".invalid:0"
	return Action{Verb: Readdress, ServerID: s.ID, Addr: addr, From: s.Addr, Voter: s.Voter, Unproved: true, Why: by + " has its address now"}
}

// planAdd brings in live nodes as non-voters, one incarnation of a name.
func planAdd(v *View) Action {
	for _, p := range v.newcomers() {
		if v.namesake(p) != nil || v.rival(p) {
			continue
		}
		if holder := v.holder(p.RaftAddr, serverID(p)); holder != nil {
			if v.live(holder.ID) && v.inContact(holder.ID) {
				continue // whatever p says, somebody else answers there
			}
			return displace(*holder, serverID(p))
		}
		return Action{Verb: Add, ServerID: serverID(p), Addr: p.RaftAddr, Why: "it is here"}
	}
	return Action{}
}

// rival says that another live process has p's name: which one stays is for
// them to settle.
func (v *View) rival(p gossip.Member) bool {
	return slices.ContainsFunc(v.Processes, func(other gossip.Member) bool {
		return other.Live() && other.Node == p.Node && other.Incarnation != p.Incarnation
	})
}

// planPromote makes a voter of a non-voter that has caught up, where one more is
// wanted.
func planPromote(v *View) Action {
	var ready []raftstore.Server
	for _, s := range v.Servers {
		p, known := v.process(s.ID)
		if !s.Voter && known && p.Live() && p.Role != roleEdge && v.caughtUp(s.ID) && !v.Deferred[s.ID] {
			ready = append(ready, s)
		}
	}
	voters := v.voters()
	if len(ready) == 0 || voters >= Voters(voters+len(ready), v.Expect, v.MaxVoters) {
		return Action{}
	}
	first := slices.MinFunc(ready, func(a, b raftstore.Server) int { return strings.Compare(a.ID, b.ID) })
	return Action{Verb: Promote, ServerID: first.ID, Addr: first.Addr, Why: "it has caught up"}
}

// planDead takes out who has been silent for too long. A cluster is not shrunk
// below the voters that it was told to expect: it would no longer be ready, and
// two voters bear no more failures than three of which one is dead.
func planDead(v *View) Action {
	count := 0
	for _, s := range v.Servers {
		if s.Voter {
			count++
		}
	}
	for _, s := range v.Servers {
		if s.ID == v.Self || !v.dead(s.ID) || v.Deferred[s.ID] {
			continue
		}
		if !s.Voter || count > v.Expect && v.quorumWithout(s.ID) {
			return Action{Verb: Remove, ServerID: s.ID, Why: fmt.Sprintf("it was silent for %v", v.Silent[s.ID].Round(time.Second))}
		}
	}
	return Action{}
}
