package node

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/raftstore"
)

func (c *cluster) dataDir(name string) string { return filepath.Join(c.dir, name) }

func (c *cluster) openRecovery(name string) (*Recovery, error) {
	return OpenRecovery(c.t.Context(), c.dataDir(name), c.peers.Host("10.0.9.8"))
}

// TestALostMajorityIsRecovered: one disk of three is left. Its node serves alone,
// and two others join with empty ones under their old names.
func TestALostMajorityIsRecovered(t *testing.T) {
	bubble(t, func(c *cluster) {
		c.three()
		g := c.grant(c.leader(), "web-1", 30*time.Second) // a node that is cut off may take 5 s to be killed
		m := c.mail(c.leader(), "web-1")
		pass(time.Second)
		before := c.revision(c.leader())
		var old wire.Cluster
		c.must(c.leader(), "GET", wire.PathCluster, nil, 200).into(t, &old)
		for _, r := range c.nodes {
			c.kill(r)
		}
		for _, lost := range []string{"n2", "n3"} {
			if err := os.RemoveAll(c.dataDir(lost)); err != nil {
				t.Fatal(err)
			}
		}
		pass(time.Minute)
		r, err := c.openRecovery("n1")
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Voters) != 3 || len(r.Answers) != 0 || r.Info().Leases != 1 || r.Info().Messages != 1 {
			t.Errorf("it says %+v %v %v", r.Info(), r.Voters, r.Answers)
		}
		id, err := r.Commit()
		if err := errors.Join(err, r.Close()); err != nil {
			t.Fatal(err)
		}
		n1 := c.start(1, 3)
		c.ready()
		began := time.Now()
		var now wire.Cluster
		c.must(n1, "GET", wire.PathCluster, nil, 200).into(t, &now)
		if now.ClusterID != id || now.ClusterID == old.ClusterID || len(now.Nodes) != 1 || now.Revision <= before {
			t.Errorf("recovered: %+v, was %+v", now, old)
		}
		c.must(n1, "GET", fmt.Sprintf("/v1/watch?wait_ms=0&after=%d", before), nil, 410)
		c.renew(n1, "web-1", g.Epoch, 1)
		if again := c.mail(n1, "web-1"); again.Offset <= m.Offset || again.Offset <= before {
			t.Errorf("offset %d again", again.Offset)
		}
		c.start(2, 3)
		c.start(3, 3)
		c.ready()
		for i := range 20 {
			c.renew(c.leader(), "web-1", g.Epoch, uint64(i)+2)
			pass(time.Second)
			if n1.voters() == 3 {
				break
			}
		}
		if n1.voters() != 3 {
			t.Errorf("%d voters %v after the recovery", n1.voters(), time.Since(began))
		}
		c.ready()
		c.agree()
		c.kill(c.leader())
		if l := c.state(c.leader(), "web-1"); l.State != "alive" || l.Epoch != g.Epoch {
			t.Errorf("after a failover: %+v", l)
		}
	})
}

// TestRecoveryIsRefusedWhereItIsNotNeeded: while a majority can be had, on the
// only voter, and on one that does not vote.
func TestRecoveryIsRefusedWhereItIsNotNeeded(t *testing.T) {
	bubble(t, func(c *cluster) {
		c.three()
		edge := c.startAt("edge", "10.0.0.8", Config{BootstrapExpect: 3, Edge: true})
		c.ready()
		c.grant(edge, "web-1", time.Hour)
		if _, err := c.openRecovery("n2"); !errors.Is(err, raftstore.ErrInUse) {
			t.Errorf("while it runs: %v", err)
		}
		stopped := c.follower()
		for stopped.name == "edge" {
			stopped = c.follower()
		}
		pass(time.Second)
		c.kill(edge)
		c.kill(stopped)
		for _, name := range []string{stopped.name, "edge"} {
			if _, err := c.openRecovery(name); !errors.Is(err, ErrNotRecovered) {
				t.Errorf("%s: %v", name, err)
			}
		}
		c.startAt(stopped.name, stopped.host, Config{BootstrapExpect: 3}) // a refusal changes nothing
		c.ready()

		only := c.startAt("x1", "10.0.5.1", Config{BootstrapExpect: 1, Join: []string{"10.0.5.1:7702"}})
		c.ready()
		only.halt(t)
		delete(c.nodes, only.name)
		if _, err := c.openRecovery("x1"); !errors.Is(err, ErrNotRecovered) {
			t.Errorf("the only voter: %v", err)
		}
	})
}

// TestTheLostDoNotComeBack: nodes of before, whose disks are found again after
// all, stay away from the cluster that was made without them.
func TestTheLostDoNotComeBack(t *testing.T) {
	bubble(t, func(c *cluster) {
		c.three()
		g := c.grant(c.leader(), "web-1", time.Hour)
		pass(time.Second)
		for _, r := range c.nodes {
			c.kill(r)
		}
		r, err := c.openRecovery("n1")
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.Commit()
		if err := errors.Join(err, r.Close()); err != nil {
			t.Fatal(err)
		}
		n1 := c.start(1, 3)
		c.ready()
		n2 := c.start(2, 3)
		pass(time.Minute)
		if n1.voters() != 1 || n2.Status().Ready == nil {
			t.Errorf("%d voters; the lost one is ready: %v", n1.voters(), n2.Status().Ready)
		}
		if l := c.state(n1, "web-1"); l.Epoch != g.Epoch {
			t.Errorf("%+v", l)
		}
		c.must(n2, "PUT", "/v1/leases/web-2", wire.Registration{}, 503)
	})
}
