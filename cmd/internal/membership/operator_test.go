package membership

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-b4c92e43/rollcall/gossip"
)

func TestRemoveNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		n1, n2, n3 := three(t, w)
		if err := n2.m.RemoveNode(t.Context(), "n9"); !errors.Is(err, ErrUnknownNode) {
			t.Errorf("an unknown node: %v", err)
		}
		if err := n2.m.RemoveNode(t.Context(), "n3"); err != nil { // by way of the leader
			t.Fatal(err)
		}
		if err := <-n3.refused; !errors.Is(err, ErrRemoved) {
			t.Errorf("it was told: %v", err)
		}
		w.expect(t, soon, "n1/i-n1 voter@n1:7701", "n2/i-n2 voter@n2:7701")
		n2.kill(gossip.StatusDead)
		if err := n1.m.RemoveNode(t.Context(), "n1"); !errors.Is(err, ErrQuorum) {
			t.Errorf("the last one alive: %v", err)
		}
	})
}

func TestARemovedNodeIsDismissedAgainWhenItComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		n1, _, n3 := three(t, w)
		n3.kill(gossip.StatusLeft)
		if err := n1.m.RemoveNode(t.Context(), "n3"); err != nil {
			t.Fatal(err)
		}
		back := w.start(t, n3.said())
		if err := <-back.refused; !errors.Is(err, ErrRemoved) {
			t.Errorf("it was told: %v", err)
		}
		back.kill(gossip.StatusDead)
		wiped := voter("n3")
		wiped.Incarnation = "after"
		w.start(t, wiped)
		w.expect(t, soon, "n1/i-n1 voter@n1:7701", "n2/i-n2 voter@n2:7701", "n3/after voter@n3:7701")
	})
}

func TestALeaderThatIsRemovedHandsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		n1, _, _ := three(t, w)
		if err := n1.m.RemoveNode(t.Context(), "n1"); err != nil {
			t.Fatal(err)
		}
		if err := <-n1.refused; !errors.Is(err, ErrRemoved) {
			t.Errorf("it was told: %v", err)
		}
		w.expect(t, 0, "n2/i-n2 voter@n2:7701", "n3/i-n3 voter@n3:7701")
	})
}

// TestALostAnswerIsAskedForAgain: whoever was removed by a request whose answer
// did not arrive is unknown to the next.
func TestALostAnswerIsAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		n1, n2, n3 := three(t, w)
		w.lost = 1
		if err := n2.m.RemoveNode(t.Context(), "n3"); err != nil {
			t.Fatal(err)
		}
		if err := <-n3.refused; !errors.Is(err, ErrRemoved) {
			t.Errorf("it was told: %v", err)
		}
		if err := n2.m.RemoveNode(t.Context(), "n3"); !errors.Is(err, ErrUnknownNode) {
			t.Errorf("once more: %v", err)
		}
		w.expect(t, soon, n1.id()+" voter@n1:7701", n2.id()+" voter@n2:7701")
	})
}

func TestTransfer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		n1, _, n3 := three(t, w)
		if err := n3.m.Transfer(t.Context()); err != nil {
			t.Fatal(err)
		}
		if leader, _ := (fakeStore{n1}).Leader(); leader == n1.id() {
			t.Error("it still leads")
		}
	})
}

// TestTransferThatNobodyTakes: that another does not take over in time is no
// fault of the request.
func TestTransferThatNobodyTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		n1, n2, n3 := three(t, w)
		n2.kill(gossip.StatusDead)
		n3.kill(gossip.StatusDead)
		if err := n1.m.Transfer(t.Context()); !errors.Is(err, ErrNoLeader) {
			t.Errorf("others vote, and none took over: %v", err)
		}
		for _, gone := range []*node{n2, n3} {
			if err := (fakeStore{n1}).Remove(gone.id()); err != nil {
				t.Fatal(err)
			}
		}
		if err := n1.m.Transfer(t.Context()); err == nil || errors.Is(err, ErrNoLeader) {
			t.Errorf("nobody else votes: %v", err)
		}
	})
}

func TestOrdersNeedALeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		n1, n2, _ := three(t, w)
		n1.kill(gossip.StatusDead)
		if err := n2.m.RemoveNode(t.Context(), "n1"); !errors.Is(err, ErrNoLeader) {
			t.Errorf("without a leader: %v", err)
		}
		w.lead(n1) // it does not answer
		if err := n2.m.Transfer(t.Context()); !errors.Is(err, ErrNoLeader) {
			t.Errorf("with a leader that is gone: %v", err)
		}
	})
}

func TestNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		n1, _, n3 := three(t, w)
		edge := voter("n5")
		edge.Role, edge.Version = roleEdge, "v1"
		w.start(t, edge)
		w.start(t, voter("n4"))
		n3.kill(gossip.StatusDead)
		edge.Node, edge.Incarnation = "n7", "i-n7"
		edge.RaftAddr = "n7:7701"
		gone := w.start(t, edge)
		<-time.After(soon)
		gone.kill(gossip.StatusLeft)
		if err := n1.m.RemoveNode(t.Context(), "n7"); err != nil {
			t.Fatal(err)
		}
		got, err := n1.m.Nodes(n1.id())
		if err != nil {
			t.Fatal(err)
		}
		want := []NodeView{
			{ID: "n1", Role: RoleLeader, Gossip: gossip.StatusAlive},
			{ID: "n2", Role: RoleVoter, Gossip: gossip.StatusAlive},
			{ID: "n3", Role: RoleVoter, Gossip: gossip.StatusDead},
			{ID: "n4", Role: RoleJoining, Gossip: gossip.StatusAlive},
			{ID: "n5", Role: RoleEdge, Gossip: gossip.StatusAlive, Version: "v1"},
		}
		if len(got) != len(want) {
			t.Fatalf("got %+v", got)
		}
		for i, v := range want {
			v.ServerID, v.HTTPAddr, v.RaftAddr = v.ID+"/i-"+v.ID, v.ID+":7700", v.ID+":7701"
			if got[i] != v {
				t.Errorf("got %+v\nwant %+v", got[i], v)
			}
		}
	})
}
