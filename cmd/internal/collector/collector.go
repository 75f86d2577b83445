package collector

import (
	"context"
	"sync"
	"time"
)

// Collector owns what waits to be proposed, and what is on its way. Its methods
// may be called at any time, from any goroutine.
type Collector struct {
	cfg    Config
	wake   chan struct{} // capacity 1: there may be something to send
	timers sync.Pool     // of *time.Timer, for Patience

	mu       sync.Mutex // guards all below, and the units that wait
	at       *attachment
	closed   bool
	nudged   bool // wake was told since the last look
	pause    pause
	lastID   uint64
	waiting  load
	renewals queue
	commands queue
	crowd    *unit // the one that single beats join; nil: the next makes one
	barrier  *unit // the one that barriers join
	burials  burials
	flights  []*flight
	rate     rate
	arrived  int // beats since the rate was last observed
	refusing bool
	usual    int // beats of the last crowd: the room to make for the next
}

// pause says why Run waits for its timer, so that beats need not wake it.
type pause uint8

const (
	noPause   pause = iota
	lingering       // for company: what cannot linger ends it
	resting         // after a failure: only another sink ends it
)

// attachment is one sink for as long as it is the place where batches go.
type attachment struct {
	sink     Sink
	leading  bool
	inFlight int
	failures int       // in a row
	rest     time.Time // nothing is sent before
}

// New returns a collector that nobody runs yet, attached to nothing.
func New(cfg Config) *Collector {
	cfg.withDefaults()
	c := &Collector{cfg: cfg, wake: make(chan struct{}, 1), at: &attachment{}}
	c.timers.New = func() any { return time.NewTimer(time.Hour) }
	return c
}

// Run forms batches until ctx ends. Then what waits is answered with
// ErrNotSent, what is on its way when its sink says so, and all that comes
// later is refused.
func (c *Collector) Run(ctx context.Context) {
	defer c.close()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		case <-timer.C:
		}
		timer.Stop()
		if wait := c.dispatch(); wait > 0 {
			timer.Reset(wait)
		}
	}
}

// Attach says where batches go from now on; with nil everything waits. What is
// on its way to the sink before is still answered by that one. leading says
// that s is this node's own log, by its own term: only then may beats linger,
// followers' frames come in and burials go out. Frames and burials do not
// outlive the sink for which they came.
func (c *Collector) Attach(s Sink, leading bool) {
	c.mu.Lock()
	c.at = &attachment{sink: s, leading: leading && s != nil}
	c.burials, c.pause = burials{}, noPause
	var frames []*unit
	for _, q := range []*queue{&c.renewals, &c.commands} {
		q.each(func(u *unit) {
			if u.reply != nil {
				c.leave(u)
				frames = append(frames, u)
			}
		})
	}
	c.nudge()
	c.mu.Unlock()
	refuse(frames, ErrNotSent)
}

func (c *Collector) close() {
	c.mu.Lock()
	c.closed, c.burials = true, burials{}
	var all []*unit
	for _, q := range []*queue{&c.renewals, &c.commands} {
		q.each(func(u *unit) {
			c.leave(u)
			u.answered = u.detach()
			all = append(all, u)
		})
	}
	c.mu.Unlock()
	refuse(all, errStopped)
}

func refuse(units []*unit, err error) {
	for _, u := range units {
		u.finish(nil, Commit{}, err)
	}
}

// enqueue lets a new unit wait, or refuses it. The caller holds the lock.
func (c *Collector) enqueue(u *unit) error {
	if err := c.admit(u.load); err != nil {
		return err
	}
	c.arrived += u.load.beats
	c.queue(u)
	c.nudge()
	return nil
}

func (c *Collector) queue(u *unit) {
	c.lastID++
	u.id, u.since = c.lastID, time.Now()
	c.enter(u)
}

func (c *Collector) admit(l load) error {
	switch {
	case c.closed:
		return errStopped
	case c.cfg.admit(c.waiting, l):
		return nil
	case l.commands == 0 || l.groups > 0:
		c.refusing = true
	}
	return ErrOverloaded
}

// enter and leave keep the queues and the account of what waits in step.
func (c *Collector) enter(u *unit) {
	c.waiting.add(u.load)
	if u.renewal() {
		c.renewals.insert(u)
	} else {
		c.commands.insert(u)
	}
}

func (c *Collector) leave(u *unit) {
	u.queue.remove(u)
	c.waiting.sub(u.load)
	switch u {
	case c.crowd:
		c.crowd = nil
	case c.barrier:
		c.barrier = nil
	}
}

// nudge wakes Run if there may be something for it to do. It is called under
// the lock for every single beat, so it wakes seldom: not while a nudge is
// under way, nor while there is no room, nor while a timer will do.
func (c *Collector) nudge() {
	if c.nudged || !c.open() || c.pause == resting || c.pause == lingering && c.company() {
		return
	}
	c.nudged = true
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// open says that a batch could leave, if not now then after a rest.
func (c *Collector) open() bool {
	return c.at.sink != nil && c.at.inFlight < c.cfg.MaxInFlight
}

// company says that all that waits is beats, too few to leave at once.
func (c *Collector) company() bool {
	return c.waiting.beats < c.cfg.LingerBeats && c.waiting.parts == 0 &&
		c.commands.front == nil && c.burials.none()
}
