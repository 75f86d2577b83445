package node

import (
	"bytes"
	"testing"
)

// FuzzPulse reads what a peer may send for a pulse and for its answer: refused, or
// exactly what would be sent.
func FuzzPulse(f *testing.F) {
	f.Add(pulse{N: 1, Term: 2, SpaceLow: 1}.pack())
	f.Add(pulseAck{N: 1, Applied: 3}.pack())
	f.Fuzz(func(t *testing.T, b []byte) {
		var p pulse
		if err := p.unpack(b); err == nil && !bytes.Equal(p.pack(), b) {
			t.Errorf("%x is %+v", b, p)
		}
		var a pulseAck
		if err := a.unpack(b); err == nil && !bytes.Equal(a.pack(), b) {
			t.Errorf("%x is %+v", b, a)
		}
	})
}
