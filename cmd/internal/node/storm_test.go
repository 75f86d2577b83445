package node

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/collector"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// stormPlan is one storm: so many nodes under so many faults, from one seed.
type stormPlan struct {
	seed    uint64
	voters  int
	edges   int
	clients int
	lasts   time.Duration
}

func (p stormPlan) String() string {
	return fmt.Sprintf("%d voters, %d edges, seed %d", p.voters, p.edges, p.seed)
}

func (p stormPlan) config(i int) Config {
	expect := min(p.voters, 3)
	cfg := Config{
		BootstrapExpect: expect, Edge: i > p.voters, snapshotBytes: 32 << 10,
		Join: []string{host(1) + ":7702", host(2) + ":7702", host(3) + ":7702"},
	}
	if p.seed%2 == 0 {
		cfg.Protection = []registry.Protection{{
			NS: "default", Threshold: 0.2, MinPopulation: 3, MaxHold: maxHold, Window: 5 * time.Second,
		}}
	}
	return cfg
}

// maxHold is how long leases are held in the storms of even seeds.
const maxHold = 4 * time.Second

// TestClusterStorm lets clients renew, register and read through crashes, restarts,
// partitions, one-way cuts and transfers, with a snapshot every few seconds,
// and holds every answer against the promises: what was acknowledged is kept
// (1), nobody ends early (3), watches have no gap (7), no message vanishes or
// comes twice (8), reads are what they say they are (9), and in the end all
// replicas are the same (10).
func TestClusterStorm(t *testing.T) {
	plans := []stormPlan{
		{seed: 1, voters: 3, clients: 8, lasts: 30 * time.Second},
		{seed: 2, voters: 3, edges: 1, clients: 8, lasts: 40 * time.Second},
		{seed: 3, voters: 5, clients: 8, lasts: 25 * time.Second},
		{seed: 4, voters: 1, edges: 1, clients: 6, lasts: 20 * time.Second},
	}
	for _, p := range append(plans, furtherStorms(t)...) {
		t.Run(p.String(), func(t *testing.T) { bubble(t, p.run) })
	}
}

// furtherStorms are those of the seeds asked for: ROLLCALL_STORM_SEEDS=100-119.
func furtherStorms(t *testing.T) (list []stormPlan) {
	asked := os.Getenv("ROLLCALL_STORM_SEEDS")
	if asked == "" {
		return nil
	}
	var first, last uint64
	if _, err := fmt.Sscanf(asked, "%d-%d", &first, &last); err != nil {
		t.Fatalf("ROLLCALL_STORM_SEEDS=%s: %v", asked, err)
	}
	voters, edges := [...]int{3, 3, 5, 3, 1}, [...]int{1, 0, 0, 2, 1}
	for seed := first; seed <= last; seed++ {
		list = append(list, stormPlan{seed: seed, voters: voters[seed%5], edges: edges[seed%5], clients: 8, lasts: 40 * time.Second})
	}
	return list
}

func (p stormPlan) run(c *cluster) {
	var hosts []string
	for i := 1; i <= p.voters+p.edges; i++ {
		c.startAt(name(i), host(i), p.config(i))
		hosts = append(hosts, host(i))
	}
	c.ready()
	ctx, stop := context.WithCancel(c.t.Context())
	defer stop()
	counts := make([]stormCounts, p.clients+stormOthers)
	var clients sync.WaitGroup
	newWitness := func(i int) *witness {
		return &witness{
			c: c, t: c.t, rnd: rand.New(rand.NewPCG(p.seed, uint64(i))), id: fmt.Sprint("witness-", i),
			hosts: hosts, ttl: time.Duration(1+i%4) * time.Second, counts: &counts[i],
		}
	}
	for i := range p.clients {
		w := newWitness(i)
		clients.Go(func() { w.run(ctx) })
	}
	others := p.others(newWitness)
	for _, o := range others {
		clients.Go(func() { o.run(ctx) })
	}
	faults := p.rage(c)
	stop()
	clients.Wait()
	p.calm(c, others)
	var sum stormCounts
	for _, one := range counts {
		sum.add(one)
	}
	c.t.Logf("%+v, %d faults %v", sum, len(faults), faults)
	if sum.sent < 10*posters || sum.mailRead < 2*posters || sum.pushed < 10 || sum.renewals < 5*p.clients || sum.linearizable < 2*p.clients || sum.local < 2*p.clients {
		c.t.Errorf("too little was done: %+v", sum)
	}
}

// calm checks, after a storm, what is left of it.
func (p stormPlan) calm(c *cluster, others []stormy) {
	c.ready()
	c.same()
	pass(5 * time.Second) // what was given back comes again
	for _, o := range others {
		o.finish(c)
	}
	pass(maxHold + 10*time.Second) // nobody renews, and no TTL is longer than 5 s
	for _, r := range c.nodes {
		r.View(func(state *registry.Replica, _ time.Duration) {
			if state.Len() > 0 {
				c.t.Errorf("on %s %d leases did not end, %d are held", r.name, state.Len(), state.Held())
			}
		})
	}
}

// stormOthers is how many go through a storm beside the witnesses.
const (
	posters     = 3
	stormOthers = posters + 4
)

// stormy goes through a storm, and is asked in the end whether all was well.
type stormy interface {
	run(ctx context.Context)
	finish(c *cluster)
}

// others are those who send messages, those who watch, and one with a session.
func (p stormPlan) others(newWitness func(int) *witness) (list []stormy) {
	next := func() *witness { return newWitness(p.clients + len(list)) }
	for i := range posters {
		list = append(list, newPoster(next(), i))
	}
	for _, filter := range []string{"ns=default", "service=storm", "id=witness-0"} {
		list = append(list, &onlooker{witness: next(), filter: filter})
	}
	return append(list, &addressee{witness: next()})
}

// rage does one fault after another, and says which.
func (p stormPlan) rage(c *cluster) (done []string) {
	rnd := rand.New(rand.NewPCG(p.seed, 1<<32))
	until := time.Now().Add(p.lasts)
	for time.Now().Before(until) {
		pass(time.Duration(rnd.IntN(3000)) * time.Millisecond)
		one, other := name(1+rnd.IntN(p.voters+p.edges)), name(1+rnd.IntN(p.voters+p.edges))
		if rnd.IntN(2) == 0 {
			one = c.leader().name
		}
		switch rnd.IntN(7) {
		case 0:
			done = append(done, "kill "+one)
			p.restart(c, rnd, one)
		case 1:
			done = append(done, "isolate "+one)
			c.isolate(c.nodes[one])
			pass(time.Duration(rnd.IntN(4000)) * time.Millisecond)
			c.rejoin(c.nodes[one])
		case 2:
			if one != other {
				done = append(done, "cut "+one+" → "+other)
				c.peers.CutOneWay(c.nodes[one].host, c.nodes[other].host)
				pass(time.Duration(rnd.IntN(4000)) * time.Millisecond)
				c.peers.Heal(c.nodes[one].host, c.nodes[other].host)
			}
		case 3:
			done = append(done, "transfer")
			_, _ = c.do(c.nodes[other], "POST", "/v1/cluster/transfer", nil)
		case 4:
			if one != other {
				done = append(done, "reset "+one+" "+other)
				c.peers.Reset(c.nodes[one].host, c.nodes[other].host)
			}
		case 5:
			if rnd.IntN(3) == 0 {
				done = append(done, "kill all")
				p.restart(c, rnd, c.names()...)
			}
		case 6:
			if p.voters > 1 {
				done = append(done, "replace the disk of "+one)
				p.replace(c, one)
			}
		}
	}
	return done
}

func (c *cluster) names() (list []string) {
	for n := range c.nodes {
		list = append(list, n)
	}
	return list
}

// restart takes nodes away and brings them back.
func (p stormPlan) restart(c *cluster, rnd *rand.Rand, names ...string) {
	for _, n := range names {
		c.kill(c.nodes[n])
	}
	pass(time.Duration(rnd.IntN(3000)) * time.Millisecond)
	for _, n := range names {
		p.start(c, n)
	}
}

// replace brings a node back with an empty disk, and waits until it is one of
// the cluster again: it comes in by a snapshot.
func (p stormPlan) replace(c *cluster, name string) {
	c.kill(c.nodes[name])
	if err := os.RemoveAll(filepath.Join(c.dir, name)); err != nil {
		c.t.Fatal(err)
	}
	p.start(c, name)
	c.ready()
}

func (p stormPlan) start(c *cluster, name string) {
	var i int
	if _, err := fmt.Sscanf(name, "n%d", &i); err != nil {
		c.t.Fatal(err)
	}
	c.startAt(name, host(i), p.config(i))
}

// same checks that all replicas have one state, as of a check that all noted: the
// leader makes checks of its own, which may come in between.
func (c *cluster) same() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 10*time.Second)
	defer cancel()
	digests, comparable := c.digests(ctx)
	for !comparable {
		digests, comparable = c.digests(ctx)
	}
	if len(digests) != 1 {
		c.t.Errorf("the replicas differ: %v", digests)
	}
}

// digests returns who has which, false where a node has noted a later check.
func (c *cluster) digests(ctx context.Context) (digests map[uint64][]string, comparable bool) {
	c.t.Helper()
	at := c.check(ctx)
	digests = make(map[uint64][]string)
	for _, r := range c.nodes {
		if err := r.store.AwaitIndex(ctx, at.Index); err != nil {
			c.t.Errorf("%s: %v", r.name, err)
			continue
		}
		index, digest := r.lastCheck()
		if index < at.Index {
			c.t.Errorf("%s noted a check at %d, want %d", r.name, index, at.Index)
		}
		if index > at.Index {
			return nil, false
		}
		digests[digest] = append(digests[digest], r.name)
	}
	return digests, true
}

// check commits one.
func (c *cluster) check(ctx context.Context) collector.Commit {
	c.t.Helper()
	for {
		_, at, err := c.leader().collector.Do(ctx, &registry.Check{})
		if err == nil {
			return at
		}
		if ctx.Err() != nil {
			c.t.Fatalf("no check was committed: %v", err)
		}
	}
}
