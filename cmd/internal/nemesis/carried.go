//go:build linux

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-b4c92e43/rollcall/clientsdk"
)

// carried is a lease that clientsdk keeps, on a session or over plain HTTP. It
// never dies either, and is valid as long as it lives.
type carried struct {
	fleet   *fleet
	id      string
	session bool
}

// carriedService is the service of those leases.
const carriedService = "carried"

func newCarried(f *fleet, i int) *carried {
	return &carried{fleet: f, id: fmt.Sprint("carried-", i), session: i%2 == 0}
}

func (c *carried) run(ctx context.Context) {
	client, err := clientsdk.New(clientsdk.Config{Endpoints: c.fleet.nodes, Session: c.session})
	if err != nil {
		c.fleet.ledger.find(stuck, "%s: %v", c.id, err)
		return
	}
	defer client.Close()
	l, err := client.Register(ctx, clientsdk.Registration{
		ID: c.id, Service: carriedService, TTL: steadyTTL, OnLost: func(e *clientsdk.LostError) { c.lost(e) },
	})
	if err != nil {
		if ctx.Err() == nil {
			c.fleet.ledger.find(stuck, "%s: %v", c.id, err)
		}
		return
	}
	select {
	case <-l.Done():
		if ctx.Err() == nil {
			c.fleet.ledger.find(early, "%s is kept no longer: %v", c.id, l.Err())
		}
	case <-ctx.Done():
		leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_, _ = l.Leave(leaving)
	}
}

func (c *carried) lost(e *clientsdk.LostError) {
	c.fleet.death(time.Now().Add(-2*steadyTTL), "%s, kept by clientsdk (session %v), was lost: %v", c.id, c.session, e)
}
