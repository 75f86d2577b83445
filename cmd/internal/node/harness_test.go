package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/cmd/internal/peer"
	"github.com/seed-b4c92e43/rollcall/gossip"
)

// cluster is whole nodes in one bubble of virtual time: real Raft, real files,
// the real API over in-memory connections.
type cluster struct {
	t      *testing.T
	peers  *peer.Memory
	gossip *gossip.Memory
	dir    string
	client *http.Client
	nodes  map[string]*running
	plant  func(*running) // a bug into a node that starts; nil: none
	within time.Duration  // it becomes ready again; a minute
}

// running is one started node.
type running struct {
	*Node
	name string // node id
	host string // its address; a new one after every move
	stop context.CancelFunc
	done chan error
	disk gate
	tick gate // of the judge
}

func bubble(t *testing.T, f func(c *cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{
			t: t, peers: peer.NewMemory(), gossip: gossip.NewMemory(),
			dir: t.TempDir(), nodes: make(map[string]*running), within: time.Minute,
		}
		dial := c.peers.Host(clientHost)
		transport := &http.Transport{
			DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) { return dial.Dial(ctx, addr) },
		}
		c.client = &http.Client{Transport: transport, Timeout: 20 * time.Second}
		defer func() { // also when f gave up
			for _, r := range c.nodes {
				r.disk.open()
				r.tick.open()
				r.halt(t)
			}
			transport.CloseIdleConnections()
			pass(30 * time.Second) // memberlist ends its last probes by time
		}()
		f(c)
	})
}

const clientHost = "10.0.9.9"

func pass(d time.Duration) { <-time.After(d) }

func host(i int) string { return fmt.Sprintf("10.0.0.%d", i) }
func name(i int) string { return fmt.Sprintf("n%d", i) }

// start starts node i of an expected number, at its usual address.
func (c *cluster) start(i, expect int) *running {
	return c.startAt(name(i), host(i), Config{BootstrapExpect: expect})
}

func (c *cluster) startAt(name, host string, cfg Config) *running {
	c.t.Helper()
	if cfg.HTTPListener == nil {
		listener, err := c.peers.Host(host).Listen(host + ":7700")
		if err != nil {
			c.t.Fatal(err)
		}
		cfg.HTTPListener = listener
	}
	cfg.NodeID, cfg.DataDir, cfg.Advertise = name, filepath.Join(c.dir, name), host
	cfg.RaftAddr, cfg.GossipAddr = host+":7701", host+":7702"
	cfg.Network, cfg.GossipTransport = c.peers.Host(host), c.gossip.Transport(host+":7702")
	if cfg.Join == nil {
		cfg.Join = []string{"10.0.0.1:7702", "10.0.0.2:7702", "10.0.0.3:7702"}
	}
	if os.Getenv("ROLLCALL_TEST_LOG") != "" {
		cfg.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("node", name)
	}
	r := &running{name: name, host: host, done: make(chan error, 1)}
	cfg.beforeTick = r.tick.pass
	n, err := Open(cfg)
	if err != nil {
		c.t.Fatalf("open %s: %v", name, err)
	}
	var ctx context.Context
	ctx, r.stop = context.WithCancel(context.Background())
	r.Node = n
	n.dir.Inject(func(string) error {
		r.disk.pass()
		return nil
	})
	if c.plant != nil {
		c.plant(r)
	}
	go func() { r.done <- n.Run(ctx) }()
	c.nodes[name] = r
	return r
}

// halt stops a node gracefully.
func (r *running) halt(t *testing.T) {
	t.Helper()
	r.stop()
	if err := <-r.done; err != nil && !errors.Is(err, errKilled) {
		t.Errorf("stop %s: %v", r.name, err)
	}
	r.done <- nil
}

var errKilled = errors.New("killed by the test")

// kill takes a node away without a word: its network goes first.
func (c *cluster) kill(r *running) {
	c.isolate(r)
	r.fail(errKilled)
	<-r.done
	delete(c.nodes, r.name)
	c.rejoin(r)
}

func (c *cluster) isolate(r *running) {
	for _, o := range c.nodes {
		if o != r {
			c.cut(r, o)
		}
	}
}

func (c *cluster) rejoin(r *running) {
	for _, o := range c.nodes {
		if o != r {
			c.heal(r, o)
		}
	}
}

func (c *cluster) cut(a, b *running) {
	c.peers.Cut(a.host, b.host)
	c.gossip.Cut(a.host+":7702", b.host+":7702")
}

func (c *cluster) cutOneWay(from, to *running) {
	c.peers.CutOneWay(from.host, to.host)
	c.gossip.CutOneWay(from.host+":7702", to.host+":7702")
}

func (c *cluster) heal(a, b *running) {
	c.peers.Heal(a.host, b.host)
	c.gossip.Heal(a.host+":7702", b.host+":7702")
}

// three starts three nodes and waits until all are ready.
func (c *cluster) three() {
	c.t.Helper()
	for i := 1; i <= 3; i++ {
		c.start(i, 3)
	}
	c.ready()
}

func (c *cluster) ready() {
	c.t.Helper()
	for _, r := range c.nodes {
		ctx, cancel := context.WithTimeout(context.Background(), c.within)
		if err := r.Ready(ctx); err != nil {
			c.t.Fatalf("%s: %v", r.name, err)
		}
		cancel()
	}
}

// leader waits for a node that serves.
func (c *cluster) leader() *running {
	c.t.Helper()
	for began := time.Now(); time.Since(began) < c.within; pass(10 * time.Millisecond) {
		for _, r := range c.nodes {
			if r.serving.Load() != 0 && r.store.IsLeader() {
				return r
			}
		}
	}
	c.t.Fatalf("no leader serves within %v", c.within)
	return nil
}

func (c *cluster) follower() *running {
	leader := c.leader()
	for _, r := range c.nodes {
		if r != leader {
			return r
		}
	}
	c.t.Fatal("there is no follower")
	return nil
}

// answer is what a node said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("answer %d %s: %v", a.status, a.body, err)
	}
}

func (c *cluster) do(r *running, method, path string, body any) (answer, error) {
	return c.doWith(r.host, method, path, body)
}

// doWith sends a request with further headers, names and values by turns.
func (c *cluster) doWith(host, method, path string, body any, header ...string) (answer, error) {
	var reader io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			c.t.Fatal(err)
		}
		reader = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, "http://"+host+":7700"+path, reader)
	if err != nil {
		c.t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", wire.TypeJSON)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, b}, err
}

// must expects a status.
func (c *cluster) must(r *running, method, path string, body any, status int) answer {
	c.t.Helper()
	a, err := c.do(r, method, path, body)
	if err != nil {
		c.t.Fatalf("%s %s on %s: %v", method, path, r.name, err)
	}
	if a.status != status {
		c.t.Fatalf("%s %s on %s: %d %s, want %d", method, path, r.name, a.status, a.body, status)
	}
	return a
}

func (c *cluster) grant(r *running, id string, ttl time.Duration) wire.Grant {
	c.t.Helper()
	var g wire.Grant
	c.must(r, "PUT", "/v1/leases/"+id, wire.Registration{Service: "web", TTLMS: ttl.Milliseconds()}, 201).into(c.t, &g)
	return g
}

// renew sends one heartbeat until it is acknowledged, as a client would.
func (c *cluster) renew(r *running, id string, epoch, seq uint64) wire.Renewed {
	c.t.Helper()
	for range 100 {
		a, err := c.do(r, "POST", "/v1/leases/"+id+"/heartbeat", wire.Heartbeat{Epoch: epoch, Seq: seq})
		switch {
		case err == nil && a.status == 200:
			var got wire.Renewed
			a.into(c.t, &got)
			return got
		case err == nil && a.status != 503:
			c.t.Fatalf("heartbeat of %s: %d %s", id, a.status, a.body)
		}
		pass(20 * time.Millisecond)
	}
	c.t.Fatalf("heartbeat of %s: no acknowledgement", id)
	return wire.Renewed{}
}

func (c *cluster) state(r *running, id string) wire.Lease {
	c.t.Helper()
	var l wire.Lease
	c.must(r, "GET", "/v1/leases/"+id, nil, 200).into(c.t, &l)
	return l
}
