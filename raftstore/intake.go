package raftstore

import (
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"

	"github.com/hashicorp/raft"
	"github.com/seed-b4c92e43/rollcall/registry"
)

var errIntake = errors.New("a backup is being restored")

// RefusedError is the answer of all replicas to a restore that they did not
// carry out: nothing was changed, nor will be.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return "the backup was not restored: " + e.Reason }

// intake is a backup of which pieces have come. It is rebuilt from the log after
// a start, which is why the log is not cut while there is one.
type intake struct {
	id   restoreID
	term uint64 // all pieces are of one: whoever leads next knows nothing of them
	file spool
	size uint64
	sum  hash.Hash32
}

// restoredID says which restore was the last.
type restoredID struct {
	id              restoreID
	index, revision uint64
}

// drop forgets the backup on its way in.
func (m *machine) drop() {
	if m.intake != nil {
		m.intake.file.Close() //nolint:errcheck // nothing of it is wanted any more
		m.intake = nil
	}
}

// forsake drops a backup whose leader leads no more.
func (m *machine) forsake(term uint64) {
	if m.intake != nil && m.intake.term != term {
		m.drop()
	}
}

// piece applies one piece of a backup. An error that is not a *RefusedError is
// this node's own, which then cannot go on.
func (m *machine) piece(l *raft.Log) any {
	m.mu.RLock()
	broken, image := m.broken, m.replica.Index()
	m.mu.RUnlock()
	if broken != nil {
		return broken
	}
	response, err := m.take(l, image)
	if err != nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.fail(fmt.Errorf("restore a backup at entry %d: %w", l.Index, err))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.term = l.Term
	m.applied.Store(l.Index)
	if response != nil {
		return response
	}
	return &registry.Outcome{Index: l.Index, Revision: m.replica.Revision()}
}

// take does what a piece says; image is the index of the state that there is.
func (m *machine) take(l *raft.Log, image uint64) (refused any, err error) {
	p, err := decodePiece(l.Extensions)
	if err != nil {
		return nil, err
	}
	switch p.kind {
	case pieceChunk:
		return m.collect(&p, l.Term)
	case pieceCommit:
		defer m.drop()
		if l.Index <= image {
			return nil, nil // the state is one of after it
		}
		return m.restart(&p, l)
	}
	m.drop()
	return nil, nil
}

// collect adds a chunk to the backup on its way in; the first begins anew.
func (m *machine) collect(p *piece, term uint64) (refused any, err error) {
	if p.offset == 0 {
		m.drop()
		file, err := newSpool(m.image.dir())
		if err != nil {
			return nil, err
		}
		m.intake = &intake{id: p.id, term: term, file: file, sum: crc32.New(castagnoli)}
	}
	in := m.intake
	if in == nil || in.id != p.id || in.size != p.offset {
		m.drop()
		return &RefusedError{"a piece of it is missing"}, nil
	}
	in.sum.Write(p.data)
	in.size += uint64(len(p.data))
	_, err = in.file.Write(p.data)
	return nil, err
}

// restart puts the backup that came in the place of the state.
func (m *machine) restart(p *piece, l *raft.Log) (refused any, err error) {
	in := m.intake
	if in == nil || in.id != p.id || in.size != p.length || in.sum.Sum32() != p.sum {
		return &RefusedError{"not all of it arrived under one leader"}, nil
	}
	if _, err := in.file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	m.replace(true)
	defer m.replace(false)
	r := m.empty()
	how := m.restoration(p, l)
	a := arrival{
		source: in.file, index: l.Index, replica: r,
		restart: func(r *registry.Replica) { r.Restart(how) },
	}
	return nil, m.image.install(a, func(frameHeader) {
		m.put(r, l.Index, l.Term, func(revision uint64) {
			m.last = restoredID{p.id, l.Index, revision}
			if m.onRestore != nil {
				m.onRestore(revision)
			}
		})
	})
}

// restoration says how the state goes on: beyond all that this one, which is the
// same on all replicas, has given.
func (m *machine) restoration(p *piece, l *raft.Log) registry.Restoration {
	m.mu.RLock()
	defer m.mu.RUnlock()
	_, wall := m.replica.Now()
	return registry.Restoration{
		At:       registry.Position{Index: l.Index, Term: l.Term},
		Revision: max(m.replica.Revision()+1, p.revision),
		Wall:     max(wall, p.wall), ClusterID: p.clusterID,
	}
}
