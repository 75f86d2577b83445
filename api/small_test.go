package api_test

import (
	"bufio"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"
)

// inUse returns the bytes of heap and stacks after a collection.
func inUse() int64 {
	for range 3 { // stacks shrink by half each time
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// TestIdleStreamsAreSmall: a stream that waits keeps nothing of the request
// that began it. Its client's end, a bare connection, is counted in.
func TestIdleStreamsAreSmall(t *testing.T) {
	const streams, most = 400, 12 << 10
	_, c := newServer(t)
	c.register("a", "")
	open := func() net.Conn {
		conn, err := net.Dial("tcp", strings.TrimPrefix(c.base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		conn.SetDeadline(time.Now().Add(time.Minute))
		fmt.Fprint(conn, "GET /v1/watch?service=web HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
		for in := bufio.NewReader(conn); ; {
			line, err := in.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(line, "data: ") {
				return conn
			}
		}
	}
	conns := []net.Conn{open()}
	before := inUse()
	for range streams {
		conns = append(conns, open())
	}
	each := (inUse() - before) / streams
	t.Logf("%d bytes each", each)
	if each > most {
		t.Errorf("a stream takes %d bytes, want at most %d", each, most)
	}
	runtime.KeepAlive(conns)
}
