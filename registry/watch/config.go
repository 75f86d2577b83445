package watch

import (
	"errors"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// Config is what a Hub is made of. Zero values take the defaults named.
type Config struct {
	// Encode returns an event as one JSON object without a line break. It is
	// called once for each event of the ring, and for each that a subscriber reads
	// from the log; under the hub's lock only for those that came while nobody
	// subscribed.
	Encode func(*registry.Event) []byte
	// Log returns the first events after a revision, at most limit of them (0 or
	// more), and the oldest revision kept; false when one after it is no longer
	// kept.
	Log func(after uint64, limit int) (events []registry.Event, oldest uint64, kept bool)
	// Revision returns a revision that the registry has applied. Log must know
	// all events up to it.
	Revision func() uint64

	// Ring is how many of the newest events are kept encoded. More lets slower
	// readers share the encoding, for about 2 KiB each. Default 4,096.
	Ring int
	// RingBytes bounds what these events hold encoded. Default 16 MiB.
	RingBytes int
	// Subscriptions bounds how many there are at once; one takes about 300
	// bytes. Default 65,536.
	Subscriptions int
	// Bells bounds how many ids are listened to at once, those of all listeners
	// together; one takes about 250 bytes. Default 1,048,576.
	Bells int
}

func (c *Config) fill() error {
	if c.Encode == nil || c.Log == nil || c.Revision == nil {
		return errors.New("watch: want Encode, Log and Revision")
	}
	for _, f := range []struct {
		field     *int
		otherwise int
	}{{&c.Ring, 4096}, {&c.RingBytes, 16 << 20}, {&c.Subscriptions, 65_536}, {&c.Bells, 1 << 20}} {
		if *f.field == 0 {
			*f.field = f.otherwise
		}
		if *f.field < 0 {
			return errors.New("watch: a limit is negative")
		}
	}
	return nil
}
