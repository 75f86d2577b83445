package membership

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/peer"
	"github.com/seed-b4c92e43/rollcall/gossip"
	"github.com/seed-b4c92e43/rollcall/raftstore"
)

// What membership asks for is what these give.
var (
	_ Store  = (*raftstore.Store)(nil)
	_ Gossip = (*gossip.Gossip)(nil)
	_ Dir    = (*raftstore.Dir)(nil)
	_ Peers  = (*peer.Port)(nil)
)

func TestConfigIsChecked(t *testing.T) {
	n := &node{w: newWorld(), local: voter("n1"), handlers: map[string]peer.CallHandler{}}
	good := Config{
		Store: fakeStore{n}, Dir: fakeDir{n}, Gossip: fakeGossip{n}, Peers: fakePeers{n},
		RaftAddr: "n1:1", Expect: 1, Contact: n.contact, OnRefused: n.refuse,
	}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Config){
		"no store":    func(c *Config) { c.Store = nil },
		"no contact":  func(c *Config) { c.Contact = nil },
		"no address":  func(c *Config) { c.RaftAddr = "" },
		"expect 0":    func(c *Config) { c.Expect = 0 },
		"four voters": func(c *Config) { c.MaxVoters = 4 },
	} {
		bad := good
		spoil(&bad)
		if _, err := New(bad); err == nil {
			t.Errorf("%s: passed", name)
		}
	}
}

func TestComplaintsNameWhatIsWrongOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var log bytes.Buffer // written by Run alone, read after it ended
		n1 := w.start(t, voter("n1"), func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		other := voter("n2")
		other.Expect = 5
		w.start(t, other)
		for _, cluster := range []string{"blue", "green"} {
			stranger := voter(cluster)
			stranger.ClusterID, stranger.Fresh = cluster, false
			w.start(t, stranger)
		}
		<-time.After(90 * time.Second)
		n1.stop()
		for what, part := range map[string]string{
			"an expectation that differs": "node=n2 expects=5 this_node_expects=3",
			"two clusters":                `seen="[blue green]" strangers="[blue at blue:7701: blue green at green:7701: green]"`,
		} {
			if got := strings.Count(log.String(), part); got != 2 {
				t.Errorf("%s: told %d times in 90 s\n%s", what, got, log.String())
			}
		}
	})
}

func TestAddressBook(t *testing.T) {
	book := NewAddressBook()
	if _, err := book.ServerAddr("n1/a"); err == nil {
		t.Error("an empty book knows an address")
	}
	process := func(incarnation, addr, status string, started int64) gossip.Member {
		return gossip.Member{Local: gossip.Local{Node: "n1", Incarnation: incarnation, RaftAddr: addr}, Status: status, Started: started}
	}
	book.Refresh(
		[]gossip.Member{
			process("a", "new:1", gossip.StatusAlive, 2), process("a", "old:1", gossip.StatusDead, 1),
			process("a", "odd:1", gossip.StatusDead, 9), // a clock that was ahead
			process("b", "gone:1", gossip.StatusDead, 1),
		},
		[]raftstore.Server{{ID: "n1/a", Addr: "configured:1"}, {ID: "n2/a", Addr: "configured:2"}})
	for id, want := range map[string]string{"n1/a": "new:1", "n1/b": "gone:1", "n2/a": "configured:2"} {
		if got, ok := book.Addr(id); got != want || !ok {
			t.Errorf("%s is at %q, want %q", id, got, want)
		}
	}
}
