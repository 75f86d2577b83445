package api_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api"
	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// exchangeRaw sends bytes as they are and returns the answer's status.
func exchangeRaw(t *testing.T, c *client, request string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(request, " ")
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp
}

// checkProblem holds an error to the contract, whoever wrote it.
func checkProblem(t *testing.T, request string, resp *http.Response) {
	t.Helper()
	var p wire.Problem
	if err := json.NewDecoder(resp.Body).Decode(&p); err != nil {
		t.Errorf("%.80q: body: %v", request, err)
	}
	if p.Status != resp.StatusCode || p.Code.Status() != p.Status || p.Detail == "" || p.Status == 400 && p.Field == "" {
		t.Errorf("%.80q: problem %+v", request, p)
	}
	if h := resp.Header; h.Get("Content-Type") != wire.TypeProblem || h.Get(wire.HeaderNode) != "n1" || h.Get(wire.HeaderRequestID) == "" {
		t.Errorf("%.80q: headers %v", request, h)
	}
}

// TestUnreadableAfterAnAnswer: a complaint of package http's about a request that
// came in one segment with another is of the contract as well.
func TestUnreadableAfterAnAnswer(t *testing.T) {
	_, d := serveDoor(t, api.Config{Node: newNode()})
	in := bufio.NewReader(bytes.NewReader(d.play([]byte("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nnonsense\r\n\r\n"))))
	for _, status := range []int{200, 400} {
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != status {
			t.Errorf("status %d, want %d", resp.StatusCode, status)
		}
		if status == 400 {
			checkProblem(t, "nonsense", resp)
			continue
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRawRequests sends what no proper client would.
func TestRawRequests(t *testing.T) {
	_, c := newServer(t)
	for _, test := range []struct {
		status  int
		request string
	}{
		{200, "GET /healthz HTTP/1.0\r\n\r\n"},
		{200, "HEAD /readyz HTTP/1.0\r\n\r\n"},
		{400, "GET /healthz HTTP/1.1\r\n\r\n"},
		{403, "GET /healthz HTTP/1.1\r\nHost:\r\n\r\n"},
		{403, "GET http://evil.example/v1/alive HTTP/1.1\r\nHost: localhost\r\n\r\n"},
		{400, "GET /v1/leases/%zz HTTP/1.1\r\nHost: localhost\r\n\r\n"},
		{400, "GET /v1/leases/. HTTP/1.1\r\nHost: localhost\r\n\r\n"},
		{400, "GET /v1/leases/.. HTTP/1.1\r\nHost: localhost\r\n\r\n"},
		{404, "GET /v1/leases/../alive HTTP/1.1\r\nHost: localhost\r\n\r\n"},
		{404, "GET * HTTP/1.1\r\nHost: localhost\r\n\r\n"},
		{413, "PUT /v1/leases/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n"},
		{400, "PUT /v1/leases/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"},
		{413, "PUT /v1/leases/a HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 9999999\r\n\r\n"},
		{400, "PUT /v1/leases/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n"},
		{400, "nonsense\r\n\r\n"},
		{400, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n"},
	} {
		resp := exchangeRaw(t, c, test.request)
		if resp.StatusCode != test.status {
			t.Errorf("%.80q: status %d, want %d", test.request, resp.StatusCode, test.status)
		}
		if resp.StatusCode >= 400 {
			checkProblem(t, test.request, resp)
		}
	}
}
