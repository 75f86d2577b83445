package node

import (
	"context"
	"net"
	"testing"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/peer"
)

// askedListener does something when it is asked for its address: while the
// node that it belongs to is being opened.
type askedListener struct {
	net.Listener
	asked func()
}

func (l *askedListener) Addr() net.Addr {
	l.asked()
	return l.Listener.Addr()
}

// TestAFollowerThatDialsAnOpeningNode: who was leader a moment ago is dialled as
// soon as its port is there. It must not serve before all its parts are.
func TestAFollowerThatDialsAnOpeningNode(t *testing.T) {
	bubble(t, func(c *cluster) {
		first := c.startAt("n1", host(1), Config{BootstrapExpect: 1, Join: []string{}})
		c.ready()
		follower := peer.Identity{Node: "n9", Incarnation: "0123456789abcdef", ClusterID: first.dir.Identity().ClusterID}
		c.kill(first)

		port, err := peer.Open(peer.Config{
			Network: c.peers.Host(host(9)), Addr: host(9) + ":7701", Identity: func() peer.Identity { return follower },
		})
		if err != nil {
			t.Fatal(err)
		}
		defer port.Close()
		listener, err := c.peers.Host(host(1)).Listen(host(1) + ":7700")
		if err != nil {
			t.Fatal(err)
		}
		dialled := 0
		early := &askedListener{listener, func() {
			dialled++
			stream, err := port.DialStream(c.t.Context(), host(1)+":7701", first.serverID)
			if err != nil {
				return
			}
			defer stream.Close()
			_ = stream.Write(frameBatch, 1, appendBatch(nil, nil))
			ctx, cancel := context.WithTimeout(c.t.Context(), patience)
			defer cancel()
			select {
			case <-stream.Done():
			case <-ctx.Done():
			}
		}}
		c.startAt("n1", host(1), Config{BootstrapExpect: 1, Join: []string{}, HTTPListener: early})
		c.ready()
		if dialled == 0 {
			t.Error("nobody dialled while the node opened")
		}
	})
}
