package loadgen

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestReaderReadsAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		wire     string
		status   int
		body     string
		reusable bool
	}{
		"length":           {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 200, "abc", true},
		"empty":            {"HTTP/1.1 201 Created\r\ncontent-length:0\r\n\r\n", 201, "", true},
		"no reason":        {"HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx", 200, "x", true},
		"close":            {"HTTP/1.1 503 No\r\nConnection: Close\r\nContent-Length: 1\r\n\r\nx", 503, "x", false},
		"old server":       {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, "x", false},
		"chunked":          {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;ext=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n", 200, "abc0123456789", true},
		"interim first":    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, "x", true},
		"no content":       {"HTTP/1.1 204 No Content\r\n\r\n", 204, "", true},
		"bare line feeds":  {"HTTP/1.1 200 OK\nContent-Length: 1\n\nx", 200, "x", true},
		"fields of length": {"HTTP/1.1 200 OK\r\nX-Request-Idx: 10\r\nTransfer-Encodinh: chunked\r\nContent-Length: 1\r\n\r\nx", 200, "x", true},
	} {
		t.Run(name, func(t *testing.T) {
			// A second answer behind shows that exactly the first was consumed.
			in := test.wire + "HTTP/1.1 299 Next\r\nContent-Length: 0\r\n\r\n"
			r := reader{in: bufio.NewReader(strings.NewReader(in))}
			status, body, reusable, err := r.next()
			if err != nil || status != test.status || string(body) != test.body || reusable != test.reusable {
				t.Fatalf("got %d %q reusable=%v, %v", status, body, reusable, err)
			}
			if status, _, _, err := r.next(); err != nil || status != 299 {
				t.Fatalf("the answer behind: %d, %v", status, err)
			}
		})
	}
}

func TestReaderRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		wire string
		want error
	}{
		"nothing":            {"", io.EOF},
		"not HTTP":           {"SSH-2.0-OpenSSH_9.2\r\n", errMalformed},
		"status of letters":  {"HTTP/1.1 2x0 OK\r\n\r\n", errMalformed},
		"field without name": {"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n", errMalformed},
		"negative length":    {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", errMalformed},
		"huge length":        {"HTTP/1.1 200 OK\r\nContent-Length: 2000000000\r\n\r\n", errTooLong},
		"no length":          {"HTTP/1.1 200 OK\r\n\r\nabc", errMalformed},
		"body cut off":       {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", io.ErrUnexpectedEOF},
		"chunk without end":  {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", errMalformed},
		"chunk of no size":   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", errMalformed},
		"endless line":       {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<16), errTooLong},
		"chunks beyond all":  {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffff\r\n", errTooLong},
	} {
		t.Run(name, func(t *testing.T) {
			r := reader{in: bufio.NewReader(strings.NewReader(test.wire))}
			if _, _, _, err := r.next(); !errors.Is(err, test.want) {
				t.Fatalf("got %v, want %v", err, test.want)
			}
		})
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := reader{in: bufio.NewReader(bytes.NewReader(in))}
		for {
			status, body, _, err := r.next()
			if err != nil {
				return
			}
			if status < 200 || status > 999 || len(body) > maxAnswer {
				t.Fatalf("status %d, body of %d bytes", status, len(body))
			}
		}
	})
}
