package peer

import (
	"errors"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

func TestOpenNamesAnOccupiedPort(t *testing.T) {
	n1 := open(t, TCP{}, identity("n1"))
	_, err := Open(Config{Addr: n1.Addr(), Identity: func() Identity { return identity("n2") }})
	var op *net.OpError
	if !errors.As(err, &op) || op.Addr.String() != n1.Addr() {
		t.Errorf("got %v", err)
	}
}

func TestOpenNeedsAnIdentity(t *testing.T) {
	if _, err := Open(Config{Addr: "127.0.0.1:0"}); err == nil {
		t.Error("opened")
	}
}

// failingListener fails a few times before it goes on.
type failingListener struct {
	net.Listener
	failures int
}

func (l *failingListener) Accept() (net.Conn, error) {
	if l.failures > 0 {
		l.failures--
		return nil, errors.New("too many open files")
	}
	return l.Listener.Accept()
}

func TestAcceptSurvivesFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory()
		listener, err := m.Host("h1").Listen(":1")
		if err != nil {
			t.Fatal(err)
		}
		p := newPort(Config{
			Network:  m.Host("h1"),
			Identity: func() Identity { return identity("n1") },
			Logger:   slog.New(slog.DiscardHandler),
		}, &failingListener{listener, 9})
		p.HandleCall("echo", echoCall)
		p.running.Add(1)
		go p.accept()
		defer p.Close()
		n2 := open(t, m.Host("h2"), identity("n2"))
		start := time.Now()
		if err := n2.Call(t.Context(), "h1:1", "", "echo", 1, nil); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took == 0 || took > 3*time.Second {
			t.Errorf("accepted again after %v", took)
		}
	})
}

func TestCloseTwice(t *testing.T) {
	_, n1, _ := pair(t)
	if err := errors.Join(n1.Close(), n1.Close()); err != nil {
		t.Error(err)
	}
}
