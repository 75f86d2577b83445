package loadgen

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// fakeNodes serve one registry. Without a leader for a while after one was
// killed they refuse to write.
type fakeNodes struct {
	registry *fakeRegistry
	addrs    []string
	servers  []*http.Server // nil: not running
	serving  sync.WaitGroup
	failing  error // of every start
	neverUp  bool
	closed   bool

	mu     sync.Mutex // guards what follows
	leader int
	since  time.Time // when it leads, or will
}

const fakeElection = 100 * time.Millisecond

func newFakeNodes(t *testing.T, registry *fakeRegistry) *fakeNodes {
	t.Helper()
	f := &fakeNodes{registry: registry, servers: make([]*http.Server, 3)}
	for range f.servers {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		f.addrs = append(f.addrs, l.Addr().String())
		l.Close()
	}
	t.Cleanup(func() {
		if !f.closed {
			t.Error("the nodes were left behind")
		}
	})
	return f
}

func (f *fakeNodes) names() []string { return []string{"n1", "n2", "n3"} }

func (f *fakeNodes) endpoints() (out []string) {
	for _, a := range f.addrs {
		out = append(out, "http://"+a)
	}
	return out
}

func (f *fakeNodes) logs() string { return "what the nodes say" }

func (f *fakeNodes) start(i int) error {
	if f.failing != nil {
		return f.failing
	}
	l, err := net.Listen("tcp", f.addrs[i])
	if err != nil {
		return err
	}
	server := &http.Server{Handler: f}
	f.servers[i] = server
	f.serving.Go(func() { _ = server.Serve(l) })
	return nil
}

func (f *fakeNodes) kill(i int) {
	if f.servers[i] != nil {
		_ = f.servers[i].Close()
		f.servers[i] = nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if i == f.leader {
		f.leader, f.since = (i+1)%3, time.Now().Add(fakeElection)
	}
}

func (f *fakeNodes) close() error {
	for i := range f.servers {
		f.kill(i)
	}
	f.serving.Wait()
	f.closed = true
	return nil
}

func (f *fakeNodes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	leader, elected := f.leader, time.Now().After(f.since)
	f.mu.Unlock()
	switch {
	case r.URL.Path == "/readyz" && (!elected || f.neverUp):
		w.WriteHeader(503)
	case r.URL.Path == "/readyz":
		w.WriteHeader(200)
		_, _ = w.Write([]byte("ok"))
	case !elected:
		answer(w, 503, wire.NewProblem(wire.CodeNoLeader, ""))
	case r.URL.Path == wire.PathCluster:
		answer(w, 200, wire.Cluster{Leader: f.names()[leader]})
	default:
		f.registry.ServeHTTP(w, r)
	}
}

func failoverConfig() FailoverConfig {
	return FailoverConfig{
		Binary: "unused", Rounds: 2, Leases: 20, TTL: 2 * time.Second, Steady: 50 * time.Millisecond, Patience: 5 * time.Second,
	}.withDefaults()
}

func TestFailoverMeasuresEachRound(t *testing.T) {
	phases := map[string]bool{}
	cfg := failoverConfig()
	cfg.Watch = func(p Progress) { phases[p.Phase] = true }
	got, err := runFailover(t.Context(), cfg, newFakeNodes(t, newFakeRegistry()))
	if err != nil || got.Failed() != nil {
		t.Fatal(err, got.Failed())
	}
	if len(got.Rounds) != 2 || got.Rounds[0].Killed != "n1" || got.Rounds[1].Killed != "n2" {
		t.Fatalf("rounds %+v", got.Rounds)
	}
	for _, r := range got.Rounds {
		if least := inMS(fakeElection) * .9; r.FirstCommit < least || r.Gap < least || r.Ready <= 0 || r.FirstCommit > r.Gap+50 {
			t.Errorf("round %+v", r)
		}
	}
	if got.FirstCommit.Median > got.FirstCommit.Worst || got.Gap.Worst != max(got.Rounds[0].Gap, got.Rounds[1].Gap) {
		t.Errorf("medians %+v, %+v", got.FirstCommit, got.Gap)
	}
	if got.Grants == 0 || got.Renewals == 0 || got.ErrorCodes["no_leader"] == 0 || got.RenewalsLost+got.GrantsLost+got.LeasesEnded != 0 {
		t.Errorf("result %+v", got)
	}
	if !phases[PhaseStart] || !phases[PhaseGrant] || !phases[PhaseRound] {
		t.Errorf("phases %v", phases)
	}
}

func TestFailoverSeesWhatIsLost(t *testing.T) {
	for name, test := range map[string]struct {
		page func(n int, p *wire.AlivePage)
		want func(*FailoverResult) bool
	}{
		"a renewal": {func(_ int, p *wire.AlivePage) { p.Alive[0].Seq = 1 }, func(r *FailoverResult) bool { return r.RenewalsLost == 2 && r.LeasesEnded == 0 }},
		"a lease":   {func(_ int, p *wire.AlivePage) { p.Alive = p.Alive[1:] }, func(r *FailoverResult) bool { return r.RenewalsLost == 0 && r.LeasesEnded == 1 }},
		"an epoch":  {func(_ int, p *wire.AlivePage) { p.Alive[7].Epoch++ }, func(r *FailoverResult) bool { return r.LeasesEnded == 1 }},
	} {
		t.Run(name, func(t *testing.T) {
			registry := newFakeRegistry()
			registry.page = test.page
			got, err := runFailover(t.Context(), failoverConfig(), newFakeNodes(t, registry))
			if err != nil || !test.want(got) || got.Failed() == nil {
				t.Errorf("result %+v, %v", got, err)
			}
		})
	}
}

func TestFailoverSeesLostGrants(t *testing.T) {
	registry := newFakeRegistry()
	registry.show = func(l *wire.Lease) { l.Epoch-- }
	got, err := runFailover(t.Context(), failoverConfig(), newFakeNodes(t, registry))
	if err != nil || got.GrantsLost != 2*failoverGranters || got.Failed() == nil {
		t.Errorf("result %+v, %v", got, err)
	}
}

func TestFailoverOfNodesThatDoNotStart(t *testing.T) {
	cfg := failoverConfig()
	cfg.Patience = 100 * time.Millisecond
	nodes := newFakeNodes(t, newFakeRegistry())
	nodes.neverUp = true
	if _, err := runFailover(t.Context(), cfg, nodes); err == nil || !strings.Contains(err.Error(), "0 of 3 nodes are ready") || !strings.Contains(err.Error(), "what the nodes say") {
		t.Errorf("got %v", err)
	}
	nodes = newFakeNodes(t, newFakeRegistry())
	nodes.failing = errors.New("cannot")
	if _, err := runFailover(t.Context(), cfg, nodes); !errors.Is(err, nodes.failing) {
		t.Errorf("got %v", err)
	}
}

func TestFailoverThatIsCalledOff(t *testing.T) {
	for _, phase := range []string{PhaseStart, PhaseGrant, PhaseRound} {
		ctx, cancel := context.WithCancel(t.Context())
		cfg := failoverConfig()
		cfg.Rounds = 1_000
		cfg.Watch = func(p Progress) {
			if p.Phase == phase && (phase != PhaseRound || p.Done > 0) {
				cancel()
			}
		}
		got, err := runFailover(ctx, cfg, newFakeNodes(t, newFakeRegistry()))
		if err != nil || !got.Interrupted || got.Failed() != nil || (phase == PhaseRound) != (len(got.Rounds) > 0) {
			t.Errorf("%s: result %+v, %v", phase, got, err)
		}
		cancel()
	}
}

func TestFailoverConfigIsChecked(t *testing.T) {
	for want, change := range map[string]func(*FailoverConfig){
		"no binary":    func(c *FailoverConfig) { c.Binary = "" },
		"rounds -1":    func(c *FailoverConfig) { c.Rounds = -1 },
		"leases -1":    func(c *FailoverConfig) { c.Leases = -1 },
		"ttl 1ms":      func(c *FailoverConfig) { c.TTL = time.Millisecond },
		"steady -1s":   func(c *FailoverConfig) { c.Steady = -time.Second },
		"patience -1s": func(c *FailoverConfig) { c.Patience = -time.Second },
		"prefix":       func(c *FailoverConfig) { c.Prefix = "/" },
	} {
		cfg := failoverConfig()
		change(&cfg)
		if _, err := RunFailover(t.Context(), cfg); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
}

func TestOutageEndsWhenAllHaveWritten(t *testing.T) {
	o := newOutage(2)
	start := time.Now()
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	o.acknowledged(0, at(0), at(1)) // before the kill
	o.begin(at(10), at(15))
	o.acknowledged(0, at(14), at(16)) // sent before it was gone
	o.acknowledged(1, at(20), at(300))
	if o.wait(t.Context(), time.Millisecond) {
		t.Error("one is away")
	}
	o.acknowledged(0, at(200), at(250))
	o.acknowledged(0, at(300), at(310))
	if !o.wait(t.Context(), time.Minute) || o.firstCommit() != 240*time.Millisecond {
		t.Errorf("first commit after %v", o.firstCommit())
	}
}

// TestChildren runs this very test binary as nodes, which end at once.
func TestChildren(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Skip(err)
	}
	bound, released := 0, 0
	cfg := FailoverConfig{Binary: self, ServerArgs: []string{"--more"}}.withDefaults()
	cfg.Bind = func(*exec.Cmd) func() {
		bound++
		return func() { released++ }
	}
	t.Setenv("ROLLCALL_JOIN", "elsewhere")
	c, err := newChildren(&cfg)
	if err != nil {
		t.Fatal(err)
	}
	var addrs []string
	for _, one := range c.list {
		addrs = append(addrs, one.http, one.raft, one.gossip)
	}
	if slices.Sort(addrs); len(slices.Compact(addrs)) != 9 {
		t.Errorf("addresses %v", addrs)
	}
	args := c.arguments(c.list[1])
	if args[0] != "server" || args[2] != "n2" || args[len(args)-1] != "--more" || !slices.Contains(args, c.list[0].gossip+","+c.list[1].gossip+","+c.list[2].gossip) {
		t.Errorf("arguments %v", args)
	}
	if slices.ContainsFunc(environment(), func(v string) bool { return strings.HasPrefix(v, "ROLLCALL_") }) {
		t.Error("the environment sets up the nodes")
	}
	for i := range c.list {
		if err := c.start(i); err != nil {
			t.Fatal(err)
		}
	}
	c.kill(1)
	c.kill(1)
	if err := c.close(); err != nil || bound != 3 || released != 3 {
		t.Errorf("%v; %d bound, %d released", err, bound, released)
	}
	if _, err := os.Stat(c.dir); !os.IsNotExist(err) {
		t.Errorf("the nodes' data is left: %v", err)
	}
	cfg.Binary = "/nowhere"
	if c, err = newChildren(&cfg); err != nil {
		t.Fatal(err)
	}
	if err := c.start(0); err == nil || released != 4 {
		t.Errorf("got %v, %d released", err, released)
	}
	if err := c.close(); err != nil {
		t.Error(err)
	}
}

func TestWhatWasNotRenewedInTimeIsUnverified(t *testing.T) {
	herd := newHerd(Target{}.withDefaults(), 4, time.Second)
	now := time.UnixMilli(100_000)
	herd.leases = []lease{
		{id: "is there", epoch: 1, seq: 2, renewed: 1},
		{id: "ended", epoch: 2, renewed: 99_500},
		{id: "late", epoch: 3, renewed: 98_000},
		{id: "anew", epoch: 4, renewed: 98_000},
	}
	there := map[string]lease{"is there": {epoch: 1, seq: 2}, "anew": {epoch: 5}}
	if got := herd.compare(there, now); got != (losses{ended: 1, unverified: 2}) || len(herd.leases) != 1 {
		t.Errorf("got %+v, %v", got, herd.leases)
	}
}
