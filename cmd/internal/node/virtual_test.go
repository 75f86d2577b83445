package node

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/history"
)

// haul is some virtual hours of one cluster under faults, from one seed.
type haul struct {
	seed   uint64
	voters int
	edges  int
	rovers int
	lasts  time.Duration
	quiet  time.Duration // between faults, at most
	calm   int           // see Config
	faults faults
	liar   bool // see striker

	pictures string // of violations: the directory
}

// decideWithin bounds the time for the histories of one seed. Most take moments, some
// many seconds where eight others are judged beside; longer is a failure.
const decideWithin = 5 * time.Minute

// haulHours is how much of each seed is run.
const haulHours = 2

func newHaul(seed uint64) *haul {
	voters, edges := [...]int{3, 3, 3, 5, 1}, [...]int{0, 1, 0, 0, 1}
	return &haul{
		seed: seed, voters: voters[seed%5], edges: edges[seed%5], rovers: 4,
		lasts: haulHours * time.Hour, quiet: 8 * time.Minute, calm: 20,
		pictures: filepath.Join(os.TempDir(), "rollcall-histories", fmt.Sprint("seed-", seed)),
	}
}

func (h *haul) String() string {
	return fmt.Sprintf("%d voters, %d edges, seed %d", h.voters, h.edges, h.seed)
}

func (h *haul) config(i int) Config {
	return Config{
		BootstrapExpect: min(h.voters, 3), Edge: i > h.voters, snapshotBytes: 32 << 10, calm: h.calm,
		TimeoutMultiplier: max(1, float64(h.calm)/2), faults: h.faults,
		Join: []string{host(1) + ":7702", host(2) + ":7702", host(3) + ":7702"},
	}
}

// covered is what hauls amounted to.
type covered struct {
	hours  time.Duration
	faults tally
	asked  int
	open   int // of these nobody knows what became
}

func (s *covered) add(o covered) {
	s.hours += o.hours
	s.faults.add(o.faults)
	s.asked += o.asked
	s.open += o.open
}

func (s covered) String() string {
	return fmt.Sprintf("%.1f virtual hours, %d faults (%.1f an hour): %v; %d requests, %d of unknown outcome",
		s.hours.Hours(), s.faults.sum(), float64(s.faults.sum())/s.hours.Hours(), s.faults, s.asked, s.open)
}

// TestVirtualHours lets clients share leases and mailboxes for hours, on whole
// nodes in virtual time under crashes, cuts, loss, slow and hung disks, pauses
// and lost disks, and asks whether one order explains all that they were told:
// leases (5, 6), mail (8) and linearizable reads (9). ROLLCALL_VIRTUAL_HOURS says
// how many hours, ROLLCALL_STORM_SEEDS which seeds.
func TestVirtualHours(t *testing.T) {
	var sum covered
	sum.faults = make(tally)
	var mu sync.Mutex
	t.Cleanup(func() { t.Log(sum) })
	for _, seed := range haulSeeds(t) {
		h := newHaul(seed)
		if raceDetector {
			h.lasts /= 8
		}
		t.Run(h.String(), func(t *testing.T) {
			t.Parallel()
			got, err := h.run(t)
			if err != nil {
				t.Errorf("ROLLCALL_STORM_SEEDS=%d-%d: %v", seed, seed, err)
			}
			t.Log(got)
			mu.Lock()
			defer mu.Unlock()
			sum.add(got)
		})
	}
}

// haulSeeds returns those asked for, else as many as make the hours asked for.
func haulSeeds(t *testing.T) (seeds []uint64) {
	t.Helper()
	if plans := furtherStorms(t); len(plans) > 0 {
		for _, p := range plans {
			seeds = append(seeds, p.seed)
		}
		return seeds
	}
	hours := haulHours
	if asked := os.Getenv("ROLLCALL_VIRTUAL_HOURS"); asked != "" {
		var err error
		if hours, err = strconv.Atoi(asked); err != nil {
			t.Fatalf("ROLLCALL_VIRTUAL_HOURS: %v", err)
		}
	}
	for n := 0; n < hours; n += haulHours {
		seeds = append(seeds, uint64(1+n/haulHours))
	}
	return seeds
}

// run returns what was done, and an error where the history cannot be.
func (h *haul) run(t *testing.T) (got covered, err error) {
	var recorder *history.Recorder
	bubble(t, func(c *cluster) {
		c.client.Timeout = 5 * time.Second
		c.within = 10 * time.Minute
		got, recorder = h.rage(c)
	})
	if recorder == nil {
		return got, nil // it gave up, and said why
	}
	got.asked, got.open = recorder.Len()
	return got, recorder.Check(h.pictures, decideWithin)
}

// rage does one fault after another, and long nothing.
func (h *haul) rage(c *cluster) (got covered, recorder *history.Recorder) {
	var hosts []string
	for i := 1; i <= h.voters+h.edges; i++ {
		c.startAt(name(i), host(i), h.config(i))
		hosts = append(hosts, host(i))
	}
	c.ready()
	ctx, stop := context.WithCancel(c.t.Context())
	defer stop()
	clients := newRovers(c, hosts)
	var group sync.WaitGroup
	for i := range h.rovers {
		group.Go(func() { clients.run(ctx, i, rand.New(rand.NewPCG(h.seed, uint64(i)))) })
	}
	s := &striker{
		c: c, rnd: rand.New(rand.NewPCG(h.seed, 1<<32)), voters: h.voters, pace: 1 + h.calm/4, liar: h.liar,
		start: func(name string) { h.start(c, name) },
	}
	began := time.Now()
	got.faults = make(tally)
	for time.Since(began) < h.lasts && !c.t.Failed() {
		pass(time.Duration(s.rnd.Int64N(int64(h.quiet))))
		h.spell(s, clients, got.faults)
	}
	stop()
	group.Wait()
	c.ready()
	c.same()
	got.hours = time.Since(began)
	return got, clients.history
}

// spell is one fault, or a few, and the time until the cluster is well again.
func (h *haul) spell(s *striker, clients *rovers, done tally) {
	clients.move()
	clients.hurry()
	defer clients.rest()
	pass(2 * time.Second)
	for range 1 + s.rnd.IntN(3) {
		if name := s.next(); name != "" {
			done[name]++
		}
		pass(time.Duration(s.rnd.IntN(3000)) * time.Millisecond)
	}
	pass(5 * time.Second)
}

func (h *haul) start(c *cluster, name string) {
	var i int
	if _, err := fmt.Sscanf(name, "n%d", &i); err != nil {
		c.t.Fatal(err)
	}
	c.startAt(name, host(i), h.config(i))
}
