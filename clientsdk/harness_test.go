package clientsdk

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// testTTL is the T of the tests, a multiple of 24 so that its parts are round.
const testTTL = 12 * time.Second

var endpoints = []string{"http://n1", "http://n2", "http://n3"}

// bubble runs f in virtual time with a cluster and a client, whose clock is
// the bubble's and can be put ahead as if the machine had slept.
func bubble(t *testing.T, f func(t *testing.T, b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{cluster: newCluster()}
		b.client = b.dial(t, endpoints...)
		f(t, b)
		_ = b.client.Close()
	})
}

// bench is what a test works with.
type bench struct {
	*cluster
	client *Client
	slept  atomic.Int64 // time in suspend, nanoseconds
}

// dial makes a client of the cluster that begins with the first endpoint.
func (b *bench) dial(t *testing.T, ends ...string) *Client {
	t.Helper()
	c, err := New(Config{Endpoints: ends, Transport: b.cluster})
	if err != nil {
		t.Fatalf("new client: %v", err)
	}
	c.ends.turn.Store(0)
	start := time.Now()
	c.clock.boot = func() time.Duration {
		return time.Since(start) + time.Duration(b.slept.Load())
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// suspend lets d pass for the cluster and the boot clock, and for nobody else.
func (b *bench) suspend(d time.Duration) {
	b.slept.Add(int64(d))
	b.with(func(c *cluster) { c.skew += d })
}

// with runs f under the cluster's lock.
func (c *cluster) with(f func(*cluster)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(c)
}

// all sets every node.
func (c *cluster) all(f func(*modelNode)) {
	c.with(func(c *cluster) {
		for _, n := range c.nodes {
			f(n)
		}
	})
}

func (c *cluster) node(name string, f func(*modelNode)) {
	c.with(func(c *cluster) { f(c.nodes[name]) })
}

// record returns the requests so far whose path ends so.
func (c *cluster) record(method string) []hit {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.hits), func(h hit) bool { return h.method != method })
}

func (c *cluster) forgetHits() { c.with(func(c *cluster) { c.hits = nil }) }

// lease returns a copy of what the cluster knows of an id.
func (c *cluster) lease(id string) (l modelLease) {
	c.with(func(c *cluster) {
		c.bury()
		if found := c.leases[id]; found != nil {
			l = *found
		}
	})
	return l
}

func (c *cluster) sorted() []*modelLease {
	return slices.SortedFunc(maps.Values(c.leases), func(a, b *modelLease) int { return cmp.Compare(a.id, b.id) })
}

// register registers web-1 with testTTL.
func (b *bench) register(t *testing.T, change func(*Registration)) *Lease {
	t.Helper()
	reg := Registration{ID: "web-1", Service: "web", TTL: testTTL}
	if change != nil {
		change(&reg)
	}
	l, err := b.client.Register(t.Context(), reg)
	if err != nil {
		t.Fatalf("register: %v", err)
	}
	return l
}

// pass lets virtual time go by.
func pass(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
	synctest.Wait()
}

// journal collects what callbacks hear.
type journal[T any] struct {
	mu    sync.Mutex
	lines []T
}

func (j *journal[T]) add(v T) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, v)
}

func (j *journal[T]) all() []T {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.lines)
}

// done says whether a lease's keeping has ended.
func done(l *Lease) bool {
	select {
	case <-l.Done():
		return true
	default:
		return false
	}
}

func background() context.Context { return context.Background() }
