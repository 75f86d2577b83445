//go:build e2e

package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// What the nodes get at once in TestOverload, beside 1,000 heartbeats a second.
const (
	overloadFor     = 20 * time.Second
	overloadGrants  = 5_000 // asked for at a time, of one node: more than may wait
	overloadMemory  = 800 << 20
	overloadRenewed = 5_000
)

// TestOverload asks for several times what three nodes can carry, in grants, lists,
// watches and messages, while leases are renewed: no renewed lease ends, what was
// acknowledged is there, memory stays bounded, and who is refused is told when to
// come again.
func TestOverload(t *testing.T) {
	c := startCluster(t, 3)
	keep := c.bench("renew", "--leases", fmt.Sprint(overloadRenewed), "--ttl", "20s", "--rate", "1000", "--workers", "256", "--duration", "30s")
	kept := make(chan []byte, 1)
	go func() {
		out, _ := keep.Output() // it fails by what it tells
		kept <- out
	}()
	eventually(t, time.Minute, "all leases that are to be renewed are there", func() bool {
		return c.largest() >= overloadRenewed
	})
	ctx, stop := context.WithTimeout(t.Context(), overloadFor)
	defer stop()
	for _, noise := range [][]string{
		{"list", "--leases", "1000", "--workers", "64", "--duration", "1h"},
		{"watch", "--watchers", "300", "--every", "20ms", "--duration", "1h"},
		{"mail", "--senders", "128", "--messages", "10000000", "--together"},
	} {
		cmd := c.bench(noise...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(syscall.SIGKILL) })
		t.Cleanup(func() { _ = cmd.Wait() })
	}
	flood := newFlood(c.leader(t).endpoint())
	flood.run(ctx)
	most := c.memory(t)

	var result struct {
		Renewals int64            `json:"renewals"`
		Lost     int64            `json:"leases_lost"`
		Codes    map[string]int64 `json:"error_codes"`
	}
	if err := json.Unmarshal(<-kept, &result); err != nil {
		t.Fatalf("the renewals: %v", err)
	}
	t.Logf("%d renewals (%v not), %d grants, %d refused, at most %d MB", result.Renewals, result.Codes, len(flood.granted), flood.refused, most>>20)
	if result.Lost > 0 || result.Renewals < overloadRenewed {
		t.Errorf("%d renewals, %d renewed leases ended", result.Renewals, result.Lost)
	}
	if most > overloadMemory {
		t.Errorf("a node took %d MB", most>>20)
	}
	flood.check(t, c)
}

// bench prepares a load of the cluster, told as JSON.
func (c cluster) bench(args ...string) *exec.Cmd {
	args = append([]string{"bench"}, args...)
	cmd := exec.Command(rollcall, append(args, "--endpoints", strings.Join(c.endpoints(), ","), "-o", "json")...)
	cmd.Env = os.Environ()
	return cmd
}

// largest returns how many leases the largest service has, by the first node.
func (c cluster) largest() (most int) {
	var page wire.ServicesPage
	get(c[0].endpoint(), wire.PathServices, &page)
	for _, s := range page.Services {
		most = max(most, s.Alive)
	}
	return most
}

// memory returns what the largest of the nodes has resident, in bytes.
func (c cluster) memory(t *testing.T) (most int) {
	t.Helper()
	for _, p := range c {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if of, ok := strings.CutPrefix(line, "VmHWM:"); ok {
				kb, _ := strconv.Atoi(strings.Fields(of)[0])
				most = max(most, kb<<10)
			}
		}
	}
	return most
}

// flood asks one node for grants without end.
type flood struct {
	endpoint string

	mu      sync.Mutex // guards what follows
	granted map[string]uint64
	refused int
	wrong   []string // refusals that do not say when to come again
}

func newFlood(endpoint string) *flood {
	return &flood{endpoint: endpoint, granted: make(map[string]uint64)}
}

func (f *flood) run(ctx context.Context) {
	var workers sync.WaitGroup
	for range overloadGrants {
		workers.Go(func() {
			pass(ctx, rand.N(time.Second))
			for ctx.Err() == nil {
				f.ask(ctx)
			}
		})
	}
	workers.Wait()
}

func (f *flood) ask(ctx context.Context) {
	id := fmt.Sprintf("flood-%x", rand.Uint64())
	var g wire.Grant
	a := send(ctx, "PUT", f.endpoint+"/v1/leases/"+id, wire.Registration{Service: "flood", TTLMS: time.Hour.Milliseconds()}, &g)
	f.mu.Lock()
	switch {
	case a.ok():
		f.granted[id] = g.Epoch
	case a.status == 429 || a.status == 503:
		f.refused++
		if a.header.Get("Retry-After") == "" {
			f.wrong = append(f.wrong, a.String())
		}
	}
	f.mu.Unlock()
	if !a.ok() {
		pass(ctx, 100*time.Millisecond)
	}
}

// check looks for all that was acknowledged.
func (f *flood) check(t *testing.T, c cluster) {
	t.Helper()
	if f.refused == 0 || len(f.granted) == 0 {
		t.Errorf("%d grants, %d refusals: that was no overload", len(f.granted), f.refused)
	}
	if len(f.wrong) > 0 {
		t.Errorf("%d refusals without Retry-After, such as %s", len(f.wrong), f.wrong[0])
	}
	for cursor := ""; ; {
		var page wire.AlivePage
		if a := get(c[1].endpoint(), "/v1/alive?service=flood&limit=1000&consistency=linearizable&cursor="+cursor, &page); !a.ok() {
			t.Fatalf("list: %s", a)
		}
		for _, l := range page.Alive {
			if f.granted[l.ID] == l.Epoch {
				delete(f.granted, l.ID)
			}
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	if len(f.granted) > 0 {
		t.Errorf("%d acknowledged grants are not there", len(f.granted))
	}
}
