package node

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// backup takes one with all that was acknowledged.
func (c *cluster) backup(r *running) []byte {
	c.t.Helper()
	return c.must(r, "GET", wire.PathSnapshot+"?consistency=linearizable", nil, 200).body
}

// upload sends a backup to be restored.
func (c *cluster) upload(host, query string, backup []byte) (answer, error) {
	req, err := http.NewRequest("POST", "http://"+host+":7700"+wire.PathRestore+query, bytes.NewReader(backup))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", wire.TypeBackup)
	resp, err := c.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, b}, err
}

func (c *cluster) restore(r *running, query string, backup []byte) (got wire.Restored) {
	c.t.Helper()
	a, err := c.upload(r.host, query, backup)
	if err != nil || a.status != 200 {
		c.t.Fatalf("restore on %s: %d %s, %v", r.name, a.status, a.body, err)
	}
	a.into(c.t, &got)
	return got
}

// refuses sends what must not be restored.
func (c *cluster) refuses(r *running, backup []byte, status int, field string) {
	c.t.Helper()
	a, err := c.upload(r.host, "", backup)
	if err != nil {
		c.t.Fatal(err)
	}
	var p wire.Problem
	a.into(c.t, &p)
	if a.status != status || p.Field != field {
		c.t.Errorf("restore on %s: %d %+v, want %d with field %q", r.name, a.status, p, status, field)
	}
}

func (c *cluster) mail(r *running, to string) (m wire.Sent) {
	c.t.Helper()
	c.must(r, "POST", "/v1/mailboxes/"+to+"/messages", map[string]any{"body": "hello"}, 201).into(c.t, &m)
	return m
}

func (c *cluster) revision(r *running) (revision uint64) {
	r.store.View(func(replica *registry.Replica, _ time.Duration) { revision = replica.Revision() })
	return revision
}

// agree waits until all nodes have the state of the leader, and compares them.
func (c *cluster) agree() {
	c.t.Helper()
	see := func(r *running) (digest, index uint64) {
		r.store.View(func(replica *registry.Replica, _ time.Duration) { digest, index = replica.Digest(), replica.Index() })
		return digest, index
	}
	for range 100 {
		digest, index := see(c.leader())
		differ := false
		for _, r := range c.nodes {
			d, i := see(r)
			if i == index && d != digest {
				c.t.Fatalf("%s has another state at entry %d", r.name, i)
			}
			differ = differ || i != index
		}
		if !differ {
			return
		}
		pass(20 * time.Millisecond)
	}
	c.t.Error("the nodes do not come to one index")
}

func TestABackupIsRestoredThroughAnyNode(t *testing.T) {
	bubble(t, func(c *cluster) {
		c.three()
		const ttl = 4 * time.Second
		keeps, gone := c.grant(c.leader(), "keeps", ttl), c.grant(c.leader(), "gone", ttl)
		c.renew(c.leader(), "keeps", keeps.Epoch, 3)
		first := c.mail(c.leader(), "keeps")
		backup := c.backup(c.follower())
		c.must(c.leader(), "DELETE", "/v1/leases/gone?evict=true", nil, 200)
		later := c.grant(c.leader(), "later", ttl)
		lost := c.mail(c.leader(), "keeps")
		last, seq := uint64(0), uint64(4)
		for range 2 {
			via := c.follower()
			c.agree()
			before := c.revision(via)
			waiting := make(chan answer, 1)
			go func() {
				a, _ := c.do(via, "GET", fmt.Sprintf("/v1/watch?wait_ms=15000&after=%d", before), nil)
				waiting <- a
			}()
			c.renew(via, "keeps", keeps.Epoch, seq)
			got := c.restore(via, "", backup)
			restored := time.Now()
			if floor := uint64(restored.Add(-time.Second).UnixMilli()) * 2048; got.Revision <= max(before, last) || got.Revision < floor {
				t.Errorf("revision %d after %d and %d, want at least %d", got.Revision, before, last, floor)
			}
			last = got.Revision
			if a := <-waiting; a.status != 410 {
				t.Errorf("a watch of before: %d %s", a.status, a.body)
			}
			c.must(via, "GET", fmt.Sprintf("/v1/watch?wait_ms=0&after=%d", before), nil, 410)
			if l := c.state(via, "gone"); l.State != "alive" || l.Epoch != gone.Epoch {
				t.Errorf("who was alive in the backup is %+v", l)
			}
			c.must(via, "POST", "/v1/leases/later/heartbeat", wire.Heartbeat{Epoch: later.Epoch, Seq: 1}, 404)
			var page wire.MessagesPage
			c.must(via, "GET", "/v1/mailboxes/keeps/messages", nil, 200).into(t, &page)
			if len(page.Messages) != 1 || page.Messages[0].ID != first.ID || page.Messages[0].Offset != first.Offset {
				t.Errorf("mail after the restore: %+v", page)
			}
			for time.Since(restored) < ttl-600*time.Millisecond {
				seq++
				if got := c.renew(via, "keeps", keeps.Epoch, seq); got.Duplicate {
					t.Errorf("a renewal of after the backup is a duplicate: %+v", got)
				}
				pass(500 * time.Millisecond)
			}
			if l := c.state(c.leader(), "gone"); l.State != "alive" {
				t.Errorf("buried %v after the restore: %+v", time.Since(restored), l.Certificate)
			}
			pass(ttl + 400*time.Millisecond - time.Since(restored))
			if l := c.state(c.leader(), "gone"); l.State != "expired" {
				t.Errorf("silent for longer than its TTL since the restore: %+v", l)
			}
			if l := c.state(c.leader(), "keeps"); l.State != "alive" {
				t.Errorf("who renewed all the time: %+v", l)
			}
			if m := c.mail(via, "keeps"); m.Offset <= lost.Offset || m.Offset <= before {
				t.Errorf("offset %d was given before", m.Offset)
			}
			if g := c.grant(via, fmt.Sprint("new-", last), ttl); g.Epoch <= last {
				t.Errorf("epoch %d after revision %d", g.Epoch, last)
			}
			c.agree()
		}
	})
}

// TestANodeThatWasAwayGetsTheRestoredState: with its old log, and with none.
func TestANodeThatWasAwayGetsTheRestoredState(t *testing.T) {
	bubble(t, func(c *cluster) {
		c.three()
		c.grant(c.leader(), "old", time.Hour)
		backup := c.backup(c.leader())
		away := c.follower()
		c.grant(c.leader(), "new", time.Hour)
		pass(time.Second)
		c.kill(away)
		c.restore(c.follower(), "", backup)
		c.grant(c.leader(), "after", time.Hour)
		again := c.start(int(away.name[1]-'0'), 3)
		c.ready()
		c.agree()
		c.must(again, "GET", "/v1/leases/new", nil, 404)
		c.must(again, "GET", "/v1/leases/after", nil, 200)
		for _, r := range c.nodes {
			c.kill(r)
		}
		c.three()
		c.agree()
		c.must(c.leader(), "GET", "/v1/leases/old", nil, 200)
	})
}

// TestARestoreAmidAFailover happens on all nodes or on none, whenever the leader
// goes; and the nodes stay one cluster.
func TestARestoreAmidAFailover(t *testing.T) {
	for _, after := range []time.Duration{0, 2, 5, 10, 20, 40} {
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			bubble(t, func(c *cluster) {
				c.three()
				c.grant(c.leader(), "old", time.Hour)
				backup := c.backup(c.leader())
				c.grant(c.leader(), "new", time.Hour)
				via, leader := c.follower(), c.leader()
				done := make(chan answer, 1)
				go func() {
					a, err := c.upload(via.host, "", backup)
					if err != nil {
						t.Error(err)
					}
					done <- a
				}()
				pass(after * time.Millisecond)
				c.kill(leader)
				a := <-done
				if a.status != 200 && a.status != 503 {
					t.Errorf("%d %s", a.status, a.body)
				}
				c.start(int(leader.name[1]-'0'), 3)
				c.ready()
				c.agree()
				got := c.must(c.leader(), "GET", "/v1/leases/old", nil, 200)
				if n, _ := c.do(c.leader(), "GET", "/v1/leases/new", nil); a.status == 200 && n.status != 404 {
					t.Errorf("restored, and what came after the backup is there: %d %s", n.status, got.body)
				}
				c.restore(c.follower(), "", backup)
				c.agree()
			})
		})
	}
}

func TestWhatMustNotBeRestored(t *testing.T) {
	bubble(t, func(c *cluster) {
		other := c.startAt("x1", "10.0.5.1", Config{BootstrapExpect: 1, Join: []string{"10.0.5.1:7702"}})
		c.ready()
		theirs := c.grant(other, "theirs", time.Hour)
		foreign := c.backup(other)
		other.halt(t)
		delete(c.nodes, other.name)
		c.three()
		c.grant(c.leader(), "ours", time.Hour)
		backup := c.backup(c.leader())
		before := c.revision(c.leader())
		bad := bytes.Clone(backup)
		bad[len(bad)/2] ^= 1
		for _, b := range [][]byte{nil, []byte("nothing"), backup[:len(backup)-1], bad, append(bytes.Clone(backup), 0)} {
			c.refuses(c.follower(), b, 400, "body")
		}
		c.refuses(c.leader(), foreign, 400, "force")
		if after := c.revision(c.leader()); after != before {
			t.Errorf("revision %d after nothing was restored, want %d", after, before)
		}
		c.restore(c.follower(), "?force=true", foreign)
		for _, r := range c.nodes {
			if l := c.state(r, "theirs"); l.Epoch != theirs.Epoch || l.State != "alive" {
				t.Errorf("on %s: %+v", r.name, l)
			}
			c.must(r, "GET", "/v1/leases/ours", nil, 404)
		}
		c.renew(c.follower(), "theirs", theirs.Epoch, 1)
	})
}

func TestAMinorityMakesBackupsAndRestoresNone(t *testing.T) {
	bubble(t, func(c *cluster) {
		c.three()
		c.grant(c.leader(), "web-1", time.Hour)
		last := c.follower()
		pass(time.Second)
		for _, r := range c.nodes {
			if r != last {
				c.kill(r)
			}
		}
		pass(5 * time.Second)
		backup := c.must(last, "GET", wire.PathSnapshot, nil, 200).body
		c.must(last, "GET", wire.PathSnapshot+"?consistency=leader", nil, 503)
		c.refuses(last, backup, 503, "")
	})
}
