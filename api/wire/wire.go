// Package wire is what travels between a rollcall node and its clients: plain
// structs with the field names of the contract, paths, header names, limits
// and problem codes. Standard library only.
package wire

import "time"

// Paths.
const (
	PathLeases     = "/v1/leases"
	PathHeartbeats = "/v1/heartbeats"
	PathAlive      = "/v1/alive"
	PathServices   = "/v1/services"
	PathCluster    = "/v1/cluster"
	PathNodes      = "/v1/cluster/nodes"
	PathTransfer   = "/v1/cluster/transfer"
	PathRelease    = "/v1/cluster/release"
	PathWatch      = "/v1/watch"
	PathMailboxes  = "/v1/mailboxes"
	PathSession    = "/v1/session"
	PathHealth     = "/healthz"
	PathReady      = "/readyz"
	PathMetrics    = "/metrics"
	PathOpenAPI    = "/openapi.yaml"
)

// Headers of every answer under /v1, then those of reads.
const (
	HeaderNode        = "Rollcall-Node"
	HeaderRequestID   = "X-Request-Id"
	HeaderRevision    = "Rollcall-Revision"
	HeaderLeader      = "Rollcall-Leader"
	HeaderStaleness   = "Rollcall-Staleness-Ms"
	HeaderConsistency = "Rollcall-Consistency"
)

// Media types.
const (
	TypeJSON    = "application/json"
	TypeCBOR    = "application/cbor"
	TypeProblem = "application/problem+json"
	TypeBeats   = "application/vnd.rollcall.beats"
	TypeEvents  = "text/event-stream"
)

// Unknown is the greatest integer of the contract (2^53-1): the staleness or
// age of what is not known.
const Unknown = 1<<53 - 1

// Limits of the contract (those of a body and of a TTL are configurable).
const (
	MaxBody       = 1 << 20
	MaxBeats      = 10_000
	MaxMetaPairs  = 32
	MaxMetaKey    = 64
	MaxMetaValue  = 512
	MaxTags       = 32
	MaxTag        = 64
	MaxID         = 128
	MaxName       = 64 // of a namespace or service
	MaxAddress    = 255
	MaxKey        = 255 // Idempotency-Key
	MinTTL        = 500 * time.Millisecond
	MaxTTL        = 24 * time.Hour
	DefaultTTL    = 10 * time.Second
	DefaultLimit  = 100
	MaxLimit      = 1000
	MaxSeqJump    = 1_000_000
	DefaultNS     = "default"
	MaxRequestID  = 128
	MaxMinRevWait = 5 * time.Second

	DefaultWait   = 30 * time.Second // of a long poll
	MaxWait       = 5 * time.Minute
	MaxMessage    = 64 << 10 // bytes of a message's body
	MaxFrom       = 128
	MaxReason     = 256
	MaxMessageIDs = 1000 // in one ack or nack
	MinMessageTTL = time.Millisecond
	MaxMessageTTL = 30 * 24 * time.Hour
	MessageTTL    = 24 * time.Hour // unless given
	BookmarkEvery = 15 * time.Second
)

// Registration is the body of PUT /v1/leases/{id} and POST /v1/leases. All
// fields are optional.
type Registration struct {
	Service string            `json:"service,omitempty"`
	Address string            `json:"address,omitempty"`
	Port    int               `json:"port,omitempty"` // 0 to 65535
	Tags    []string          `json:"tags,omitempty"`
	Meta    map[string]string `json:"meta,omitempty"`
	TTLMS   int64             `json:"ttl_ms,omitempty"` // 500 to 86,400,000; left out (0 here) it is the default, 10,000
}

// Grant is the answer to a registration.
type Grant struct {
	NS               string `json:"ns"`
	ID               string `json:"id"`
	Epoch            uint64 `json:"epoch"`
	Seq              uint64 `json:"seq"`
	TTLMS            int64  `json:"ttl_ms"`
	ExpiresInMS      int64  `json:"expires_in_ms"`
	HeartbeatEveryMS int64  `json:"heartbeat_every_ms"`
	Revision         uint64 `json:"revision"`
	Pending          int    `json:"pending"`
	ReplacedEpoch    uint64 `json:"replaced_epoch,omitempty"`
}

// Heartbeat is the body of POST /v1/leases/{id}/heartbeat.
type Heartbeat struct {
	Epoch uint64   `json:"epoch"`
	Seq   uint64   `json:"seq"`
	RTTMS *float64 `json:"rtt_ms,omitempty"` // what the client measured on its previous heartbeat
}

// Renewed is the answer to a heartbeat.
type Renewed struct {
	ID               string `json:"id"`
	Epoch            uint64 `json:"epoch"`
	Seq              uint64 `json:"seq"`
	TTLMS            int64  `json:"ttl_ms"`
	ExpiresInMS      int64  `json:"expires_in_ms"`
	HeartbeatEveryMS int64  `json:"heartbeat_every_ms"`
	Pending          int    `json:"pending"`
	Duplicate        bool   `json:"duplicate"`
	Revision         uint64 `json:"revision"`
}

// Heartbeats is the body of POST /v1/heartbeats: up to MaxBeats pairs of epoch
// and seq.
type Heartbeats struct {
	Beats [][2]uint64 `json:"beats"`
}

// HeartbeatsResult is the answer to a batch.
type HeartbeatsResult struct {
	Accepted   int            `json:"accepted"`
	Duplicates int            `json:"duplicates"`
	Rejected   []RejectedBeat `json:"rejected"`
	Pending    [][2]uint64    `json:"pending"` // epoch, count
	Revision   uint64         `json:"revision"`
}

// RejectedBeat is one beat of a batch that was refused, and why.
type RejectedBeat struct {
	Epoch uint64 `json:"epoch"`
	Seq   uint64 `json:"seq"`
	Code  Code   `json:"code"`
}

// Lease is a lease as reads show it, live or (with its certificate) gone.
type Lease struct {
	NS          string            `json:"ns"`
	ID          string            `json:"id"`
	Service     string            `json:"service"`
	Address     string            `json:"address"`
	Port        int               `json:"port"`
	Tags        []string          `json:"tags"`
	Meta        map[string]string `json:"meta"`
	State       string            `json:"state"`
	HeldReason  string            `json:"held_reason,omitempty"`
	Epoch       uint64            `json:"epoch"`
	Seq         uint64            `json:"seq"`
	TTLMS       int64             `json:"ttl_ms"`
	ExpiresInMS int64             `json:"expires_in_ms"`
	GrantedAt   Time              `json:"granted_at"`
	RenewedAt   Time              `json:"renewed_at"`
	Renewals    uint64            `json:"renewals"`
	Missed      uint64            `json:"missed"`
	Late        bool              `json:"late"`
	Flapping    bool              `json:"flapping"`
	RTTMS       *RTT              `json:"rtt_ms"` // null where no client told
	Revision    uint64            `json:"revision"`
	Certificate *Certificate      `json:"certificate,omitempty"`
}

// Gone is an id that is gone, as GET /v1/leases/{id} shows it while its
// certificate is kept: what of a Lease the certificate still knows.
type Gone struct {
	NS          string       `json:"ns"`
	ID          string       `json:"id"`
	Service     string       `json:"service"`
	State       string       `json:"state"` // left, expired or evicted
	Epoch       uint64       `json:"epoch"`
	Seq         uint64       `json:"seq"`
	TTLMS       int64        `json:"ttl_ms"`
	ExpiresInMS int64        `json:"expires_in_ms"` // 0
	Missed      uint64       `json:"missed"`
	Revision    uint64       `json:"revision"`
	Certificate *Certificate `json:"certificate"`
}

// RTT summarises the round trips that a holder told the answering node of, in
// milliseconds.
type RTT struct {
	Mean   float64 `json:"mean"`
	P95    float64 `json:"p95"`
	Jitter float64 `json:"jitter"`
}

// Certificate is the durable record of why a lease ended.
type Certificate struct {
	NS               string `json:"ns"`
	ID               string `json:"id"`
	Service          string `json:"service"`
	Epoch            uint64 `json:"epoch"`
	Cause            string `json:"cause"`
	At               Time   `json:"at"`
	Revision         uint64 `json:"revision"`
	Judge            string `json:"judge"`
	Term             uint64 `json:"term"`
	LastSeq          uint64 `json:"last_seq"`
	LastRenewalAgeMS uint64 `json:"last_renewal_age_ms"`
	TTLMS            int64  `json:"ttl_ms"`
	OverdueMS        uint64 `json:"overdue_ms"`
	Missed           uint64 `json:"missed"`
	JudgeStallMS     uint64 `json:"judge_stall_ms"`
}

// Patch is the body of PATCH /v1/leases/{id}: what is nil stays.
type Patch struct {
	Epoch   uint64             `json:"epoch"`
	State   *string            `json:"state,omitempty"` // "draining" or "alive"
	Tags    *[]string          `json:"tags,omitempty"`
	Meta    *map[string]string `json:"meta,omitempty"`
	Address *string            `json:"address,omitempty"`
	Port    *int               `json:"port,omitempty"`
}

// AlivePage is one page of GET /v1/alive.
type AlivePage struct {
	Revision   uint64  `json:"revision"`
	Count      int     `json:"count"` // of this page
	Alive      []Lease `json:"alive"`
	NextCursor string  `json:"next_cursor,omitempty"`
}

// ServicesPage is one page of GET /v1/services.
type ServicesPage struct {
	Services   []Service `json:"services"`
	NextCursor string    `json:"next_cursor,omitempty"`
}

// Service counts the leases of one service.
type Service struct {
	Service  string `json:"service"`
	Alive    int    `json:"alive"`
	Draining int    `json:"draining"`
	Held     int    `json:"held"`
	Revision uint64 `json:"revision"`
}

// Cluster is the answer of GET /v1/cluster.
type Cluster struct {
	ClusterID  string     `json:"cluster_id"`
	Leader     string     `json:"leader"`
	Term       uint64     `json:"term"`
	Revision   uint64     `json:"revision"`
	Protection Protection `json:"protection"`
	Nodes      []Node     `json:"nodes"`
}

// NodeRemoved is the answer to DELETE /v1/cluster/nodes/{id}.
type NodeRemoved struct {
	ID string `json:"id"`
}

// Transferred is the answer to POST /v1/cluster/transfer: who leads as far as
// the answering node knows by then, or "" while nobody does.
type Transferred struct {
	Leader string `json:"leader"`
}

// Protection is the state of the mass-expiry protection: what is held now.
type Protection struct {
	Active bool   `json:"active"`
	Holds  []Held `json:"holds,omitempty"`
}

// Held says that overdue leases of a namespace, or of one service, are not
// buried for now because too many fell silent at once.
type Held struct {
	NS      string `json:"ns"`
	Service string `json:"service,omitempty"` // "" for all of the namespace
	Held    int    `json:"held"`              // leases
	Reason  string `json:"reason"`
	SinceMS int64  `json:"since_ms"` // how long it has lasted
	EndsMS  int64  `json:"ends_ms"`  // in how long it ends at the latest
}

// Released is the answer to POST /v1/cluster/release.
type Released struct {
	Released int    `json:"released"` // leases that are buried as others are now
	Revision uint64 `json:"revision"`
}

// Node is one node as the answering node sees it.
type Node struct {
	ID            string `json:"id"`
	HTTPAddr      string `json:"http_addr"`
	RaftAddr      string `json:"raft_addr"`
	GossipAddr    string `json:"gossip_addr"`
	Role          string `json:"role"`   // leader, voter, joining, edge
	Gossip        string `json:"gossip"` // alive, suspect, dead, left
	Applied       uint64 `json:"applied"`
	LastContactMS int64  `json:"last_contact_ms"`
	Version       string `json:"version"`
}

// Time is an instant in Unix milliseconds that travels as RFC 3339 UTC with
// milliseconds.
type Time int64
