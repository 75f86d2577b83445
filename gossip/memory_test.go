package gossip

import (
	"testing"
	"testing/synctest"
	"time"
)

// arrives sends a packet and tells whether it came.
func arrives(from, to *MemoryTransport) bool {
	_, _ = from.WriteTo([]byte("x"), to.addr.String())
	select {
	case <-to.PacketCh():
		return true
	default:
		return false
	}
}

func TestMemoryLosesPackets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory()
		a, b := m.Transport(addr(1)), m.Transport(addr(2))
		m.CutOneWay(addr(1), addr(2))
		if arrives(a, b) || !arrives(b, a) {
			t.Error("a cut one way is none, or cuts both")
		}
		if conn, err := b.DialTimeout(addr(1), time.Second); err == nil {
			conn.Close()
			t.Error("dialled, though no answer can come")
		}
		m.Heal(addr(1), addr(2))
		m.Lose(func(from, _ string) bool { return from == addr(2) })
		if !arrives(a, b) || arrives(b, a) {
			t.Error("other packets were lost than were to be")
		}
		m.Lose(nil)
		if !arrives(b, a) {
			t.Error("a packet was lost, though none was to be")
		}
	})
}
