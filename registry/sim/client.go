package sim

import (
	"fmt"
	"strconv"
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// habit is how a client behaves.
type habit uint8

const (
	steady    habit = iota // renews every T/3 and never gives up
	flapping               // falls silent now and then, and comes back
	silent                 // falls silent for good, and registers again much later
	leaving                // says goodbye
	replaying              // falls silent, but its old beats come again and again
	patching               // steady, and changes what it says of itself
	rivalling              // two of these want one id
	locking                // registers only where nobody does (If-None-Match: *), and is evicted
	habits
)

// client is one user of one id.
type client struct {
	w     *World
	index int
	name  string
	id    string
	about int // the client after whom its id is named
	habit habit
	ttl   time.Duration

	endpoint int
	attempt  uint32 // counts tries and timers; older ones are void
	doing    registry.Command
	beating  bool // a beat is on its way
	key      string
	keys     int
	careless bool   // sends no Idempotency-Key
	previous uint64 // the epoch before
	epoch    uint64
	seq      uint64 // of the last beat sent
	beats    int    // since the grant
	plan     int    // beats until the habit shows
	replays  int
	since    time.Duration // holds its lease without a break since then
	away     bool          // silent on purpose
	acked    uint64
}

func (c *client) begin(w *World, index int) {
	*c = client{w: w, index: index, about: index, name: "c" + strconv.Itoa(index), ttl: drawTTL(&w.random)}
	c.habit = habit(w.random.n(int(habits)))
	if w.random.p(0.3) {
		c.habit = steady
	}
	c.id = c.name
	if c.habit == rivalling && index > 0 {
		c.about = index - 1
		c.about = w.clients[c.about].about
		c.id = w.clients[c.about].id
	}
	c.endpoint = w.random.n(replicas)
	c.careless = w.random.p(0.2)
	c.away = true
	c.wait(w.random.between(0, 3*time.Second))
}

func (w *World) byID(id string) int {
	n, _ := strconv.Atoi(id[1:])
	return n
}

// steady tells whether the client renews that lease without fault of its own.
func (c *client) steady(l *lease) bool {
	return (c.habit == steady || c.habit == patching) && c.epoch == l.epoch && !c.away && c.w.now-c.since > l.ttl
}

// wait sets the client's timer; whatever else it waited for is void.
func (c *client) wait(d time.Duration) {
	c.attempt++
	c.w.queue.push(c.w.now+d, evClient, c.index, c.attempt)
}

// step is the client's timer.
func (c *client) step(w *World, attempt uint32) {
	if attempt != c.attempt {
		return
	}
	switch {
	case c.replays > 0:
		c.replay()
	case c.epoch == 0:
		c.register()
	default:
		c.next()
	}
}

// next is what a holder does when its time to renew has come.
func (c *client) next() {
	c.away = false
	c.beats++
	if c.beats > c.plan && c.deviate() {
		return
	}
	c.seq++
	if c.w.random.p(0.02) {
		c.seq += uint64(c.w.random.n(5)) // some are left out
	}
	c.beat()
}

// deviate shows the habit.
func (c *client) deviate() bool {
	r := &c.w.random
	c.beats, c.plan = 0, r.n(12)
	switch c.habit {
	case flapping:
		c.away = true
		c.wait(r.between(c.ttl/2, 2*c.ttl+c.ttl/2))
	case silent:
		c.away = true
		c.forget()
		c.wait(r.between(c.ttl, 3*c.ttl+2*time.Second))
	case leaving:
		c.do(&registry.Leave{NS: ns, ID: c.id, Epoch: c.epoch})
	case replaying:
		c.away = true
		c.replays = 2 + r.n(10)
		c.wait(c.ttl / 4)
	case patching:
		tags := []string{"v" + strconv.Itoa(c.beats)}
		c.do(&registry.Patch{NS: ns, ID: c.id, Epoch: c.epoch, Tags: &tags})
	case locking: // an operator's doing
		c.do(&registry.Evict{NS: ns, ID: c.id})
	default:
		return false
	}
	return true
}

// forget ends the client's part in its lease; the next step registers.
func (c *client) forget() {
	if c.epoch != 0 {
		c.previous = c.epoch
	}
	c.epoch, c.key = 0, ""
}

// replay sends an old beat once more, for nobody.
func (c *client) replay() {
	if c.replays--; c.replays == 0 {
		c.forget()
	}
	seq := c.seq
	if c.w.random.p(0.3) && seq > 1 {
		seq -= uint64(c.w.random.n(int(seq)))
	}
	if seq > 0 && c.epoch != 0 {
		c.w.request(c, &request{client: -1, epoch: c.epoch, seq: seq}, 0)
	}
	c.wait(c.ttl / 4)
}

// register asks for a lease, with a key of its own unless it is careless; the
// same key again as long as the fate of the last try is not known.
func (c *client) register() {
	if c.key == "" {
		c.keys++
		c.key = fmt.Sprintf("%s-%d", c.name, c.keys)
	}
	g := &registry.Grant{
		NS: ns, ID: c.id, TTL: uint32(c.ttl / time.Millisecond), Key: c.key, IfAbsent: c.habit == locking,
		Spec: registry.Spec{Service: "web"},
	}
	if c.careless {
		g.Key = ""
	}
	c.do(g)
}
