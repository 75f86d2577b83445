package api_test

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// TestIdleSessionsAreSmall: a session that rests, with a lease, keeps nothing of
// what it did: it takes about 12 KiB, 8 of them the stacks of its goroutines.
// Its client's end, a bare connection, and its lease are counted in.
func TestIdleSessionsAreSmall(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector takes memory of its own")
	}
	const sessions, most = 400, 17 << 10
	_, c := newServer(t)
	open := func(i int) net.Conn {
		conn, err := net.Dial("tcp", strings.TrimPrefix(c.base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		conn.SetDeadline(time.Now().Add(time.Minute))
		io.WriteString(conn, handshake)
		answers := make([]byte, 1024)
		head := 0
		for !strings.Contains(string(answers[:head]), "\r\n\r\n") {
			head += read(t, conn, answers[head:])
		}
		conn.Write(masked(fmt.Sprintf(`{"op":"register","rid":1,"id":"id-%d"}`, i)))
		read(t, conn, answers)
		return conn
	}
	conns := []net.Conn{open(0)}
	before := inUse()
	for i := range sessions {
		conns = append(conns, open(i+1))
	}
	each := (inUse() - before) / sessions
	t.Logf("%d bytes each", each)
	if each > most {
		t.Errorf("a session takes %d bytes, want at most %d", each, most)
	}
	runtime.KeepAlive(conns)
}

const handshake = "GET /v1/session HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
	"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: " + wire.SessionJSON + "\r\n\r\n"

// masked returns a short text frame whose mask is 0.
func masked(text string) []byte {
	return append([]byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0}, text...)
}

func read(t testing.TB, conn net.Conn, b []byte) int {
	t.Helper()
	n, err := conn.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
