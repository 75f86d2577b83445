package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// Kind is what a route does to the registry.
type Kind uint8

// The kinds.
const (
	// Read answers from a view: it takes the parameters of consistency and says
	// in headers how fresh the view is.
	Read Kind = iota + 1
	// Write commits something, and is refused within 2 s without a quorum.
	Write
	// Ops is for those who run the node; outside /v1, and open while the node is
	// not ready.
	Ops
)

type bodyRule uint8

const (
	noBody       bodyRule = iota // one that comes is not looked at
	optionalBody                 // none at all is an empty object
	requiredBody
)

// Route is one row of the table of routes.
type Route struct {
	Method string // GET answers HEAD too
	Path   string // as OpenAPI writes it
	// Permission is what a token will have to grant; "" needs none. Eviction
	// (DELETE …?evict=true) will need ns:admin instead, and each request of a
	// session what sessionOps says.
	Permission string
	Kind       Kind
	Query      []string // query parameters; one that ends in a dot is a family
	Body       bodyRule // of at most Limits.MaxBody
	Beats      bool     // the body may be application/vnd.rollcall.beats
	Upload     bool     // the body is a backup, which the handler reads in its own time
	Loop       bool     // a beatLoop answers it, too
	Renews     bool     // the Node bounds it by itself, for less than a context with a deadline costs
	id         rule     // of {id} in the path
	message    bool     // {msg} is in the path
	handle     handler
}

type handler func(*Server, context.Context, *request) (answer, error)

const (
	slashID  = "/{id}"
	slashMsg = "/{msg}"

	pathMessages = wire.PathMailboxes + slashID + "/messages"
	pathDead     = wire.PathMailboxes + slashID + "/dead"
)

var (
	inNS      = []string{paramNS}
	freshness = []string{paramConsistency, paramMinRevision, paramMaxStale}
	aliveOnly = []string{paramService, paramTag, paramMeta, paramPrefix, paramState, paramFlapping, paramFields, paramAt, paramAtRevision}
	watchOnly = []string{paramService, paramID, paramPrefix, paramTag, paramAfter, paramWait}
	paged     = []string{paramLimit, paramCursor}
)

// Routes returns the table of routes: the router, the test of the OpenAPI
// document and the authoriser read this one.
func Routes() []Route {
	return []Route{
		{
			Method: http.MethodPut, Path: wire.PathLeases + slashID, Permission: "lease:grant", Kind: Write,
			Query: inNS, Body: optionalBody, id: isID, handle: (*Server).putLease,
		},
		{
			Method: http.MethodPost, Path: wire.PathLeases, Permission: "lease:grant", Kind: Write,
			Query: inNS, Body: optionalBody, handle: (*Server).postLease,
		},
		{
			Method: http.MethodGet, Path: wire.PathLeases + slashID, Permission: "lease:read", Kind: Read,
			Query: join(inNS, freshness), id: isID, handle: (*Server).getLease,
		},
		{
			Method: http.MethodPatch, Path: wire.PathLeases + slashID, Permission: "lease:renew", Kind: Write,
			Query: inNS, Body: requiredBody, id: isID, handle: (*Server).patchLease,
		},
		{
			Method: http.MethodDelete, Path: wire.PathLeases + slashID, Permission: "lease:release", Kind: Write,
			Query: join(inNS, []string{paramEpoch, paramEvict}), id: isID, handle: (*Server).deleteLease,
		},
		{
			Method: http.MethodPost, Path: wire.PathLeases + slashID + "/heartbeat", Permission: "lease:renew", Kind: Write,
			Query: inNS, Body: requiredBody, Loop: true, Renews: true, id: isID, handle: (*Server).heartbeat,
		},
		{
			Method: http.MethodPost, Path: wire.PathHeartbeats, Permission: "lease:renew", Kind: Write,
			Query: inNS, Body: requiredBody, Beats: true, Renews: true, handle: (*Server).heartbeats,
		},

		{
			Method: http.MethodGet, Path: wire.PathAlive, Permission: "lease:read", Kind: Read,
			Query: join(inNS, freshness, paged, aliveOnly), handle: (*Server).alive,
		},
		{
			Method: http.MethodGet, Path: wire.PathLeases + slashID + "/history", Permission: "lease:read", Kind: Read,
			Query: join(inNS, freshness, []string{paramLimit}), id: isID, handle: (*Server).history,
		},
		{
			Method: http.MethodGet, Path: wire.PathWatch, Permission: "watch", Kind: Read,
			Query: join(inNS, freshness, watchOnly), handle: (*Server).watch,
		},
		{
			Method: http.MethodGet, Path: wire.PathServices, Permission: "lease:read", Kind: Read,
			Query: join(inNS, freshness, paged), handle: (*Server).services,
		},

		{
			Method: http.MethodPost, Path: pathMessages, Permission: "msg:send", Kind: Write,
			Query: inNS, Body: requiredBody, id: isID, handle: (*Server).sendMessage,
		},
		{
			Method: http.MethodGet, Path: pathMessages, Permission: "msg:receive", Kind: Read,
			Query: join(inNS, freshness, []string{paramAfter, paramLimit, paramWait}), id: isID, handle: (*Server).messages,
		},
		{
			Method: http.MethodGet, Path: pathMessages + slashMsg, Permission: "msg:receive", Kind: Read,
			Query: join(inNS, freshness), id: isID, message: true, handle: (*Server).messageStatus,
		},
		{
			Method: http.MethodPost, Path: wire.PathMailboxes + slashID + "/ack", Permission: "msg:receive", Kind: Write,
			Query: inNS, Body: requiredBody, id: isID, handle: (*Server).ackMessages,
		},
		{
			Method: http.MethodPost, Path: wire.PathMailboxes + slashID + "/nack", Permission: "msg:receive", Kind: Write,
			Query: inNS, Body: requiredBody, id: isID, handle: (*Server).nackMessages,
		},
		{
			Method: http.MethodGet, Path: pathDead, Permission: "msg:admin", Kind: Read,
			Query: join(inNS, freshness, paged), id: isID, handle: (*Server).deadLetters,
		},
		{
			Method: http.MethodPost, Path: pathDead + slashMsg + "/requeue", Permission: "msg:admin", Kind: Write,
			Query: inNS, id: isID, message: true, handle: (*Server).requeueMessage,
		},
		{
			Method: http.MethodGet, Path: wire.PathMailboxes + slashID, Permission: "msg:receive", Kind: Read,
			Query: join(inNS, freshness), id: isID, handle: (*Server).mailbox,
		},
		{
			Method: http.MethodGet, Path: wire.PathSession, Permission: "session", Kind: Write,
			handle: (*Server).session,
		},

		{
			Method: http.MethodGet, Path: wire.PathCluster, Permission: "cluster:read", Kind: Read,
			Query: freshness, handle: (*Server).cluster,
		},
		{
			Method: http.MethodDelete, Path: wire.PathNodes + slashID, Permission: "cluster:admin", Kind: Write,
			id: isName, handle: (*Server).removeNode,
		},
		{
			Method: http.MethodPost, Path: wire.PathTransfer, Permission: "cluster:admin", Kind: Write,
			handle: (*Server).transfer,
		},
		{
			Method: http.MethodPost, Path: wire.PathRelease, Permission: "cluster:admin", Kind: Write,
			Query: join(inNS, []string{paramService}), handle: (*Server).release,
		},
		{
			Method: http.MethodGet, Path: wire.PathSnapshot, Permission: "cluster:admin", Kind: Read,
			Query: freshness, handle: (*Server).snapshot,
		},
		{
			Method: http.MethodPost, Path: wire.PathRestore, Permission: "cluster:admin", Kind: Write,
			Query: []string{paramForce}, Upload: true, handle: (*Server).restore,
		},

		{Method: http.MethodGet, Path: wire.PathHealth, Kind: Ops, handle: (*Server).healthz},
		{Method: http.MethodGet, Path: wire.PathReady, Kind: Ops, handle: (*Server).readyz},
		{
			Method: http.MethodGet, Path: wire.PathMetrics, Permission: "metrics:read", Kind: Ops,
			handle: (*Server).metricsPage,
		},
		{Method: http.MethodGet, Path: wire.PathOpenAPI, Kind: Ops, handle: (*Server).openapi},
		{Method: http.MethodGet, Path: "/", Kind: Ops, handle: (*Server).welcome},
	}
}

func join(lists ...[]string) (all []string) {
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}

// mediaTypes names what a body may be.
func (r *Route) mediaTypes() string {
	types := []string{wire.TypeJSON, wire.TypeCBOR}
	if r.Beats {
		types = append(types, wire.TypeBeats)
	}
	return strings.Join(types, ", ")
}
