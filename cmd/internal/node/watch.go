package node

import (
	"fmt"
	"time"

	"github.com/seed-b4c92e43/rollcall/api"
	"github.com/seed-b4c92e43/rollcall/registry"
	"github.com/seed-b4c92e43/rollcall/registry/watch"
)

// openHub makes the hub; nothing asks the store through it before Run.
func (n *Node) openHub() (err error) {
	n.hub, err = watch.New(watch.Config{
		Encode: api.EncodeEvent, Log: n.eventsAfter, Revision: n.revision,
		Subscriptions: n.cfg.MaxWatches + hubReserve,
	})
	if err != nil {
		return fmt.Errorf("prepare watches: %w", err)
	}
	return nil
}

// hubReserve is how many subscriptions there may be beside those of streams:
// of sessions.
const hubReserve = 1 << 16

// Hub tells of what this replica applies.
func (n *Node) Hub() *watch.Hub { return n.hub }

func (n *Node) eventsAfter(after uint64, limit int) (events []registry.Event, oldest uint64, kept bool) {
	n.store.View(func(r *registry.Replica, _ time.Duration) {
		events, kept = r.EventsAfter(after, limit)
		oldest = r.OldestEvent()
	})
	return events, oldest, kept
}

// Record returns a message's body, or the reason of its last nack.
func (n *Node) Record(kind registry.Kind, key []byte) ([]byte, bool, error) {
	return n.store.Record(kind, key)
}
