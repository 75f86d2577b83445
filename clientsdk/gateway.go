package clientsdk

import (
	"container/list"
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

var (
	// ErrGatewayFull is returned when GatewayConfig.Leases are tracked.
	ErrGatewayFull = errors.New("the gateway tracks as many leases as it may")
	// ErrNotTracked is returned for an id that the gateway does not track.
	ErrNotTracked = errors.New("the gateway does not track this id")
)

// GatewayConfig bounds a gateway.
type GatewayConfig struct {
	Leases  int           // most leases tracked (default 100,000), some 200 bytes each
	Batch   int           // most beats a request (default 1,000, at most 10,000)
	Workers int           // most requests on their way (default 2)
	Linger  time.Duration // how long a beat may wait for company (default 20 ms, negative: not)

	// OnResults hears what became of the beats of one request, one call at a
	// time. While it runs, a worker does not send. A panic in it is contained.
	OnResults func([]BeatResult)
}

// BeatResult is what became of one beat.
type BeatResult struct {
	ID      string
	Epoch   uint64
	Seq     uint64
	Sent    time.Time // no later than the sending of the beat that counted: T counts from here
	Pending int       // messages that wait for the id
	Code    wire.Code // why the cluster refused it, "" where it did not
	Err     error     // there was no definite answer; the next beat takes the next seq
}

// Acknowledged says that the renewal is committed.
func (r BeatResult) Acknowledged() bool { return r.Code == "" && r.Err == nil }

// Gone says that the epoch has ended: the gateway no longer tracks it, and the
// device has to be granted a new one.
func (r BeatResult) Gone() bool {
	switch r.Code {
	case wire.CodeLeaseEnded, wire.CodeSuperseded, wire.CodeLeaseNotFound:
		return true
	}
	return false
}

// Gateway renews the leases of devices that it hears of, many in one request.
// It decides nothing: the device's sign of life is a call of Beat, and a
// device that is not heard is not renewed. It is safe for concurrent use.
type Gateway struct {
	client *Client
	config GatewayConfig
	stop   context.CancelCauseFunc
	wg     sync.WaitGroup
	wake   chan struct{} // level-triggered: the queue is not empty

	telling sync.Mutex // one OnResults at a time

	mu     sync.Mutex // guards what follows
	leases map[string]*tracked
	queue  list.List // of *tracked: each at most once, so len(leases) bounds it
}

// tracked is one device's lease.
type tracked struct {
	id    string
	epoch uint64
	seq   uint64        // the last one taken
	place *list.Element // in the queue, or nil
	busy  bool          // a beat is on its way
	again bool          // heard meanwhile: queue once more when that is settled
}

// NewGateway starts a gateway, which ends with Close or with its client.
func NewGateway(c *Client, config GatewayConfig) (*Gateway, error) {
	orDefault(&config.Leases, 100_000)
	orDefault(&config.Batch, 1000)
	orDefault(&config.Workers, 2)
	if config.Linger == 0 {
		config.Linger = 20 * time.Millisecond
	}
	if config.Batch > wire.MaxBeats {
		return nil, invalid("batch", "a request holds at most 10,000 beats")
	}
	g := &Gateway{client: c, config: config, wake: make(chan struct{}, 1), leases: map[string]*tracked{}}
	ctx, stop := c.bound(context.Background())
	g.stop = stop
	for range config.Workers {
		g.wg.Add(1)
		if !c.spawn(func() { defer g.wg.Done(); g.work(ctx) }) {
			g.wg.Done()
			_ = g.Close()
			return nil, ErrClosed
		}
	}
	return g, nil
}

// Close stops the gateway and waits for its workers; beats that wait are
// dropped, leases run on. Not to be called from OnResults. It returns nil.
func (g *Gateway) Close() error {
	g.stop(ErrClosed)
	g.wg.Wait()
	return nil
}

// Grant registers a device and tracks its lease. ErrGatewayFull comes beside
// the grant, which is then not tracked.
func (g *Gateway) Grant(ctx context.Context, id string, reg wire.Registration) (*wire.Grant, error) {
	grant, err := g.client.Grant(ctx, id, reg, GrantOptions{Key: rand.Text()})
	if err != nil {
		return nil, err
	}
	return grant, g.Track(grant.ID, grant.Epoch, grant.Seq)
}

// Track begins to renew an epoch that was granted before, after the last seq
// that was used in it. An earlier epoch of the id is forgotten.
func (g *Gateway) Track(id string, epoch, seq uint64) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, known := g.leases[id]; !known && len(g.leases) >= g.config.Leases {
		return ErrGatewayFull
	}
	g.forget(id)
	g.leases[id] = &tracked{id: id, epoch: epoch, seq: seq}
	return nil
}

// Forget stops tracking an id. Its lease runs on for T.
func (g *Gateway) Forget(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.forget(id)
}

func (g *Gateway) forget(id string) {
	t, known := g.leases[id]
	if !known {
		return
	}
	if t.place != nil {
		g.queue.Remove(t.place)
	}
	delete(g.leases, id)
}

// Tracked returns how many leases are tracked.
func (g *Gateway) Tracked() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.leases)
}

// Beat says that a device is alive now, and has its lease renewed. It returns
// at once; a device that is heard again before its beat has left needs, and
// gets, only the one.
func (g *Gateway) Beat(id string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	t, known := g.leases[id]
	if !known {
		return ErrNotTracked
	}
	switch {
	case t.busy:
		t.again = true
	case t.place == nil:
		g.enqueue(t)
	}
	return nil
}

func (g *Gateway) enqueue(t *tracked) {
	t.place = g.queue.PushBack(t)
	g.signal()
}

func (g *Gateway) signal() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}
