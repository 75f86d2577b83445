package peer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestStreamEchoes(t *testing.T) {
	for name, network := range map[string]Network{"tcp": TCP{}, "memory": NewMemory().Host("h")} {
		t.Run(name, func(t *testing.T) {
			n1, n2 := open(t, network, identity("n1")), open(t, network, identity("n2"))
			n2.HandleStream(echo)
			s, err := n1.DialStream(t.Context(), n2.Addr(), identity("n2").ServerID())
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if s.From() != identity("n2") {
				t.Errorf("from %+v", s.From())
			}
			writeConcurrently(t, s)
		})
	}
}

// writeConcurrently has several writers' frames echoed and expects each of them
// once and each writer's in order.
func writeConcurrently(t *testing.T, s *Stream) {
	const writers, frames = 8, 500
	var writing sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			for i := range frames {
				payload := fmt.Appendf(nil, "%d:%0*d", w, i%300, i)
				if err := s.Write(byte(w), uint64(i), payload); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	var next [writers]uint64
	for range writers * frames {
		w, i, payload, err := s.Read()
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("%d:%0*d", w, int(i)%300, i); i != next[w] || string(payload) != want {
			t.Fatalf("writer %d: frame %d %q, want %d", w, i, payload, next[w])
		}
		next[w]++
	}
	writing.Wait()
}

func TestStreamsAreRefusedWithoutAHandler(t *testing.T) {
	_, n1, n2 := pair(t)
	var refused *RefusedError
	if _, err := n1.DialStream(t.Context(), n2.Addr(), ""); !errors.As(err, &refused) {
		t.Errorf("got %v", err)
	}
}

func TestStreamEndsWithItsHandler(t *testing.T) {
	_, n1, n2 := pair(t)
	n2.HandleStream(func(Identity, *Stream) {})
	s, err := n1.DialStream(t.Context(), n2.Addr(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, _, _, err := s.Read(); err == nil || s.Cause() != err {
		t.Errorf("read: %v, cause: %v", err, s.Cause())
	}
	<-s.Done()
	if err := s.Write(1, 1, nil); err == nil {
		t.Error("wrote to a stream that has ended")
	}
}

func TestStreamFailsWithTheCauseOfItsClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, n1, n2 := pair(t)
		n2.HandleStream(echo)
		s, err := n1.DialStream(t.Context(), n2.Addr(), "")
		if err != nil {
			t.Fatal(err)
		}
		read := make(chan error)
		go func() {
			_, _, _, err := s.Read()
			read <- err
		}()
		synctest.Wait()
		silent := errors.New("no pulse for 3 s")
		_ = s.CloseWith(silent)
		_ = s.Close()
		if err := <-read; err != silent {
			t.Errorf("read: %v", err)
		}
		if err := s.Write(1, 1, nil); err != silent {
			t.Errorf("write: %v", err)
		}
	})
}

func TestWritesToADeafPeerAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, n1, n2 := pair(t)
		n2.HandleStream(echo)
		s, err := n1.DialStream(t.Context(), n2.Addr(), "")
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		m.Cut("h1", "h2")
		start, sent := time.Now(), 0
		for err == nil {
			err = s.Write(1, 1, make([]byte, 100<<10))
			sent += 100 << 10
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != writeTimeout {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		if sent > 3*pendingMax {
			t.Errorf("%d bytes were queued", sent)
		}
	})
}

func TestFramesBeyondTheLimitAreRefused(t *testing.T) {
	_, n1, n2 := pair(t)
	n2.HandleStream(echo)
	s, err := n1.DialStream(t.Context(), n2.Addr(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Write(1, 1, make([]byte, MaxFrame+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	if err := s.Write(1, 2, []byte("still open")); err != nil {
		t.Error(err)
	}
	if _, id, _, err := s.Read(); id != 2 || err != nil {
		t.Error(id, err)
	}
}

func TestPortCloseEndsDialledStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, n1, n2 := pair(t)
		n2.HandleStream(echo)
		s, err := n1.DialStream(t.Context(), n2.Addr(), "")
		if err != nil {
			t.Fatal(err)
		}
		if err := n1.Close(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if s.Cause() == nil {
			t.Error("the stream is still open")
		}
		_ = s.Close()
		if _, err := n1.DialStream(t.Context(), n2.Addr(), ""); err == nil {
			t.Error("a closed port dials")
		}
	})
}

// BenchmarkStreamSmallFrames writes frames of 32 bytes from four goroutines over
// TCP; its unit is one frame that was received.
func BenchmarkStreamSmallFrames(b *testing.B) {
	n1, n2 := open(b, TCP{}, identity("n1")), open(b, TCP{}, identity("n2"))
	received := make(chan struct{})
	n2.HandleStream(func(_ Identity, s *Stream) {
		for range b.N {
			if _, _, payload, err := s.Read(); err != nil || binary.BigEndian.Uint64(payload) != 42 {
				b.Error(err)
				break
			}
		}
		close(received)
	})
	s, err := n1.DialStream(b.Context(), n2.Addr(), "")
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	payload := binary.BigEndian.AppendUint64(nil, 42)
	payload = append(payload, make([]byte, 24)...)
	b.ReportAllocs()
	b.ResetTimer()
	b.SetParallelism(2)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := s.Write(1, 1, payload); err != nil {
				b.Error(err)
				return
			}
		}
	})
	<-received
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "frames/s")
}
