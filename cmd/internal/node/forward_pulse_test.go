package node

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestAPulseIsAsOldAsItIs: what a pulse says of its age must hold even if the
// follower did not run while it lay in a buffer, or the leader before it sent.
func TestAPulseIsAsOldAsItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := newMemStreams()
		leader := newHandBackend()
		var since []time.Time
		resume := make(chan struct{}, 8)
		f := newForwarder(near, func(_ []byte, at time.Time) ([]byte, error) {
			<-resume
			since = append(since, at)
			return []byte("ack"), nil
		})
		ended := make(chan error, 2)
		go func() { ended <- f.Run(t.Context()) }()
		go func() { ended <- serveForward(t.Context(), "n2/00", far, leader) }()
		synctest.Wait()
		pulse := func() {
			leader.pulse([]byte("p"))
			synctest.Wait()
		}
		began := time.Now()
		resume <- struct{}{}
		pulse() // nothing came back yet: of unknown age
		resume <- struct{}{}
		pulse()
		for range 3 { // the follower stands still for 1.5 s
			pass(500 * time.Millisecond)
			pulse()
		}
		resume <- struct{}{}
		resume <- struct{}{}
		resume <- struct{}{}
		synctest.Wait()
		resume <- struct{}{}
		pulse()
		want := []time.Time{{}, began, began, began, began, time.Now()}
		if len(since) != len(want) {
			t.Fatalf("%d pulses came, want %d", len(since), len(want))
		}
		for i, at := range want {
			if !since[i].Equal(at) {
				t.Errorf("pulse %d was said to be sent after %v, want %v", i, since[i].Sub(began), at.Sub(began))
			}
		}
		_ = far.Close()
		<-ended
		<-ended
	})
}

func TestAckTimesForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a ackTimes
		for range 100 {
			a.next()
			pass(time.Millisecond)
		}
		for id, known := range map[uint64]bool{0: false, 36: false, 37: true, 100: true, 101: false} {
			if got := a.at(id); got.IsZero() == known {
				t.Errorf("ack %d: %v", id, got)
			}
		}
		if age := time.Since(a.at(37)); age != 64*time.Millisecond {
			t.Errorf("ack 37 is %v old", age)
		}
	})
}

func TestHorizon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h horizon
		if _, known := h.staleness(1 << 40); known {
			t.Error("no word was said")
		}
		for i := range uint64(200) { // this node applies nothing for 10 s
			h.said(time.Now(), 100+i)
			pass(50 * time.Millisecond)
		}
		if len(h.waiting) > 64 {
			t.Errorf("%d words are kept", len(h.waiting))
		}
		if _, known := h.staleness(99); known {
			t.Error("no word was reached")
		}
		if age, known := h.staleness(100); !known || age != 10*time.Second {
			t.Errorf("at the first word: %v, %v", age, known)
		}
		half, _ := h.staleness(200)
		if half < 5*time.Second || half > 7*time.Second {
			t.Errorf("in the middle: %v", half)
		}
		if age, _ := h.staleness(299); age != 50*time.Millisecond {
			t.Errorf("at the last: %v", age)
		}
		h.said(time.Now(), 250) // the next leader's first word, behind what the old one committed
		if age, _ := h.staleness(299); age != 0 {
			t.Errorf("after the next leader's word: %v", age)
		}
	})
}
