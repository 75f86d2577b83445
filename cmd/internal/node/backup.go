package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/seed-b4c92e43/rollcall/api"
	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/cmd/internal/collector"
	"github.com/seed-b4c92e43/rollcall/raftstore"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// askPiece hands the leader a piece of a backup.
const askPiece = "piece"

const (
	// ownRestoreWithin is how long this node may take for a restore that the leader
	// has.
	ownRestoreWithin = 5 * time.Minute
	// doubtWithin is how long it looks for one that it does not know to be committed.
	doubtWithin = time.Minute
)

// Backup copies this node's replica as it is.
func (n *Node) Backup() (api.Backup, error) {
	b, err := n.store.Backup()
	if err != nil {
		return api.Backup{}, fmt.Errorf("%w: %w", api.ErrOverloaded, err)
	}
	return api.Backup{ReadCloser: b, Info: infoOf(b.Info)}, nil
}

func infoOf(b raftstore.BackupInfo) wire.Backup {
	return wire.Backup{
		ClusterID: b.ClusterID, Node: b.Node, MadeAt: wire.Time(b.Made.UnixMilli()),
		Revision: b.Revision, Leases: b.Leases, Messages: b.Messages, Bytes: b.Bytes,
	}
}

// Restore reads a backup, checks all of it, and then makes it the state of the
// cluster. It returns when this node has it.
func (n *Node) Restore(ctx context.Context, backup io.Reader, force bool) (wire.Restored, error) {
	own := n.dir.Identity().ClusterID
	if s := n.standing.Load(); own == "" || s == nil || s.leader == "" {
		return wire.Restored{}, unrestored("no leader is known")
	}
	u, err := n.store.Upload(backup)
	if err != nil {
		return wire.Restored{}, uploadError(err)
	}
	defer u.Close() //nolint:errcheck // what was restored is elsewhere
	if u.Info.ClusterID != own && !force {
		return wire.Restored{}, foreign(u.Info.ClusterID, own)
	}
	n.log.Warn("a backup is being restored", "cluster_id", u.Info.ClusterID, "made", u.Info.Made, "revision", u.Info.Revision)
	revision, err := n.restore(ctx, u, own)
	if err != nil {
		n.log.Warn("the backup was not restored", "error", err)
		return wire.Restored{}, err
	}
	n.log.Warn("the backup was restored", "revision", revision)
	return wire.Restored{ClusterID: own, Revision: revision, Backup: infoOf(u.Info)}, nil
}

// restore sends a backup and waits until this replica is what it made.
func (n *Node) restore(ctx context.Context, u *raftstore.Upload, own string) (revision uint64, err error) {
	r, err := u.Send(ctx, own, n.proposePiece)
	patience := ownRestoreWithin
	switch {
	case errors.Is(err, raftstore.ErrIndeterminate):
		patience = doubtWithin
	case err != nil:
		return 0, unrestored(err.Error())
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	revision, _, lost := n.store.AwaitRestore(ctx, r)
	if lost != nil {
		return 0, fmt.Errorf("%w: %w", api.ErrNoLeader, errors.Join(err, lost))
	}
	return revision, nil
}

// proposePiece puts a piece into the leader's log, be that this node or another.
func (n *Node) proposePiece(ctx context.Context, piece []byte) (registry.Outcome, error) {
	if n.store.IsLeader() {
		return n.ownPiece(ctx, piece)
	}
	link := n.link.Load()
	if link == nil {
		return registry.Outcome{}, fmt.Errorf("%w: there is no link to one that does", raftstore.ErrNotLeader)
	}
	var a pieceAnswer
	switch err := link.Ask(ctx, askPiece, piece, &a); {
	case errors.Is(err, collector.ErrNotSent), errors.Is(err, collector.ErrOverloaded):
		return registry.Outcome{}, fmt.Errorf("%w: %w", raftstore.ErrNotLeader, err)
	case err != nil:
		return registry.Outcome{}, fmt.Errorf("%w: %w", raftstore.ErrIndeterminate, err)
	}
	return a.outcome()
}

// ownPiece puts a piece into this node's log. What ctx does not wait for may come
// to be.
func (n *Node) ownPiece(ctx context.Context, piece []byte) (registry.Outcome, error) {
	if n.serving.Load() == 0 {
		return registry.Outcome{}, fmt.Errorf("%w: %s does not serve", raftstore.ErrNotLeader, n.cfg.NodeID)
	}
	p := n.store.ProposePiece(piece)
	select {
	case <-p.Done():
		return p.Wait()
	case <-n.stopping:
	case <-ctx.Done():
	}
	return registry.Outcome{}, fmt.Errorf("%w: the piece was not applied in time", raftstore.ErrIndeterminate)
}

// pieceAnswer is the leader's answer to a piece.
type pieceAnswer struct {
	Index, Revision uint64
	Failure         pieceFailure
	Detail          string
}

type pieceFailure string

// Why a piece was not applied.
const (
	pieceApplied   pieceFailure = ""
	pieceNotLeader pieceFailure = "not_leader"
	pieceRefused   pieceFailure = "refused"
	pieceInDoubt   pieceFailure = "in_doubt"
)

func (n *Node) answerPiece(ctx context.Context, body []byte) (pieceAnswer, error) {
	var piece []byte
	if err := json.Unmarshal(body, &piece); err != nil {
		return pieceAnswer{}, fmt.Errorf("malformed piece of a backup: %w", err)
	}
	out, err := n.ownPiece(ctx, piece)
	a := pieceAnswer{Index: out.Index, Revision: out.Revision}
	var refused *raftstore.RefusedError
	switch {
	case err == nil:
		return a, nil
	case errors.As(err, &refused):
		a.Failure, a.Detail = pieceRefused, refused.Reason
	case errors.Is(err, raftstore.ErrNotLeader):
		a.Failure, a.Detail = pieceNotLeader, err.Error()
	default:
		a.Failure, a.Detail = pieceInDoubt, err.Error()
	}
	return a, nil
}

func (a pieceAnswer) outcome() (registry.Outcome, error) {
	switch a.Failure {
	case pieceApplied:
		return registry.Outcome{Index: a.Index, Revision: a.Revision}, nil
	case pieceRefused:
		return registry.Outcome{}, &raftstore.RefusedError{Reason: a.Detail}
	case pieceNotLeader:
		return registry.Outcome{}, fmt.Errorf("%w: the leader says: %s", raftstore.ErrNotLeader, a.Detail)
	}
	return registry.Outcome{}, fmt.Errorf("%w: the leader says: %s", raftstore.ErrIndeterminate, a.Detail)
}
