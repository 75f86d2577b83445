package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/cmd/internal/peer"
	"github.com/seed-b4c92e43/rollcall/raftstore"
)

// ErrNotRecovered is returned where a recovery is refused: it is not needed, or
// not this node's to do. Nothing was changed.
var ErrNotRecovered = errors.New("not recovered")

// probeWithin is how long another voter has to answer.
const probeWithin = 3 * time.Second

// methodProbe is a call that no node knows. That it says so is an answer.
const methodProbe = "probe"

// Recovery is a stopped node that may become the only voter of a cluster, as no
// majority of its own can be had again.
type Recovery struct {
	*raftstore.Recovery
	Voters  []string // node ids of all voters, this one's too
	Answers []string // of those that answered, this node not among them
}

// OpenRecovery reads what a stopped node has and asks the other voters whether
// they are there, over a network that is TCP where it is nil. It refuses with
// ErrNotRecovered what is not needed or dangerous; other errors are those of
// raftstore.OpenRecovery. The caller closes it.
func OpenRecovery(ctx context.Context, dataDir string, network peer.Network) (*Recovery, error) {
	stored, err := raftstore.OpenRecovery(dataDir)
	if err != nil {
		return nil, err
	}
	r := &Recovery{Recovery: stored}
	if err := r.examine(ctx, network); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

func (r *Recovery) examine(ctx context.Context, network peer.Network) error {
	own := r.Info().ServerID()
	votes := false
	var others []raftstore.Server
	for _, s := range r.Servers() {
		if !s.Voter {
			continue
		}
		r.Voters = append(r.Voters, nodeOf(s.ID))
		votes = votes || s.ID == own
		if s.ID != own {
			others = append(others, s)
		}
	}
	switch {
	case !votes:
		return fmt.Errorf("%w: %s does not vote in its cluster; take rollcall cluster backup from it as it runs, and restore that in a new cluster", ErrNotRecovered, nodeOf(own))
	case len(others) == 0:
		return fmt.Errorf("%w: %s is the only voter already; just start it", ErrNotRecovered, nodeOf(own))
	}
	if err := r.probe(ctx, network, others); err != nil {
		return err
	}
	if have := len(r.Answers) + 1; have > len(r.Voters)/2 {
		return fmt.Errorf("%w: %s answers, which with %s is a majority of %s: start this node as usual, and nothing is lost",
			ErrNotRecovered, strings.Join(r.Answers, ", "), nodeOf(own), strings.Join(r.Voters, ", "))
	}
	return nil
}

// probe finds out which of the other voters are there.
func (r *Recovery) probe(ctx context.Context, network peer.Network, others []raftstore.Server) error {
	id := peer.Identity(r.Info().Identity)
	port, err := peer.Open(peer.Config{Network: network, Addr: "127.0.0.1:0", Identity: func() peer.Identity { return id }})
	if err != nil {
		return fmt.Errorf("look for the other voters: %w", err)
	}
	defer port.Close() //nolint:errcheck // nothing was served
	ctx, cancel := context.WithTimeout(ctx, probeWithin)
	defer cancel()
	var asking sync.WaitGroup
	answers := make([]bool, len(others))
	for i, s := range others {
		asking.Go(func() {
			err := port.Call(ctx, s.Addr, s.ID, methodProbe, nil, nil)
			answers[i] = err == nil || errors.As(err, new(*peer.RemoteError))
		})
	}
	asking.Wait()
	for i, s := range others {
		if answers[i] {
			r.Answers = append(r.Answers, nodeOf(s.ID))
		}
	}
	slices.Sort(r.Answers)
	return nil
}

// CheckBackup reads all of a backup in a file and says what it is of; see
// raftstore.CheckBackup.
func CheckBackup(f *os.File) (wire.Backup, error) {
	info, err := f.Stat()
	if err != nil {
		return wire.Backup{}, err
	}
	b, err := raftstore.CheckBackup(f, info.Size())
	return infoOf(b), err
}

// ReadBackupInfo returns what the header of a backup says.
func ReadBackupInfo(r io.Reader) (wire.Backup, error) {
	b, err := raftstore.ReadBackupInfo(r)
	return infoOf(b), err
}
