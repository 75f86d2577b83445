package membership

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-b4c92e43/rollcall/gossip"
)

const soon = 10 * time.Second

// three founds a cluster of n1, n2 and n3, of which n1 leads.
func three(t *testing.T, w *world, change ...func(*Config)) (n1, n2, n3 *node) {
	n1, n2, n3 = w.start(t, voter("n1"), change...), w.start(t, voter("n2"), change...), w.start(t, voter("n3"), change...)
	w.expect(t, soon, "n1/i-n1 voter@n1:7701", "n2/i-n2 voter@n2:7701", "n3/i-n3 voter@n3:7701")
	return n1, n2, n3
}

func TestThreeFreshNodesFindACluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		n3, n2 := w.start(t, voter("n3")), w.start(t, voter("n2"))
		<-time.After(time.Minute)
		if w.founded() != 0 {
			t.Fatal("two of three founded a cluster")
		}
		n1 := w.start(t, voter("n1"))
		w.expect(t, soon, "n1/i-n1 voter@n1:7701", "n2/i-n2 voter@n2:7701", "n3/i-n3 voter@n3:7701")
		for _, n := range []*node{n1, n2, n3} {
			if n.said().ClusterID != n1.said().ClusterID || n.said().Fresh {
				t.Errorf("%s announces %+v", n.id(), n.said())
			}
		}
	})
}

func TestFiveNodesAndAnEdge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		edge := voter("a-edge")
		edge.Role = roleEdge
		for _, local := range []gossip.Local{edge, voter("n5"), voter("n4"), voter("n3"), voter("n2"), voter("n1")} {
			w.start(t, local)
		}
		w.expect(t, soon, "a-edge/i-a-edge nonvoter@a-edge:7701",
			"n1/i-n1 voter@n1:7701", "n2/i-n2 voter@n2:7701", "n3/i-n3 voter@n3:7701", "n4/i-n4 voter@n4:7701", "n5/i-n5 voter@n5:7701")
	})
}

func TestANodeAloneFoundsAtOnceUnlessItLooksForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		local := voter("n1")
		local.Expect = 1
		w.start(t, local)
		synctest.Wait()
		w.expect(t, 0, "n1/i-n1 voter@n1:7701")

		w = newWorld()
		w.start(t, local, func(c *Config) { c.Settle = 5 * time.Second })
		<-time.After(4 * time.Second)
		if w.founded() > 0 {
			t.Error("it did not look for others first")
		}
		w.expect(t, 2*time.Second, "n1/i-n1 voter@n1:7701")
	})
}

func TestAFourthNodeStaysANonvoter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		three(t, w)
		joiner := voter("n0")
		joiner.Expect = 7 // whatever it expects, it joins
		w.start(t, joiner)
		w.expect(t, soon, "n0/i-n0 nonvoter@n0:7701", "n1/i-n1 voter@n1:7701", "n2/i-n2 voter@n2:7701", "n3/i-n3 voter@n3:7701")
	})
}

func TestAChangedAddressIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		n1, _, n3 := three(t, w)
		n3.kill(gossip.StatusDead)
		moved := n3.said()
		moved.RaftAddr = "elsewhere:7701"
		w.start(t, moved)
		w.expect(t, soon, "n1/i-n1 voter@n1:7701", "n2/i-n2 voter@n2:7701", "n3/i-n3 voter@elsewhere:7701")
		if addr, err := n1.m.config.Book.ServerAddr("n3/i-n3"); addr != "n3/i-n3@elsewhere:7701" || err != nil {
			t.Errorf("the transport would dial %s, %v", addr, err)
		}
	})
}

func TestSwappedAddressesAreFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		_, n2, n3 := three(t, w)
		n2.kill(gossip.StatusDead)
		n3.kill(gossip.StatusDead)
		a, b := n2.local, n3.said()
		a.RaftAddr, b.RaftAddr = b.RaftAddr, a.RaftAddr
		w.start(t, a)
		w.start(t, b)
		w.expect(t, soon, "n1/i-n1 voter@n1:7701", "n2/i-n2 voter@n3:7701", "n3/i-n3 voter@n2:7701")
	})
}

func TestAWipedDiskIsAnotherServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		_, _, n3 := three(t, w)
		n3.kill(gossip.StatusDead)
		wiped := voter("n3")
		wiped.Incarnation = "after"
		w.start(t, wiped)
		<-time.After(replaceAfter - time.Second)
		if slices.Contains(w.members(t), "n3/after nonvoter@n3:7701") {
			t.Error("it was replaced before the old one was silent for long enough")
		}
		w.expect(t, soon, "n1/i-n1 voter@n1:7701", "n2/i-n2 voter@n2:7701", "n3/after voter@n3:7701")
	})
}

func TestASecondNodeOfTheSameNameIsRefused(t *testing.T) {
	for _, name := range []string{"n1", "n3"} { // the leader's and a follower's
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			n1, n2, n3 := three(t, w)
			second := voter(name)
			second.Incarnation, second.RaftAddr = "second", "other:7701"
			twin := w.start(t, second)
			err := <-twin.refused
			if !errors.Is(err, ErrNameTaken) || !strings.Contains(err.Error(), name+":7701") {
				t.Errorf("got %v", err)
			}
			w.expect(t, soon, "n1/i-n1 voter@n1:7701", "n2/i-n2 voter@n2:7701", "n3/i-n3 voter@n3:7701")
			for _, n := range []*node{n1, n2, n3} {
				if len(n.refused) > 0 {
					t.Errorf("%s was refused: %v", n.id(), <-n.refused)
				}
			}
		})
	}
}

func TestTheLaterOfTwoFreshNodesOfOneNameIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		first := w.start(t, voter("n1"))
		<-time.After(time.Second)
		local := voter("n1")
		local.Incarnation, local.RaftAddr = "a-lower-one", "other:7701"
		second := w.start(t, local)
		if err := <-second.refused; !errors.Is(err, ErrNameTaken) {
			t.Errorf("got %v", err)
		}
		if len(first.refused) > 0 {
			t.Errorf("the first was refused: %v", <-first.refused)
		}
	})
}

func TestWhoSleptThroughItsReplacementIsDismissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		_, _, n3 := three(t, w)
		n3.kill(gossip.StatusDead) // stopped, rather
		wiped := voter("n3")
		wiped.Incarnation, wiped.RaftAddr = "after", "other:7701"
		heir := w.start(t, wiped)
		w.expect(t, 2*soon, "n1/i-n1 voter@n1:7701", "n2/i-n2 voter@n2:7701", "n3/after voter@other:7701")
		n3.wake(t)
		if err := <-n3.refused; !errors.Is(err, ErrRemoved) {
			t.Errorf("the old one: %v", err)
		}
		if len(heir.refused) > 0 {
			t.Errorf("the new one: %v", <-heir.refused)
		}
	})
}

func TestADeadVoterMakesRoomAfterAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		_, _, n3 := three(t, w)
		w.start(t, voter("n4"))
		n3.kill(gossip.StatusDead)
		w.expect(t, 59*time.Minute, "n1/i-n1 voter@n1:7701", "n2/i-n2 voter@n2:7701", "n3/i-n3 voter@n3:7701", "n4/i-n4 nonvoter@n4:7701")
		w.expect(t, 2*time.Minute, "n1/i-n1 voter@n1:7701", "n2/i-n2 voter@n2:7701", "n4/i-n4 voter@n4:7701")
	})
}

func TestWhoLeftStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		_, _, n3 := three(t, w, func(c *Config) { c.Expect, c.DeadNodeAfter = 3, time.Minute })
		w.start(t, voter("n4"))
		n3.kill(gossip.StatusLeft)
		w.expect(t, time.Hour, "n1/i-n1 voter@n1:7701", "n2/i-n2 voter@n2:7701", "n3/i-n3 voter@n3:7701", "n4/i-n4 nonvoter@n4:7701")
	})
}

func TestANodeThatBecomesAnEdgeLosesItsVote(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		n1, _, _ := three(t, w)
		n1.kill(gossip.StatusDead)
		edge := n1.said()
		edge.Role = roleEdge
		back := w.start(t, edge)
		w.lead(back)
		w.expect(t, soon, "n1/i-n1 nonvoter@n1:7701", "n2/i-n2 voter@n2:7701", "n3/i-n3 voter@n3:7701")
	})
}

func TestANodeOfAnotherClusterStaysOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		n1, _, _ := three(t, w)
		stranger := voter("n9")
		stranger.ClusterID, stranger.Fresh = "another", false
		n9 := w.start(t, stranger)
		undecided := w.start(t, voter("n8")) // sees both
		w.expect(t, soon, "n1/i-n1 voter@n1:7701", "n2/i-n2 voter@n2:7701", "n3/i-n3 voter@n3:7701")
		if n9.said().ClusterID != "another" || undecided.said().ClusterID != "" {
			t.Errorf("n9 is in %q, n8 in %q; own %s", n9.said().ClusterID, undecided.said().ClusterID, n1.said().ClusterID)
		}
	})
}
