package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

const (
	headerIfNoneMatch    = "If-None-Match"
	headerIdempotencyKey = "Idempotency-Key"
)

// madeIDs is the UUID namespace of ids that follow from an Idempotency-Key.
var madeIDs = uuid.MustParse("3f1cf4a8-7c0e-4d52-9a63-0d5b7f6f2b11")

// putLease registers the id in the path.
func (s *Server) putLease(ctx context.Context, r *request) (answer, error) {
	key, err := r.headerOnce(headerIdempotencyKey, wire.MaxKey)
	if err != nil {
		return answer{}, err
	}
	return s.grant(ctx, r, r.param, key)
}

// postLease registers an id that it makes.
func (s *Server) postLease(ctx context.Context, r *request) (answer, error) {
	key, err := r.headerOnce(headerIdempotencyKey, wire.MaxKey)
	if err != nil {
		return answer{}, err
	}
	id := makeID(r.ns, key)
	a, err := s.grant(ctx, r, id, key)
	if err == nil && a.status == http.StatusCreated {
		r.header.Set("Location", wire.PathLeases+"/"+id+"?"+url.Values{paramNS: {r.ns}}.Encode())
	}
	return a, err
}

// makeID makes an id: from an Idempotency-Key, so that a repeated request means
// the same lease, or at random.
func makeID(ns, key string) string {
	if key == "" {
		return uuid.NewString()
	}
	return uuid.NewSHA1(madeIDs, []byte(ns+"\x00"+key)).String()
}

func (s *Server) grant(ctx context.Context, r *request, id, key string) (answer, error) {
	onlyAbsent, err := r.onlyIfAbsent()
	if err != nil {
		return answer{}, err
	}
	reg, err := decodeRegistration(r.body, r.media, s.limits)
	if err != nil {
		return answer{}, err
	}
	grant, created, err := s.register(ctx, &registry.Grant{
		NS: r.ns, ID: id, Spec: reg.spec, TTL: reg.ttl, IfAbsent: onlyAbsent, Key: key,
	})
	if err != nil {
		return answer{}, err
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	return answer{status: status, body: grant}, nil
}

// register commits a registration. It tells whether the id was not alive.
func (s *Server) register(ctx context.Context, c *registry.Grant) (grant wire.Grant, created bool, err error) {
	result, err := s.do(ctx, c)
	if err != nil {
		return grant, false, err
	}
	if err := refused(&result, c.NS, c.ID, 0); err != nil {
		return grant, false, err
	}
	s.rtts.forget(result.ReplacedEpoch)
	return showGrant(&result), result.Created && result.Code == registry.OK, nil
}

// onlyIfAbsent tells whether a registration must not take over a live id.
func (r *request) onlyIfAbsent() (bool, error) {
	given := r.http.Header.Values(headerIfNoneMatch)
	if len(given) == 0 {
		return false, nil
	}
	if len(given) > 1 || given[0] != "*" {
		return false, invalid(headerIfNoneMatch, "%s: a registration takes * only", headerIfNoneMatch)
	}
	return true, nil
}

// getLease shows a lease, or how it ended while that is known.
func (s *Server) getLease(_ context.Context, r *request) (a answer, err error) {
	s.view(r, func(replica *registry.Replica, mono time.Duration) {
		if l, ok := replica.Lease(r.ns, r.param); ok {
			a.body = s.showLive(&l, replica, mono)
		} else if c, ok := replica.Certificate(r.ns, r.param); ok {
			a.body = showGone(&c)
		}
	})
	if a.body == nil {
		return a, (&refusal{code: registry.NotFound, ns: r.ns, id: r.param}).problem()
	}
	a.status = http.StatusOK
	return a, nil
}

// patchLease changes what is named.
func (s *Server) patchLease(ctx context.Context, r *request) (answer, error) {
	patch, err := decodePatch(r.body, r.media, r.ns, r.param)
	if err != nil {
		return answer{}, err
	}
	lease, err := s.change(ctx, patch)
	return answer{status: http.StatusOK, body: lease}, err
}

// change commits a patch.
func (s *Server) change(ctx context.Context, patch *registry.Patch) (wire.Lease, error) {
	result, err := s.do(ctx, patch)
	if err != nil {
		return wire.Lease{}, err
	}
	if err := refused(&result, patch.NS, patch.ID, patch.Epoch); err != nil {
		return wire.Lease{}, err
	}
	shown := showLease(result.Lease, result.RemainingMS, s.rtts.of(result.Lease.Epoch))
	s.node.View(func(replica *registry.Replica, mono time.Duration) {
		shown.Flapping = replica.Flapping(patch.NS, patch.ID, replica.ClusterNow(mono))
	})
	return shown, nil
}

// deleteLease ends a lease: its holder names the epoch, an operator evicts.
func (s *Server) deleteLease(ctx context.Context, r *request) (answer, error) {
	cmd, epoch, err := r.ending()
	if err != nil {
		return answer{}, err
	}
	certificate, err := s.finish(ctx, cmd, r.ns, r.param, epoch)
	return answer{status: http.StatusOK, body: certificate}, err
}

// finish commits the end of a lease.
func (s *Server) finish(ctx context.Context, cmd registry.Command, ns, id string, epoch uint64) (*wire.Certificate, error) {
	result, err := s.do(ctx, cmd)
	if err != nil {
		return nil, err
	}
	if err := refused(&result, ns, id, epoch); err != nil {
		return nil, err
	}
	s.rtts.forget(result.Certificate.Epoch)
	return showCertificate(result.Certificate), nil
}

// ending returns the command of a DELETE, which names either an epoch or evict.
func (r *request) ending() (registry.Command, uint64, error) {
	_, byHolder := r.query.get(paramEpoch)
	evict, byOperator := r.query.get(paramEvict)
	switch {
	case byHolder && byOperator:
		return nil, 0, invalid(paramEvict, "evict and epoch are both given: want one of them")
	case byOperator && evict != strconv.FormatBool(true):
		return nil, 0, invalid(paramEvict, "evict %s: want true", quote(evict))
	case byOperator:
		return &registry.Evict{NS: r.ns, ID: r.param}, 0, nil
	case !byHolder:
		return nil, 0, invalid(paramEpoch, "epoch is missing: the holder's epoch ends the lease, or evict=true by an operator")
	}
	epoch, err := r.query.integer(paramEpoch, 1, wire.Unknown, 0)
	return &registry.Leave{NS: r.ns, ID: r.param, Epoch: epoch}, epoch, err
}
