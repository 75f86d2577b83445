//go:build e2e || e2e_docker

package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

var web = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 512}}

// answer is what a node said. A node that said nothing has status 0.
type answer struct {
	status  int
	header  http.Header
	problem wire.Problem
	err     error
	took    time.Duration
}

func (a answer) String() string {
	if a.err != nil {
		return fmt.Sprintf("no answer in %v: %v", a.took, a.err)
	}
	return fmt.Sprintf("%d %s in %v", a.status, a.problem.Code, a.took)
}

func (a answer) ok() bool { return a.status == 200 || a.status == 201 }

// ask sends one request, in its own time and to nobody else, and decodes a good
// answer into out.
func ask(method, endpoint, path string, body, out any, within time.Duration) answer {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	started := time.Now()
	a := send(ctx, method, endpoint+path, body, out)
	a.took = time.Since(started)
	return a
}

func send(ctx context.Context, method, url string, body, out any) (a answer) {
	var text bytes.Buffer
	if body != nil {
		if a.err = json.NewEncoder(&text).Encode(body); a.err != nil {
			return a
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, url, &text)
	if err != nil {
		return answer{err: err}
	}
	if body != nil {
		req.Header.Set("Content-Type", wire.TypeJSON)
	}
	res, err := web.Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer res.Body.Close()
	a.header = res.Header
	if res.StatusCode >= 300 {
		out = &a.problem
	}
	if out != nil {
		if err := json.NewDecoder(res.Body).Decode(out); err != nil {
			return answer{err: fmt.Errorf("read answer %d: %w", res.StatusCode, err)}
		}
	}
	a.status = res.StatusCode
	return a
}

func get(endpoint, path string, out any) answer {
	return ask("GET", endpoint, path, nil, out, 5*time.Second)
}

func register(endpoint, id string, reg wire.Registration) (wire.Grant, answer) {
	var g wire.Grant
	a := ask("PUT", endpoint, wire.PathLeases+"/"+id, reg, &g, 5*time.Second)
	return g, a
}

func heartbeat(endpoint, id string, epoch, seq uint64, within time.Duration) (wire.Renewed, answer) {
	var r wire.Renewed
	a := ask("POST", endpoint, wire.PathLeases+"/"+id+"/heartbeat", wire.Heartbeat{Epoch: epoch, Seq: seq}, &r, within)
	return r, a
}
