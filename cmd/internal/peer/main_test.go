package peer

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const cluster = "c1"

func identity(node string) Identity {
	return Identity{Node: node, Incarnation: "00000000000000" + node, ClusterID: cluster}
}

// open opens a port of node on the network and closes it with the test.
func open(t testing.TB, network Network, id Identity) *Port {
	t.Helper()
	p, err := Open(Config{
		Network:  network,
		Addr:     "127.0.0.1:0",
		Identity: func() Identity { return id },
		Logger:   slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// pair opens two ports in one memory network.
func pair(t testing.TB) (*Memory, *Port, *Port) {
	m := NewMemory()
	return m, open(t, m.Host("h1"), identity("n1")), open(t, m.Host("h2"), identity("n2"))
}

// echo answers every frame with itself.
func echo(_ Identity, s *Stream) {
	for {
		typ, id, payload, err := s.Read()
		if err != nil || s.Write(typ, id, payload) != nil {
			return
		}
	}
}

func echoCall(_ context.Context, from Identity, body []byte) (any, error) {
	return map[string]any{"from": from.ServerID(), "body": json.RawMessage(body)}, nil
}

// raw is a connection that says what the test tells it to.
func raw(t testing.TB, network Network, addr string) net.Conn {
	t.Helper()
	conn, err := network.Dial(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}
