package api_test

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-b4c92e43/rollcall/api"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// twins are two servers over nodes of the same content: one with loops, and one
// where package http reads all. To the same bytes they say the same.
type twins struct {
	loops, plain *door
	nodes        [2]*node // in that order
}

func newTwins(t testing.TB) *twins {
	t.Helper()
	var w twins
	for i, d := range []**door{&w.loops, &w.plain} {
		n := newNode()
		n.run(t)
		for i := range 3 {
			n.do(&registry.Grant{NS: "default", ID: fmt.Sprintf("a%d", i), TTL: 10_000})
		}
		config := api.Config{Node: n, AllowedHosts: []string{"rc-1"}}
		if d == &w.plain {
			config = api.Plain(config)
		}
		w.nodes[i] = n
		_, *d = serveDoor(t, config)
	}
	return &w
}

// ownWords are what differs between two servers and two moments.
var ownWords = regexp.MustCompile(`(?m)^(Date: .*|X-Request-Id: [0-9a-f]{16}-[0-9a-z]+)\r$`)

// same plays a script to both and returns what they said.
func (w *twins) same(t *testing.T, pieces ...[]byte) string {
	t.Helper()
	got, want := ownWords.ReplaceAll(w.loops.play(pieces...), nil), ownWords.ReplaceAll(w.plain.play(pieces...), nil)
	if !bytes.Equal(got, want) {
		t.Errorf("%q:\ngot  %q\nwant %q", pieces, got, want)
	}
	return string(want)
}

// beatOf is a heartbeat of a0 as clients send it, with other headers in place of
// some.
func beatOf(seq int, headers ...string) string {
	if headers == nil {
		headers = []string{"Host: localhost", "Content-Type: application/json"}
	}
	body := fmt.Sprintf(`{"epoch":1,"seq":%d}`, seq)
	return fmt.Sprintf("POST /v1/leases/a0/heartbeat HTTP/1.1\r\n%s\r\nContent-Length: %d\r\n\r\n%s", strings.Join(headers, "\r\n"), len(body), body)
}

// rough is requests as no proper client sends them, and some that it does.
var rough = []string{
	"", "\r\n", "P", "POST ", "POST /v1/leases/", "\x16\x03\x01\x02\x00\x01\x00", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	beatOf(1), beatOf(1) + beatOf(1) + beatOf(2), beatOf(1) + "\r\n" + beatOf(2) + "\r\n\r\n\r\n" + beatOf(3), "\r\n" + beatOf(1), beatOf(1) + "\n\n\n\n\n" + beatOf(2),
	beatOf(1) + "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" + beatOf(2) + beatOf(3), beatOf(1) + "nonsense\r\n\r\n" + beatOf(2),
	beatOf(1) + "000", beatOf(1) + "\r\n0", beatOf(1) + "\r\n000", beatOf(1) + "\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", beatOf(1)[:80], beatOf(1)[:len(beatOf(1))-3], beatOf(1) + beatOf(1)[:60],
	"GET /healthz HTTP/1.0\r\n\r\n", "GET /nonsense HTTP/1.1\r\nHost: localhost\r\n\r\n" + beatOf(4) + beatOf(5),
	strings.Replace(beatOf(6), "POST", "post", 1), strings.Replace(beatOf(6), "POST", "PUT", 1), strings.Replace(beatOf(6), " HTTP/1.1", " HTTP/1.0", 1),
	strings.Replace(beatOf(6), " HTTP/1.1", " HTTP/1.2", 1), strings.Replace(beatOf(6), " HTTP/1.1", "", 1), strings.Replace(beatOf(6), " HTTP/1.1", "  HTTP/1.1", 1),
	strings.Replace(beatOf(6), " HTTP/1.1\r\n", " HTTP/1.1\n", 1), strings.Replace(beatOf(6), "\r\n", "\n", -1), strings.Replace(beatOf(6), " HTTP/1.1\r\n", " HTTP/1.1 \r\n", 1),
	strings.Replace(beatOf(6), "POST /", "POST  /", 1), strings.Replace(beatOf(6), "POST /", "POST\t/", 1),
	strings.Replace(beatOf(6), "/v1/", "//v1/", 1), strings.Replace(beatOf(6), "/v1/", "http://localhost/v1/", 1), strings.Replace(beatOf(6), "/v1/", "http://evil.example/v1/", 1),
	strings.Replace(beatOf(6), "a0", "a%30", 1), strings.Replace(beatOf(6), "a0", "a%2F0", 1), strings.Replace(beatOf(6), "a0", "..", 1), strings.Replace(beatOf(6), "a0", "", 1),
	strings.Replace(beatOf(6), "a0", "a/b", 1), strings.Replace(beatOf(6), "a0", strings.Repeat("i", 129), 1), strings.Replace(beatOf(6), "a0", "a:b@c~d", 1), strings.Replace(beatOf(6), "a0", "a b", 1),
	strings.Replace(beatOf(6), "/heartbeat", "/heartbeat/", 1), strings.Replace(beatOf(6), "/heartbeat", "/heartbeat?", 1), strings.Replace(beatOf(6), "/heartbeat", "/heartbeat?ns=default", 1),
	strings.Replace(beatOf(6), "/heartbeat", "/heartbeat?ns=other", 1), strings.Replace(beatOf(6), "/heartbeat", "/heartbeat?ns=a%2E", 1), strings.Replace(beatOf(6), "/heartbeat", "/heartbeat?ns=a&ns=b", 1),
	strings.Replace(beatOf(6), "/heartbeat", "/heartbeat?ns=a;b", 1), strings.Replace(beatOf(6), "/heartbeat", "/heartbeat?ns=", 1), strings.Replace(beatOf(6), "/heartbeat", "/heartbeat#x", 1),
	strings.Replace(beatOf(6), "Content-Length: ", "Content-Length: +", 1), strings.Replace(beatOf(6), "Content-Length: ", "Content-Length: 0", 1), strings.Replace(beatOf(6), "Content-Length: ", "Content-Length: -", 1),
	strings.Replace(beatOf(6), "Content-Length: ", "Content-Length:\t", 1), strings.Replace(beatOf(6), "Content-Length: ", "Content-Length : ", 1), strings.Replace(beatOf(6), "Content-Length: ", "Content-Length:   ", 1),
	strings.Replace(beatOf(6), "Content-Length: ", "Content-Length: 19, ", 1), strings.Replace(beatOf(6), "Content-Length: ", "Content-Length: 1", 1), strings.Replace(beatOf(6), "Content-Length: ", "Content-Length: 0x", 1),
	strings.Replace(beatOf(6), "Content-Length: ", "Content-Length: 19\r\nContent-Length: ", 1), strings.Replace(beatOf(6), "Content-Length: ", "Content-Length: 5\r\nContent-Length: ", 1),
	strings.Replace(beatOf(6), "Content-Length: ", "Content-Length:\r\nX: ", 1), strings.Replace(beatOf(6), "Content-Length: ", "Content-Length: 99999999999999999999\r\nX: ", 1), strings.Replace(beatOf(6), "Content-Length: ", "X: ", 1),
	beatOf(7, "Host: localhost"), beatOf(7, "Content-Type: application/json"), beatOf(7, "Host:", "Content-Type: application/json"), beatOf(7, "Host: localhost", "Host: localhost", "Content-Type: application/json"),
	beatOf(7, "Host: localhost", "Content-Type: application/json; charset=utf-8"), beatOf(7, "Host: localhost", "Content-Type: text/plain"), beatOf(7, "Host: localhost", "Content-Type: application/json", "Content-Type: text/plain"),
	beatOf(7, "Host: localhost", "Content-Type: text/plain", "Content-Type: application/json"), beatOf(7, "HOST: localhost", "CONTENT-TYPE: application/json"), beatOf(7, "hOst:localhost", "content-type:application/json"),
	beatOf(8, json1("127.0.0.1:7700")...), beatOf(8, json1("[::1]:7700")...), beatOf(8, json1("[fe80::1%25eth0]")...), beatOf(8, json1("RC-1.")...), beatOf(8, json1("evil.example")...), beatOf(8, json1("user@localhost")...),
	beatOf(8, json1("localhost", "Origin: http://localhost")...), beatOf(8, json1("localhost", "Origin: http://evil.example")...), beatOf(8, json1("localhost/x")...), beatOf(8, json1("lo\x00calhost")...),
	beatOf(9, json1("localhost", " folded")...), beatOf(9, json1("localhost", "User-Agent: a\r\n b")...), beatOf(9, json1("localhost", "User-Agent: a\rContent-Length: 3")...), beatOf(9, json1("localhost", "User-Agent: \xff")...),
	beatOf(9, json1("localhost", "User-Agent: a\x00b")...), beatOf(9, json1("localhost", "User-Agent: a\x7fb")...), beatOf(9, json1("localhost", "User-Agent:")...), beatOf(9, json1("localhost", "User-Agent : a")...), beatOf(9, json1("localhost", ": a")...), beatOf(9, json1("localhost", "nonsense")...),
	beatOf(9, json1("localhost", "Accept: application/json")...), beatOf(9, json1("localhost", "Accept: */*", "Accept: application/cbor")...), beatOf(9, json1("localhost", "Accept: application/cbor")...), beatOf(9, json1("localhost", "Accept: text/html")...),
	beatOf(9, json1("localhost", "Connection: keep-alive")...) + beatOf(10), beatOf(9, json1("localhost", "Connection: close")...) + beatOf(10), beatOf(9, json1("localhost", "Connection: keep-alive, close")...) + beatOf(10), beatOf(9, json1("localhost", "Connection: x")...),
	beatOf(9, json1("localhost", "X-Request-Id: mine")...), beatOf(9, json1("localhost", "X-Request-Id:  two words ")...), beatOf(9, json1("localhost", "X-Request-Id:")...), beatOf(9, json1("localhost", "X-Request-Id: "+strings.Repeat("i", 129))...),
	beatOf(9, json1("localhost", "X-Request-Id: one", "X-Request-Id: two")...), beatOf(9, json1("localhost", "Authorization: Bearer x")...), beatOf(9, json1("localhost", "Cookie: a=b")...), beatOf(9, json1("localhost", "X-Forwarded-For: 10.0.0.1", "X-Forwarded-Host: evil.example")...),
	beatOf(9, json1("localhost", "Expect: 100-continue")...), beatOf(9, json1("localhost", "Expect: x")...), beatOf(9, json1("localhost", "Content-Encoding: gzip")...), beatOf(9, json1("localhost", "Upgrade: h2c", "Connection: Upgrade")...),
	beatOf(9, json1("localhost", "Transfer-Encoding: chunked")...), beatOf(9, json1("localhost", "Transfer-Encoding: identity")...), beatOf(9, json1("localhost", "transfer-encoding:\tchunked")...), beatOf(9, json1("localhost", "Trailer: X")...), beatOf(9, json1("localhost", "TE: trailers")...),
	"POST /v1/leases/a0/heartbeat HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n{\"epoch\":1,\"seq\":11}\r\n0\r\n\r\n" + beatOf(12),
	"POST /v1/leases/a0/heartbeat HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nContent-Length: 19\r\n\r\n14\r\n{\"epoch\":1,\"seq\":11}\r\n0\r\n\r\n" + beatOf(12),
	withBody(""), withBody("{}"), withBody(`{"epoch":1}`), withBody(`{"epoch":1,"seq":0}`), withBody(`{"epoch":1,"seq":13,"rtt_ms":1.5}`), withBody(`{"epoch":1,"seq":13,"x":1}`), withBody(`{"epoch":1,"seq":1}`), withBody(`{"epoch":1,"seq":2000000}`),
	withBody(`{"epoch":2,"seq":1}`), withBody(`{"epoch":99,"seq":1}`), withBody(`[`), withBody("\xff"), withBody(`{"epoch":1,"seq":14}` + strings.Repeat(" ", 1700)), withBody(`{"epoch":1,"seq":14}` + strings.Repeat(" ", 5000)), withBody(`{"epoch":1,"seq":14}`) + "GET /v1/leases/a0 HTTP/1.1\r\nHost: localhost\r\n\r\n",
	beatOf(15, json1("localhost", "User-Agent: "+strings.Repeat("u", 3000))...) + beatOf(16), beatOf(15, json1("localhost", "User-Agent: "+strings.Repeat("u", 12000))...) + beatOf(16), strings.Repeat(beatOf(17), 30),
}

func json1(host string, more ...string) []string {
	return append([]string{"Host: " + host, "Content-Type: application/json"}, more...)
}

func withBody(body string) string {
	return fmt.Sprintf("POST /v1/leases/a0/heartbeat HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// TestLoopSaysWhatPackageHTTPSays: whole, byte by byte, and in halves.
func TestLoopSaysWhatPackageHTTPSays(t *testing.T) {
	w := newTwins(t)
	for _, request := range rough {
		w.same(t, []byte(request))
		w.same(t, bytes.SplitAfter([]byte(request), []byte("\n"))...)
		w.same(t, bytes.SplitAfter([]byte(request), nil)...)
	}
	if w.nodes[0].beats.Load() == 0 || w.nodes[1].beats.Load() != 0 {
		t.Error("the loop answered nothing, or where there is none")
	}
}

// TestLoopFailsAsPackageHTTPDoes: what the node cannot do.
func TestLoopFailsAsPackageHTTPDoes(t *testing.T) {
	w := newTwins(t)
	for _, err := range []error{
		fmt.Errorf("%w: cut off", api.ErrNoLeader), fmt.Errorf("%w: queue is full", api.ErrOverloaded), errors.New("secret cause"), nil,
	} {
		w.nodes[0].fail, w.nodes[1].fail = err, err
		w.same(t, []byte(beatOf(1)+beatOf(2, json1("localhost", "X-Request-Id: mine")...)))
	}
}

// FuzzLoop holds what a loop says to any bytes, cut anywhere, against what
// package http says to them.
func FuzzLoop(f *testing.F) {
	for _, request := range rough {
		f.Add([]byte(request), uint16(0), uint16(40))
	}
	w := newTwins(f)
	f.Fuzz(func(t *testing.T, data []byte, a, b uint16) {
		if len(data) > 12<<10 { // so that no head is too long: package http takes half a second to say so
			t.Skip()
		}
		first := min(int(a), len(data))
		second := min(first+int(b), len(data))
		w.same(t, data[:first], data[first:second], data[second:])
	})
}
