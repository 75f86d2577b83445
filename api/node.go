package api

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
	"github.com/seed-b4c92e43/rollcall/registry/watch"
)

// Node is the running node whose face this package is.
type Node interface {
	// ID is the node id.
	ID() string
	// Do commits a command and returns when this node has applied it. It calls
	// taken, unless it fails before, when the command has its place among those of
	// this node: as long as one node leads, they are applied in that order.
	Do(ctx context.Context, cmd registry.Command, taken func()) (registry.Result, error)
	// Beat renews one lease and returns the registry's revision beside the
	// outcome. When the outcome is a refusal, this node has applied what it
	// speaks of. It returns within 2 s, whatever the context says.
	Beat(ctx context.Context, ns, id string, epoch, seq uint64) (registry.BeatResult, uint64, error)
	// BeatLater is Beat for callers that have many on their way: w is told,
	// exactly once and within 2 s, perhaps before BeatLater returns.
	BeatLater(ns, id string, epoch, seq uint64, w BeatWaiter, token uint64)
	// Beats renews leases of one namespace: one outcome for each beat. The node
	// may keep beats after it has returned, and returns within 2 s.
	Beats(ctx context.Context, ns string, beats registry.Beats) ([]registry.BeatResult, uint64, error)
	// View shows the replica, which must not be kept; mono is the reading of the
	// process clock that goes with it.
	View(func(r *registry.Replica, mono time.Duration))
	// Await returns when this replica has caught up with what the leader vouched
	// for after the call.
	Await(ctx context.Context, level Consistency) error
	// AwaitRevision returns when this replica has applied that revision.
	AwaitRevision(ctx context.Context, revision uint64) error
	// Record returns a record of the durable image, of what may be too much for
	// memory: KindBody and KindReason. It is false for one that is not there.
	Record(kind registry.Kind, key []byte) ([]byte, bool, error)
	// Hub tells of what this replica applies. Its events are encoded by EncodeEvent.
	Hub() *watch.Hub
	// Status is cheap: every answer to a read asks for it.
	Status() Status
	// Cluster describes the cluster.
	Cluster(ctx context.Context) (wire.Cluster, error)
	// RemoveNode takes a node out of the cluster.
	RemoveNode(ctx context.Context, id string) error
	// Transfer hands the leadership to another voter.
	Transfer(ctx context.Context) error
	// Backup copies this node's replica as it is.
	Backup() (Backup, error)
	// Restore reads a backup and makes it the state of the cluster, if it is one of
	// this cluster or force says that another's will do. It returns when this node
	// has it.
	Restore(ctx context.Context, backup io.Reader, force bool) (wire.Restored, error)
}

// BeatWaiter hears what became of its beats, with what Beat would have
// returned.
type BeatWaiter interface {
	// BeatDone is called from any goroutine. It must not block, nor call the Node.
	BeatDone(token uint64, r registry.BeatResult, revision uint64, err error)
}

// Status is what a node says of itself with every read.
type Status struct {
	Leader string // node id, "" where none is known
	// Staleness is how old this replica's view may be: see API.md section 2.
	Staleness      time.Duration
	StalenessKnown bool
	// Ready is nil when the node is ready, else it says why not.
	Ready error
}

// Consistency is what a read asks of the view that answers it.
type Consistency uint8

// The consistencies of the contract.
const (
	Local        Consistency = iota // this node's replica as it is
	Leader                          // as fresh as the leader that holds the leader lease
	Linearizable                    // confirmed by a quorum
)

var consistencyNames = [...]string{"local", "leader", "linearizable"}

func (c Consistency) String() string { return consistencyNames[c] }

// What a Node answers with; everything else is internal.
var (
	// ErrNoLeader is returned when no quorum was reachable in time. What was
	// asked for may have taken effect.
	ErrNoLeader = errors.New("no leader")
	// ErrOverloaded is returned when the node refused work that it did not begin.
	ErrOverloaded = errors.New("overloaded")
	// ErrTooStale is returned when the replica did not reach what was asked for.
	ErrTooStale = errors.New("the view is too old")
	// ErrUnknownNode is returned when the cluster has no node of that id.
	ErrUnknownNode = errors.New("unknown node")
	// ErrRefused is returned when the cluster may not do that now, such as
	// removing its only voter; the wrapped text says why.
	ErrRefused = errors.New("refused")
)
