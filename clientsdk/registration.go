package clientsdk

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// Registration says what to be present as, and how.
type Registration struct {
	ID      string // unique in its namespace; "": the cluster makes one, which is then kept
	Service string
	Address string
	Port    int
	Tags    []string
	Meta    map[string]string

	// TTL is T, from 500 ms to 24 h, 0 for the cluster's default of 10 s. A
	// holder that falls silent is dead T later; a shorter T costs more
	// heartbeats (one every T/3) and forgives shorter faults.
	TTL time.Duration

	// Exclusive refuses to take over a live id: registration as a lock. Without
	// it the newest registration of an id wins, and the holder before it loses.
	Exclusive bool

	// Reclaim asks for the id again after it was taken over, evicted or given
	// back by somebody else, which otherwise ends the keeping. It waits at
	// least T, longer each time, and then takes the id only while nobody holds
	// it: of two processes of one id one holds it and the other stands by.
	Reclaim bool

	// Health gates the grant and every renewal: while it returns an error, the
	// lease is not renewed, and so in the end dies. It must return when its
	// context ends. nil: always well.
	Health func(context.Context) error

	// HealthTimeout bounds one call of Health (default and at most T/6).
	HealthTimeout time.Duration

	// The callbacks are called in order, one at a time, on a goroutine of the
	// lease's own; a panic in one is contained. nil: not called.
	OnState   func(Status)     // after every change of state
	OnLost    func(*LostError) // whenever the cluster ended an epoch, also when it is asked for again
	OnQuality func(Quality)    // when Quality.Level has changed
}

// ttl is what T will be, as far as that is known before the grant.
func (r *Registration) ttl() time.Duration {
	if r.TTL > 0 {
		return max(r.TTL, wire.MinTTL)
	}
	return wire.DefaultTTL
}

func (r *Registration) hasCallbacks() bool {
	return r.OnState != nil || r.OnLost != nil || r.OnQuality != nil
}

// wire is the request's body.
func (r *Registration) wire() wire.Registration {
	return wire.Registration{
		Service: r.Service, Address: r.Address, Port: r.Port,
		Tags: r.Tags, Meta: r.Meta, TTLMS: wholeMS(r.TTL),
	}
}

// wholeMS is a TTL in milliseconds. A fraction counts as a whole one: what is
// too short is to be refused, and not to become 0, which asks for the default.
func wholeMS(d time.Duration) int64 {
	ms := d.Milliseconds()
	switch rest := d % time.Millisecond; {
	case rest > 0:
		return ms + 1
	case rest < 0:
		return ms - 1
	}
	return ms
}

// clone takes nothing with it that the caller could change.
func (r Registration) clone() Registration {
	r.Tags = slices.Clone(r.Tags)
	r.Meta = maps.Clone(r.Meta)
	return r
}

// leasePath is the path of one lease, or of the collection where id is empty.
func leasePath(id string) string {
	if id == "" {
		return wire.PathLeases
	}
	return wire.PathLeases + "/" + url.PathEscape(id)
}
