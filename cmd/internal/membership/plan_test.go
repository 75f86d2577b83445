package membership

import (
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/gossip"
	"github.com/seed-b4c92e43/rollcall/raftstore"
)

func TestVoters(t *testing.T) {
	tests := []struct{ candidates, expect, limit, want int }{
		{1, 1, 5, 1},
		{2, 1, 5, 1},
		{3, 1, 5, 3},
		{4, 1, 5, 3},
		{5, 1, 5, 5},
		{6, 1, 5, 5},
		{9, 1, 5, 5},
		{1, 3, 5, 1},
		{2, 3, 5, 2},
		{3, 3, 5, 3},
		{4, 3, 5, 3},
		{5, 3, 5, 5},
		{1, 2, 5, 1},
		{2, 2, 5, 2},
		{3, 2, 5, 3},
		{4, 2, 5, 3},
		{5, 3, 3, 3},
		{5, 1, 1, 1},
		{4, 4, 5, 4},
		{5, 4, 5, 5},
		{3, 5, 5, 3},
		{5, 5, 3, 5},
		{6, 5, 3, 5},
		{2, 2, 1, 2},
	}
	for _, test := range tests {
		if got := Voters(test.candidates, test.expect, test.limit); got != test.want {
			t.Errorf("%d candidates, expect %d, limit %d: %d, want %d", test.candidates, test.expect, test.limit, got, test.want)
		}
	}
}

// situation changes the view of a healthy cluster of n1 (leading), n2 and n3.
type situation func(*View)

func healthy() View {
	v := View{
		Self: "n1/a", ClusterID: "c", Committed: 10_000,
		Contacts: map[string]Contact{}, Silent: map[string]time.Duration{}, Removed: map[string]bool{}, Deferred: map[string]bool{},
		Expect: 3, MaxVoters: 5, DeadNodeAfter: time.Hour,
	}
	for _, name := range []string{"n1", "n2", "n3"} {
		here(name, "a")(&v)
		server(name+"/a", true)(&v)
	}
	return v
}

// here adds a live process of the cluster.
func here(name, incarnation string) situation {
	return func(v *View) {
		v.Processes = append(v.Processes, gossip.Member{
			Local:   gossip.Local{Node: name, Incarnation: incarnation, ClusterID: v.ClusterID, RaftAddr: name + ":1", Role: "voter"},
			Status:  gossip.StatusAlive,
			Started: int64(len(v.Processes)),
		})
	}
}

// server adds a server in contact that has caught up.
func server(id string, votes bool) situation {
	return func(v *View) {
		v.Servers = append(v.Servers, raftstore.Server{ID: id, Addr: nodeName(id) + ":1", Voter: votes})
		v.Contacts[id] = Contact{Age: time.Second, Applied: v.Committed - 100}
	}
}

// process changes what gossip says of a server.
func process(id string, f func(*gossip.Member)) situation {
	return func(v *View) {
		for i := range v.Processes {
			if serverID(v.Processes[i]) == id {
				f(&v.Processes[i])
			}
		}
	}
}

// silent is a server that gossip and Raft have missed for so long.
func silent(id string, d time.Duration) situation {
	return func(v *View) {
		process(id, func(p *gossip.Member) { p.Status = gossip.StatusDead })(v)
		delete(v.Contacts, id)
		v.Silent[id] = d
	}
}

func at(addr string) func(*gossip.Member) { return func(p *gossip.Member) { p.RaftAddr = addr } }
func edge(p *gossip.Member)               { p.Role = roleEdge }
func unadopted(p *gossip.Member)          { p.ClusterID, p.Fresh = "", true }
func foreign(p *gossip.Member)            { p.ClusterID = "other" }
func hasLeft(p *gossip.Member)            { p.Status = gossip.StatusLeft }
func lagging(v *View)                     { v.Contacts["n4/a"] = Contact{Applied: v.Committed - lagMax - 1} }

func quiet(v *View)                 { v.Contacts["n4/a"] = Contact{Age: contactFresh + 1, Applied: v.Committed} }
func expecting(n int) situation     { return func(v *View) { v.Expect = n } }
func atMost(n int) situation        { return func(v *View) { v.MaxVoters = n } }
func deferring(id string) situation { return func(v *View) { v.Deferred[id] = true } }
func noContact(id string) situation { return func(v *View) { delete(v.Contacts, id) } }
func all(situations ...situation) situation {
	return func(v *View) {
		for _, s := range situations {
			s(v)
		}
	}
}

func TestPlan(t *testing.T) {
	joined := all(here("n4", "a"), server("n4/a", false))
	tests := []struct {
		name      string
		situation situation
		want      Action // without Why and From
	}{
		{"all is well", all(), Action{}},

		{"a node without a cluster is added", all(here("n4", "a"), process("n4/a", unadopted)), Action{Verb: Add, ServerID: "n4/a", Addr: "n4:1"}},
		{"an adopted node is added", here("n4", "a"), Action{Verb: Add, ServerID: "n4/a", Addr: "n4:1"}},
		{"the lowest name first", all(here("n5", "a"), here("n4", "a")), Action{Verb: Add, ServerID: "n4/a", Addr: "n4:1"}},
		{"unless it was deferred", all(here("n5", "a"), here("n4", "a"), deferring("n4/a")), Action{Verb: Add, ServerID: "n5/a", Addr: "n5:1"}},
		{"an edge is added", all(here("n4", "a"), process("n4/a", edge)), Action{Verb: Add, ServerID: "n4/a", Addr: "n4:1"}},
		{"a foreign node is not", all(here("n4", "a"), process("n4/a", foreign)), Action{}},
		{"a dead one is not", all(here("n4", "a"), silent("n4/a", 0)), Action{}},
		{"nor a removed one", all(here("n4", "a"), func(v *View) { v.Removed["n4/a"] = true }), Action{}},
		{"nor one of two of a name", all(here("n4", "a"), here("n4", "b")), Action{}},
		{"nor one whose name a live server has", all(here("n3", "b"), process("n3/b", at("x:1"))), Action{}},
		{
			"an address is freed for a newcomer", all(silent("n3/a", time.Minute), here("n4", "a"), process("n4/a", at("n3:1"))),
			Action{Verb: Readdress, ServerID: "n3/a", Addr: "n3.a.invalid:0", Voter: true, Unproved: true},
		},
		{"but not a live server's", all(here("n4", "a"), process("n4/a", at("n3:1"))), Action{}},

		{"a fourth stays a non-voter", joined, Action{}},
		{"a fifth makes room for two", all(joined, here("n5", "a"), server("n5/a", false)), Action{Verb: Promote, ServerID: "n4/a", Addr: "n4:1"}},
		{"not beyond the limit", all(joined, here("n5", "a"), server("n5/a", false), atMost(3)), Action{}},
		{"up to what is expected", all(joined, expecting(4)), Action{Verb: Promote, ServerID: "n4/a", Addr: "n4:1"}},
		{"not while it lags", all(joined, expecting(4), lagging), Action{}},
		{"not while it is out of contact", all(joined, expecting(4), quiet), Action{}},
		{"never an edge", all(joined, expecting(4), process("n4/a", edge)), Action{}},

		{"a server that moved", process("n2/a", at("x:1")), Action{Verb: Readdress, ServerID: "n2/a", Addr: "x:1", Voter: true}},
		{"the leader that moved", process("n1/a", at("x:1")), Action{Verb: Readdress, ServerID: "n1/a", Addr: "x:1", Voter: true}},
		{"a non-voter that moved", all(joined, process("n4/a", at("x:1"))), Action{Verb: Readdress, ServerID: "n4/a", Addr: "x:1"}},
		{
			"two that swapped", all(process("n2/a", at("n3:1")), process("n3/a", at("n2:1"))),
			Action{Verb: Readdress, ServerID: "n3/a", Addr: "n3.a.invalid:0", Voter: true, Unproved: true},
		},
		{"a dead one is not followed", all(process("n2/a", at("x:1")), silent("n2/a", 0)), Action{}},

		{"a wiped disk: too early", all(silent("n3/a", replaceAfter-1), here("n3", "b")), Action{}},
		{"a wiped disk", all(silent("n3/a", replaceAfter), here("n3", "b")), Action{Verb: Remove, ServerID: "n3/a"}},
		{"a wiped disk, no quorum without", all(silent("n3/a", replaceAfter), noContact("n2/a"), here("n3", "b")), Action{}},
		{"a wiped non-voter", all(joined, silent("n4/a", replaceAfter), here("n4", "b")), Action{Verb: Remove, ServerID: "n4/a"}},

		{"a voter restarted as an edge", process("n2/a", edge), Action{Verb: Remove, ServerID: "n2/a"}},
		{"the leader restarted as an edge", process("n1/a", edge), Action{Verb: StepDown, ServerID: "n1/a"}},
		{"an edge that is the last support", all(process("n2/a", edge), silent("n3/a", 0)), Action{}},

		{"dead, but as many as expected", silent("n3/a", 2*time.Hour), Action{}},
		{"dead, and more than expected", all(silent("n3/a", time.Hour), expecting(2)), Action{Verb: Remove, ServerID: "n3/a"}},
		{"not dead yet", all(silent("n3/a", time.Hour-1), expecting(2)), Action{}},
		{"left is not dead", all(silent("n3/a", 2*time.Hour), process("n3/a", hasLeft), expecting(2)), Action{}},
		{"dead, no quorum without", all(silent("n3/a", 2*time.Hour), noContact("n2/a"), expecting(1)), Action{}},
		{"dead, replaced first", all(silent("n3/a", time.Hour), joined), Action{Verb: Promote, ServerID: "n4/a", Addr: "n4:1"}},
		{"dead, then removed", all(silent("n3/a", time.Hour), here("n4", "a"), server("n4/a", true)), Action{Verb: Remove, ServerID: "n3/a"}},
		{"a dead non-voter", all(joined, silent("n4/a", time.Hour)), Action{Verb: Remove, ServerID: "n4/a"}},
	}
	for _, test := range tests {
		v := healthy()
		test.situation(&v)
		got := Plan(v)
		if (got.Verb != Nothing) != (got.Why != "") || (got.Verb == Readdress) != (got.From != "") {
			t.Errorf("%s: %q, from %q, for %q", test.name, got.Why, got.From, got.Verb)
		}
		if got.Why, got.From = "", ""; got != test.want {
			t.Errorf("%s:\n got %+v\nwant %+v", test.name, got, test.want)
		}
	}
}
