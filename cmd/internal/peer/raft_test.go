package peer

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// transport runs Raft's own transport over a port and answers what it receives.
func transport(t *testing.T, p *Port) *raft.NetworkTransport {
	trans := raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream:  p.RaftLayer(),
		MaxPool: 2,
		Timeout: time.Second,
		Logger:  hclog.NewNullLogger(),
	})
	done := make(chan struct{})
	go func() {
		for {
			select {
			case rpc := <-trans.Consumer():
				rpc.Respond(&raft.AppendEntriesResponse{Success: true, LastLog: 7}, nil)
			case <-done:
				return
			}
		}
	}()
	t.Cleanup(func() {
		close(done)
		if err := trans.Close(); err != nil {
			t.Error(err)
		}
	})
	return trans
}

func appendEntries(trans *raft.NetworkTransport, to *Port, id Identity) error {
	target := raft.ServerAddress(RaftAddress(id.ServerID(), to.Addr()))
	var resp raft.AppendEntriesResponse
	err := trans.AppendEntries(raft.ServerID(id.ServerID()), target, &raft.AppendEntriesRequest{Term: 1}, &resp)
	if err == nil && resp.LastLog != 7 {
		return errors.New("another answer than was given")
	}
	return err
}

func TestRaftTransport(t *testing.T) {
	_, n1, n2 := pair(t)
	from := transport(t, n1)
	transport(t, n2)
	if want := identity("n1").ServerID() + "@" + n1.Addr(); string(from.LocalAddr()) != want {
		t.Errorf("local address %s, want %s", from.LocalAddr(), want)
	}
	for range 3 {
		if err := appendEntries(from, n2, identity("n2")); err != nil {
			t.Fatal(err)
		}
	}
	if open := n2.raft.conns.len(); open != 1 {
		t.Errorf("%d connections for three calls in a row", open)
	}
	wiped := Identity{Node: "n2", Incarnation: "before"}
	if err := appendEntries(from, n2, wiped); err == nil || !strings.Contains(err.Error(), "n2/before") {
		t.Errorf("the incarnation before: %v", err)
	}
}

func TestRaftIsRefused(t *testing.T) {
	m, n1, n2 := pair(t)
	address := raft.ServerAddress(RaftAddress(identity("n2").ServerID(), n2.Addr()))
	dial := func(p *Port) error {
		conn, err := p.RaftLayer().Dial(address, time.Second)
		if err == nil {
			_ = conn.Close()
		}
		return err
	}
	if err := dial(n1); err == nil || !strings.Contains(err.Error(), "does not run") {
		t.Errorf("before Raft runs there: %v", err)
	}
	n2.RaftLayer()
	fresh := open(t, m.Host("h3"), Identity{Node: "n3", Incarnation: "x"})
	if err := dial(fresh); err == nil || !strings.Contains(err.Error(), "no cluster") {
		t.Errorf("without a cluster: %v", err)
	}
	foreign := open(t, m.Host("h4"), Identity{Node: "n4", Incarnation: "x", ClusterID: "other"})
	if err := dial(foreign); err == nil || !strings.Contains(err.Error(), "other") {
		t.Errorf("of another cluster: %v", err)
	}
	if _, err := n1.RaftLayer().Dial("h2:1", time.Second); err == nil {
		t.Error("dialled an address that names no server")
	}
}

func TestDropRaft(t *testing.T) {
	_, n1, n2 := pair(t)
	from := transport(t, n1)
	transport(t, n2)
	n2.HandleCall("echo", echoCall)
	call := func() error { return appendEntries(from, n2, identity("n2")) }
	if err := call(); err != nil {
		t.Fatal(err)
	}
	n2.DropRaft(true)
	for range 2 { // over the pooled connection, then over a new one
		if err := call(); err == nil {
			t.Error("Raft is answered while its traffic is dropped")
		}
	}
	if _, err := n2.RaftLayer().Dial("n1/x@h1:1", time.Second); !errors.Is(err, ErrRaftDropped) {
		t.Errorf("dials while it drops: %v", err)
	}
	if err := n1.Call(t.Context(), n2.Addr(), "", "echo", 1, nil); err != nil {
		t.Errorf("calls are not Raft's: %v", err)
	}
	n2.DropRaft(false)
	if err := call(); err != nil {
		t.Errorf("after the drop: %v", err)
	}
}

func TestRaftLayerCloseEndsAccept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, n1, n2 := pair(t)
		layer := n1.RaftLayer()
		ended := make(chan error)
		go func() {
			_, err := layer.Accept()
			ended <- err
		}()
		synctest.Wait()
		if err := layer.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; !errors.Is(err, ErrClosed) {
			t.Errorf("got %v", err)
		}
		if _, err := layer.Dial("n2/x@h2:1", time.Second); !errors.Is(err, ErrClosed) {
			t.Errorf("dial: %v", err)
		}
		n1.HandleCall("echo", echoCall)
		if err := n2.Call(t.Context(), n1.Addr(), "", "echo", 1, nil); err != nil {
			t.Errorf("the port was closed with the layer: %v", err)
		}
	})
}

func TestRaftConnectionsThatNobodyAcceptsAreClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, n1, n2 := pair(t)
		n2.RaftLayer()
		address := raft.ServerAddress(RaftAddress(identity("n2").ServerID(), n2.Addr()))
		conn, err := n1.RaftLayer().Dial(address, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("got %v", err)
		}
	})
}
