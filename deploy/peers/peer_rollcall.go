package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// rollcall is three nodes of it.
type rollcall struct {
	binary    string
	processes []*process
	hosts     []string // of the HTTP API
	seq       int      // of the heartbeats that renew sent last
}

func startRollcall(ctx context.Context, b *bench) (server, error) {
	r := &rollcall{binary: b.rollcall}
	var seeds []string
	for n := range 3 {
		r.hosts = append(r.hosts, b.place.port(3*n))
		seeds = append(seeds, b.place.port(3*n+2))
	}
	for n := range 3 {
		if err := r.start(b.place, n, strings.Join(seeds, ",")); err != nil {
			return r, err
		}
	}
	return r, waitReady(ctx, r.processes, r.ready)
}

func (r *rollcall) start(at *place, n int, seeds string) error {
	dir, err := at.fresh("rollcall")
	if err != nil {
		return err
	}
	name := fmt.Sprintf("n%d", n)
	p, err := start(at.dir, name, r.binary, "server", "--node-id", name, "--data-dir", dir,
		"--bootstrap-expect", "3", "--log-level", "warn", "--http-addr", at.port(3*n),
		"--raft-addr", at.port(3*n+1), "--gossip-addr", at.port(3*n+2), "--join", seeds)
	if err == nil {
		r.processes = append(r.processes, p)
	}
	return err
}

func (r *rollcall) ready(ctx context.Context) error {
	for _, host := range r.hosts {
		if _, err := r.get(ctx, host, "/readyz"); err != nil {
			return err
		}
	}
	return nil
}

func (r *rollcall) get(ctx context.Context, host, path string) ([]byte, error) {
	c, err := dialHTTP(ctx, host)
	if err != nil {
		return nil, err
	}
	defer c.close()
	return c.call(c.compose("GET", path, nil))
}

func (r *rollcall) nodes() []*process { return r.processes }

func (r *rollcall) leader(ctx context.Context) (int, error) {
	body, err := r.get(ctx, r.hosts[0], "/v1/cluster")
	if err != nil {
		return 0, err
	}
	var cluster struct{ Leader string }
	if err := json.Unmarshal(body, &cluster); err != nil {
		return 0, fmt.Errorf("read /v1/cluster: %w", err)
	}
	for i, p := range r.processes {
		if p.name == cluster.Leader {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%w: leader %q", errAnswer, cluster.Leader)
}

func (r *rollcall) writer(ctx context.Context, node int) (writer, error) {
	c, err := dialHTTP(ctx, r.hosts[node])
	if err != nil {
		return nil, err
	}
	return &rollcallWriter{c}, nil
}

// rollcallWriter writes over one HTTP connection.
type rollcallWriter struct{ conn *httpConn }

func (w *rollcallWriter) close() { w.conn.close() }

func (w *rollcallWriter) grant(_ context.Context, id string, ttl time.Duration) (lease, error) {
	class, _, _ := strings.Cut(id, "-")
	body := fmt.Appendf(nil, `{"service":%q,"address":%q,"port":%d,"tags":%s,"meta":%s,"ttl_ms":%d}`,
		class, recordAddress, recordPort, recordTags, recordMeta, ttl.Milliseconds())
	answer, err := w.conn.call(w.conn.compose("PUT", "/v1/leases/"+id, body))
	if err != nil {
		return lease{}, err
	}
	var granted struct{ Epoch int64 }
	if err := json.Unmarshal(answer, &granted); err != nil {
		return lease{}, fmt.Errorf("read a grant: %w", err)
	}
	return lease{id, granted.Epoch}, nil
}

func (w *rollcallWriter) end(_ context.Context, l lease) error {
	_, err := w.conn.call(w.conn.compose("DELETE", fmt.Sprintf("/v1/leases/%s?epoch=%d", l.id, l.number), nil))
	return err
}

// renew is one request for every thousand leases.
func (r *rollcall) renew(ctx context.Context, leases []lease, _ time.Duration) ([]time.Time, error) {
	c, err := dialHTTP(ctx, r.hosts[0])
	if err != nil {
		return nil, err
	}
	defer c.close()
	r.seq++
	var began []time.Time
	for len(leases) > 0 {
		some := leases[:min(1000, len(leases))]
		now := time.Now()
		if err := renewBatch(c, some, r.seq); err != nil {
			return nil, err
		}
		for range some {
			began = append(began, now)
		}
		leases = leases[len(some):]
	}
	return began, nil
}

func renewBatch(c *httpConn, leases []lease, seq int) error {
	body := []byte(`{"beats":[`)
	for i, l := range leases {
		if i > 0 {
			body = append(body, ',')
		}
		body = fmt.Appendf(body, "[%d,%d]", l.number, seq)
	}
	answer, err := c.call(c.compose("POST", "/v1/heartbeats", append(body, "]}"...)))
	if err != nil {
		return err
	}
	var got struct{ Accepted int }
	if err := json.Unmarshal(answer, &got); err != nil || got.Accepted != len(leases) {
		return fmt.Errorf("%w: %d of %d heartbeats accepted (%v)", errAnswer, got.Accepted, len(leases), err)
	}
	return nil
}

func (r *rollcall) lister(ctx context.Context, node int, class string, how consistency) (func(context.Context) (int, error), func(), error) {
	c, err := dialHTTP(ctx, r.hosts[node])
	if err != nil {
		return nil, nil, err
	}
	path := fmt.Sprintf("/v1/alive?service=%s&limit=1000&consistency=%s", class, how)
	return func(context.Context) (int, error) {
		body, err := c.call(c.compose("GET", path, nil))
		if err != nil {
			return 0, err
		}
		return countOf(body)
	}, c.close, nil
}

// bench runs the program's own driver and reads its result.
func (r *rollcall) bench(ctx context.Context, args ...string) (benchResult, error) {
	var result benchResult
	args = append([]string{"bench", "-o", "json", "--endpoints", "http://" + strings.Join(r.hosts, ",http://")}, args...)
	cmd := exec.CommandContext(ctx, r.binary, args...)
	out, err := cmd.Output()
	if err != nil {
		return result, fmt.Errorf("rollcall %s: %w", strings.Join(args, " "), err)
	}
	if err := json.Unmarshal(out, &result); err != nil {
		return result, fmt.Errorf("read the result of rollcall bench: %w", err)
	}
	if result.Errors > 0 {
		return result, fmt.Errorf("%w: %d heartbeats failed", errAnswer, result.Errors)
	}
	return result, nil
}

// benchResult is what this program reads of a result of `rollcall bench`.
type benchResult struct {
	RenewalsPerS float64 `json:"renewals_per_s"`
	Errors       int64   `json:"errors"`
	Latency      struct {
		P50 float64 `json:"p50"`
		P99 float64 `json:"p99"`
	} `json:"latency_ms"`
	BeatsPerRequest float64 `json:"beats_per_request"`
	AllNodes        struct {
		Microseconds *float64 `json:"cpu_us_per_request"` // nil where the nodes do not tell
	} `json:"all_nodes"`
}

// rate is the sample of a loop.
func (r *benchResult) rate() sample {
	cost := unknown
	if r.AllNodes.Microseconds != nil && r.BeatsPerRequest > 0 {
		cost = *r.AllNodes.Microseconds / r.BeatsPerRequest
	}
	return sample{r.RenewalsPerS, r.Latency.P50, r.Latency.P99, cost}
}
