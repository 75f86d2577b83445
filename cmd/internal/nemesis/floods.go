//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/cmd/internal/lab"
)

// nonsense is what flooding connections say: nothing, half a request, or what
// is none.
var nonsense = []string{
	"", "GET /v1/alive HTTP/1.1\r\nHost: 10.1", "POST /v1/leases/x/heartbeat HTTP/1.1\r\nContent-Length: 900000000\r\n\r\n{",
	"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "GET / HTTP/9.9\r\n\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}

// connections opens so many to a node and holds them until undone; those that
// the node closes are opened anew, at most once in 100 ms each.
func (s *stage) connections(ctx context.Context, h *lab.Host, n int) lab.Undo {
	ctx, cancel := context.WithCancel(ctx)
	var open sync.WaitGroup
	for i := range n {
		open.Go(func() {
			for ctx.Err() == nil {
				hold(ctx, h.Addr+":7700", nonsense[i%len(nonsense)])
				pass(ctx, 100*time.Millisecond)
			}
		})
	}
	return func() error { cancel(); open.Wait(); return nil }
}

// hold opens one connection, says something and waits for the other's end.
func hold(ctx context.Context, addr, says string) {
	dial := net.Dialer{Timeout: 2 * time.Second}
	conn, err := dial.DialContext(ctx, "tcp", addr)
	if err != nil {
		return
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if _, err := io.WriteString(conn, says); err == nil {
		_, _ = io.Copy(io.Discard, conn)
	}
}

func flood(ctx context.Context, s *stage) (string, lab.Undo, error) {
	h := s.victim(ctx)
	const n = 3_000
	return fmt.Sprintf("%d connections to %s", n, s.name(ctx, h)), s.connections(ctx, h, n), nil
}

// slowReaders is how many watches, and as many lists, nobody reads.
const slowReaders = 50

func slow(ctx context.Context, s *stage) (string, lab.Undo, error) {
	h := s.victim(ctx)
	what := "slow readers of " + s.name(ctx, h)
	ctx, cancel := context.WithCancel(ctx)
	var open sync.WaitGroup
	for i := range 2 * slowReaders {
		text := "GET " + wire.PathWatch + "?after=1 HTTP/1.1\r\nHost: " + h.Addr + "\r\nAccept: " + wire.TypeEvents + "\r\n\r\n"
		if i%2 == 0 {
			text = ""
			for range 100 {
				text += "GET " + wire.PathAlive + "?limit=1000 HTTP/1.1\r\nHost: " + h.Addr + "\r\n\r\n"
			}
		}
		open.Go(func() { neglect(ctx, h.Addr+":7700", text) })
	}
	return what, func() error { cancel(); open.Wait(); return nil }, nil
}

// neglect asks and reads nothing, with a receive buffer as small as may be.
func neglect(ctx context.Context, addr, text string) {
	dial := net.Dialer{Timeout: 2 * time.Second, Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 2048) })
	}}
	conn, err := dial.DialContext(ctx, "tcp", addr)
	if err != nil {
		return
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	_, _ = io.WriteString(conn, text)
	<-ctx.Done()
}
