package peer

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// connect joins two hosts by a plain connection.
func connect(t *testing.T, m *Memory) (near, far net.Conn) {
	t.Helper()
	listener, err := m.Host("b").Listen(":1")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	near = raw(t, m.Host("a"), "b:1")
	far, err = listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = far.Close() })
	return near, far
}

func say(t *testing.T, conn net.Conn, word string) {
	t.Helper()
	if _, err := conn.Write([]byte(word)); err != nil {
		t.Fatal(err)
	}
}

func hears(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(time.Second))
	got := make([]byte, 100)
	n, err := conn.Read(got)
	if string(got[:n]) != want || (want == "") != errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("heard %q, %v; want %q", got[:n], err, want)
	}
}

func TestMemoryCutsHoldWhatIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory()
		a, b := connect(t, m)
		m.CutOneWay("a", "b")
		say(t, a, "held")
		say(t, b, "free")
		hears(t, b, "")
		hears(t, a, "free")
		m.Cut("a", "b")
		say(t, b, "held, too")
		hears(t, a, "")
		m.Heal("a", "b")
		hears(t, b, "held")
		hears(t, a, "held, too")
	})
}

func TestMemoryDialWaitsForAHeal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory()
		listener, err := m.Host("b").Listen(":1")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		m.CutOneWay("b", "a")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := m.Host("a").Dial(ctx, "b:1"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("through a cut: %v", err)
		}
		dialled := make(chan error)
		go func() {
			conn, err := m.Host("a").Dial(t.Context(), "b:1")
			if err == nil {
				_ = conn.Close()
			}
			dialled <- err
		}()
		synctest.Wait()
		m.Heal("a", "b")
		if err := <-dialled; err != nil {
			t.Error(err)
		}
	})
}

func TestMemoryCloseLetsTheOtherFinish(t *testing.T) {
	m := NewMemory()
	a, b := connect(t, m)
	m.Cut("a", "b")
	say(t, a, "last words")
	_ = a.Close()
	_ = a.Close()
	m.Heal("a", "b")
	if got, err := io.ReadAll(b); string(got) != "last words" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := b.Write([]byte("x")); err == nil {
		t.Error("wrote to a closed connection")
	}
	_ = b.Close()
	if len(m.links) != 0 {
		t.Error("the connection is remembered")
	}
}

func TestMemoryResetBreaksConnections(t *testing.T) {
	m := NewMemory()
	a, b := connect(t, m)
	m.Reset("b", "a")
	for _, conn := range []net.Conn{a, b} {
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, errMemoryReset) {
			t.Errorf("read: %v", err)
		}
		if _, err := conn.Write([]byte("x")); !errors.Is(err, errMemoryReset) {
			t.Errorf("write: %v", err)
		}
	}
}

func TestMemoryWriteWaitsWhileTheBufferIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := connect(t, NewMemory())
		_ = a.SetWriteDeadline(time.Now().Add(time.Second))
		n, err := a.Write(make([]byte, 2*pipeBuffer))
		if n != pipeBuffer || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("wrote %d, %v", n, err)
		}
		_ = a.SetWriteDeadline(time.Time{})
		go func() { _, _ = io.CopyN(io.Discard, b, 3*pipeBuffer) }()
		if n, err := a.Write(make([]byte, 2*pipeBuffer)); n != 2*pipeBuffer || err != nil {
			t.Errorf("wrote %d, %v", n, err)
		}
		synctest.Wait()
	})
}

func TestMemoryDeadlinesMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := connect(t, NewMemory())
		start := time.Now()
		_ = a.SetDeadline(start.Add(time.Second))
		ended := make(chan error)
		go func() {
			_, err := a.Read(make([]byte, 1))
			ended <- err
		}()
		synctest.Wait()
		_ = a.SetReadDeadline(start.Add(3 * time.Second))
		if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != 3*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

func TestMemoryAddressesAreTakenOnce(t *testing.T) {
	host := NewMemory().Host("a")
	first, err := host.Listen("0.0.0.0:1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := host.Listen(":1"); !errors.Is(err, errMemoryInUse) {
		t.Errorf("twice: %v", err)
	}
	_ = first.Close()
	second, err := host.Listen(":1")
	if err != nil {
		t.Fatalf("after the close: %v", err)
	}
	_ = second.Close()
	if _, err := host.Dial(t.Context(), "a:1"); !errors.Is(err, errMemoryRefused) {
		t.Errorf("nobody listens: %v", err)
	}
}
