package clientsdk

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// The calls by hand: one request each, nothing kept alive. They are retried
// as [Client.Do] tells, and return its errors.

// GrantOptions are the conditions of a grant by hand.
type GrantOptions struct {
	Key       string // Idempotency-Key; with it an indeterminate grant is tried again
	Exclusive bool   // refuse to take over a live id
}

// Grant registers an id once (where id is empty, the cluster makes one).
// Without a key it is tried again only where it certainly had no effect.
func (c *Client) Grant(ctx context.Context, id string, reg wire.Registration, o GrantOptions) (*wire.Grant, error) {
	return fetch[wire.Grant](ctx, c, grantCall(id, o), reg)
}

func grantCall(id string, o GrantOptions) call {
	k := call{
		method: http.MethodPut, path: leasePath(id), header: http.Header{}, repeat: o.Key != "",
		op: wire.OpRegister, about: id,
	}
	if id == "" {
		k.method = http.MethodPost
	}
	if o.Key != "" {
		k.header.Set(headerKey, o.Key)
	}
	if o.Exclusive {
		k.header.Set(headerIfNone, anythingPresent)
	}
	return k
}

// Heartbeat renews once. The same seq again is safe, and extends nothing.
func (c *Client) Heartbeat(ctx context.Context, id string, beat wire.Heartbeat) (*wire.Renewed, error) {
	if id == "" {
		return nil, errNoID
	}
	return fetch[wire.Renewed](ctx, c, heartbeatCall(id), beat)
}

func heartbeatCall(id string) call {
	return call{
		method: http.MethodPost, path: leasePath(id) + "/heartbeat", repeat: true,
		op: wire.OpHeartbeat, about: id,
	}
}

// Release gives a lease back, and returns its certificate; again the same.
func (c *Client) Release(ctx context.Context, id string, epoch uint64) (*wire.Certificate, error) {
	k := call{
		method: http.MethodDelete, path: leasePath(id), query: url.Values{"epoch": {strconv.FormatUint(epoch, 10)}},
		repeat: true, op: wire.OpLeave, about: id, fields: fmt.Appendf(nil, `{"epoch":%d}`, epoch),
	}
	return c.endLease(ctx, id, k)
}

// Evict ends whatever epoch of the id lives, as an operator.
func (c *Client) Evict(ctx context.Context, id string) (*wire.Certificate, error) {
	k := call{method: http.MethodDelete, path: leasePath(id), query: url.Values{"evict": {"true"}}}
	return c.endLease(ctx, id, k)
}

func (c *Client) endLease(ctx context.Context, id string, k call) (*wire.Certificate, error) {
	if id == "" {
		return nil, errNoID
	}
	return fetch[wire.Certificate](ctx, c, k, nil)
}

// Patch changes what the patch names, and returns the lease.
func (c *Client) Patch(ctx context.Context, id string, patch wire.Patch) (*wire.Lease, error) {
	if id == "" {
		return nil, errNoID
	}
	k := call{method: http.MethodPatch, path: leasePath(id), op: wire.OpUpdate, about: id}
	return fetch[wire.Lease](ctx, c, k, patch)
}

// Drain marks an epoch as draining.
func (c *Client) Drain(ctx context.Context, id string, epoch uint64) (*wire.Lease, error) {
	return c.Patch(ctx, id, wire.Patch{Epoch: epoch, State: new(stateDraining)})
}

// Cluster returns the cluster as one of its nodes sees it.
func (c *Client) Cluster(ctx context.Context) (*wire.Cluster, error) {
	k := call{method: http.MethodGet, path: wire.PathCluster, repeat: true}
	return fetch[wire.Cluster](ctx, c, k, nil)
}

// RemoveNode takes a node out of the cluster.
func (c *Client) RemoveNode(ctx context.Context, id string) error {
	if id == "" {
		return errNoID
	}
	k := call{method: http.MethodDelete, path: wire.PathCluster + "/nodes/" + url.PathEscape(id), repeat: true}
	_, _, err := c.send(ctx, k, nil, nil)
	return err
}

// Transfer makes another voter the leader.
func (c *Client) Transfer(ctx context.Context) error {
	_, _, err := c.send(ctx, call{method: http.MethodPost, path: wire.PathCluster + "/transfer"}, nil, nil)
	return err
}

// ReleaseHeld lets the held leases of the client's namespace, or of one service
// of it, be buried as others are. Nobody is held there again for a while.
func (c *Client) ReleaseHeld(ctx context.Context, service string) (*wire.Released, error) {
	k := call{method: http.MethodPost, path: wire.PathRelease, repeat: true}
	if service != "" {
		k.query = url.Values{"service": {service}}
	}
	return fetch[wire.Released](ctx, c, k, nil)
}

var errNoID = invalid("id", "the id is empty")

// fetch does a call and decodes its answer as a T.
func fetch[T any](ctx context.Context, c *Client, k call, body any) (*T, error) {
	out := new(T)
	if _, _, err := c.send(ctx, k, body, out); err != nil {
		return nil, err
	}
	return out, nil
}
