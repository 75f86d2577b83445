package membership

import (
	"testing"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/peer"
	"github.com/seed-b4c92e43/rollcall/gossip"
	"github.com/seed-b4c92e43/rollcall/raftstore"
)

func TestClaims(t *testing.T) {
	fresh := claim{Incarnation: "m", Started: 10}
	tests := []struct {
		name     string
		stronger claim
	}{
		{"belongs to a cluster", claim{Incarnation: "z", Started: 99, ClusterID: "c"}},
		{"started first", claim{Incarnation: "z", Started: 9}},
		{"lower incarnation", claim{Incarnation: "a", Started: 10}},
	}
	for _, test := range tests {
		if !test.stronger.beats(fresh) || fresh.beats(test.stronger) {
			t.Errorf("%s: not decided alike by both", test.name)
		}
	}
	if fresh.beats(fresh) {
		t.Error("a claim beats itself")
	}
}

func TestRefusalsAreChecked(t *testing.T) {
	self := gossip.Member{Local: gossip.Local{Node: "n1", Incarnation: "self", ClusterID: "c"}, Started: 10, Self: true}
	same := peer.Identity{Node: "n1", Incarnation: "older", ClusterID: "c"}
	older := claim{Incarnation: "older", ClusterID: "c", Started: 5}
	both := []raftstore.Server{{ID: "n1/self"}, {ID: "n1/older"}}
	tests := []struct {
		name    string
		from    peer.Identity
		refusal refusal
		servers []raftstore.Server
		ends    bool
	}{
		{"an older claim", same, refusal{Claim: older}, both, true},
		{"a younger claim", same, refusal{Claim: claim{Incarnation: "older", ClusterID: "c", Started: 50}}, both, false},
		{"a claim without a cluster", same, refusal{Claim: claim{Incarnation: "older", Started: 5}}, both, false},
		{"of another name", peer.Identity{Node: "n2", Incarnation: "older", ClusterID: "c"}, refusal{Claim: older}, both, false},
		{"of one whose place was taken", same, refusal{Claim: older}, both[:1], false},
		{"a removal", peer.Identity{Node: "n2", Incarnation: "x", ClusterID: "c"}, refusal{Removed: true}, both, true},
		{"a removal by a node of no cluster", peer.Identity{Node: "n2", Incarnation: "x"}, refusal{Removed: true}, both, false},
	}
	for _, test := range tests {
		var cause error
		n := names{
			processes: func() []gossip.Member { return []gossip.Member{self} },
			servers:   func() ([]raftstore.Server, error) { return test.servers, nil },
			onRefused: func(err error) { cause = err },
		}
		err := n.refused(test.from, test.refusal)
		if (err == nil) != test.ends || (cause != nil) != test.ends {
			t.Errorf("%s: answered %v, ended with %v", test.name, err, cause)
		}
	}
}
