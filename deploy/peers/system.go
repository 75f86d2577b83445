package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	portsNeeded = 9                // three nodes of rollcall; the others need fewer
	readyWithin = 30 * time.Second // a system must serve after its start
	pollEvery   = 20 * time.Millisecond
)

// server is what was started, of whatever kind.
type server interface{ nodes() []*process }

// system is one peer, started afresh for one work: what every peer can do, so
// that a work is written once for all of them.
type system interface {
	server
	leader(ctx context.Context) (int, error) // the index of the node that decides

	// writer connects to one node. What it writes is as durable when it returns
	// as the peer makes it.
	writer(ctx context.Context, node int) (writer, error)

	// lister connects to one node and returns what lists every lease of the
	// class with its data, and says how many that were.
	lister(ctx context.Context, node int, class string, how consistency) (list func(context.Context) (int, error), end func(), err error)

	// watch tells of every lease of the class that comes or goes, until ctx
	// ends, which is no error. It calls ready once nothing will be missed.
	watch(ctx context.Context, node int, class string, ready func(), seen func(change)) error

	// renew renews the leases as fast as it can, to the TTL that they have, and
	// returns when it began with each.
	renew(ctx context.Context, leases []lease, ttl time.Duration) ([]time.Time, error)
}

// writer writes over one connection. It belongs to one goroutine.
type writer interface {
	grant(ctx context.Context, id string, ttl time.Duration) (lease, error) // with the data of valueOf
	end(ctx context.Context, l lease) error
	close()
}

// lease is what was granted. Its id begins with its class and a dash.
type lease struct {
	id     string
	number int64 // rollcall: the epoch; etcd: the lease; Redis has none
}

// change is one that a watcher saw.
type change struct {
	id   string
	gone bool
}

// consistency is how sure a list must be of what it says.
type consistency string

const (
	local        consistency = "local"        // what the node knows
	linearizable consistency = "linearizable" // confirmed by a majority
)

// What every lease carries, apart from its id.
const (
	recordAddress = "10.0.0.5"
	recordPort    = 8080
	recordTags    = `["v2","eu"]`
	recordMeta    = `{"zone":"a"}`
)

// valueOf is the value of a lease where the peer stores values as they are.
func valueOf(class string) string {
	return fmt.Sprintf(`{"service":%q,"address":%q,"port":%d,"tags":%s,"meta":%s}`, class, recordAddress, recordPort, recordTags, recordMeta)
}

// idOf makes ids of 40 bytes.
func idOf(class string, n int) string { return fmt.Sprintf("%s-%0*d", class, 39-len(class), n) }

var errNotReady = errors.New("does not serve")

// waitReady returns when the probe succeeds, or says why it does not.
func waitReady(ctx context.Context, processes []*process, probe func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	again := time.NewTicker(pollEvery)
	defer again.Stop()
	for {
		err := attempt(ctx, probe)
		if err == nil {
			return nil
		}
		for _, p := range processes {
			if fault := p.fault(); fault != nil {
				return fault
			}
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return fmt.Errorf("%w after its start: %w", errNotReady, err)
		}
	}
}

func attempt(ctx context.Context, probe func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return probe(ctx)
}
