package api

import (
	"context"
	"net/http"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// heartbeat renews one lease: the hot path.
func (s *Server) heartbeat(ctx context.Context, r *request) (answer, error) {
	b, err := decodeBeat(r.body, r.media)
	if err != nil {
		return answer{}, err
	}
	result, revision, err := s.node.Beat(ctx, r.ns, r.param, b.epoch, b.seq)
	renewed, err := s.beaten(r.ns, r.param, b, result, revision, err)
	if err != nil {
		return answer{}, err
	}
	return r.renewed(&renewed), nil
}

// beaten counts a beat and says what became of it, from what the node returned.
func (s *Server) beaten(ns, id string, b beat, result registry.BeatResult, revision uint64, err error) (wire.Renewed, error) {
	if err != nil {
		s.metrics.lostBeats.Inc()
		return wire.Renewed{}, err
	}
	s.metrics.beat(result.Code).Inc()
	if result.Code != registry.OK && result.Code != registry.Duplicate {
		return wire.Renewed{}, s.refusedBeat(ns, id, b, result)
	}
	if b.rtt >= 0 {
		s.rtts.add(b.epoch, b.rtt)
	}
	return showRenewed(id, b, &result, revision), nil
}

func showRenewed(id string, b beat, result *registry.BeatResult, revision uint64) wire.Renewed {
	return wire.Renewed{
		ID:               id,
		Epoch:            b.epoch,
		Seq:              b.seq,
		TTLMS:            int64(result.TTL),
		ExpiresInMS:      int64(result.RemainingMS),
		HeartbeatEveryMS: int64(result.TTL) / heartbeatEvery,
		Pending:          int(result.Pending),
		Duplicate:        result.Code == registry.Duplicate,
		Revision:         revision,
	}
}

func (r *request) renewed(renewed *wire.Renewed) answer {
	if wantsCBOR(r.http.Header["Accept"]) {
		return answer{status: http.StatusOK, body: *renewed}
	}
	r.scratch = appendRenewed(r.scratch[:0], renewed)
	return answer{status: http.StatusOK, raw: r.scratch}
}

// refusedBeat says why a beat was refused; for one whose lease has ended it
// fetches the certificate, which this replica has by now.
func (s *Server) refusedBeat(ns, id string, b beat, result registry.BeatResult) error {
	no := refusal{code: result.Code, ns: ns, id: id, epoch: b.epoch, current: result.Current}
	if result.Code != registry.StaleSequence && result.Code != registry.Jump {
		s.rtts.forget(b.epoch)
	}
	if result.Code == registry.Ended {
		s.node.View(func(replica *registry.Replica, _ time.Duration) {
			if c, ok := replica.CertificateOf(b.epoch); ok && c.NS == ns && c.ID == id {
				no.certificate = &c
			}
		})
	}
	return no.problem()
}

// heartbeats renews many leases of one namespace.
func (s *Server) heartbeats(ctx context.Context, r *request) (answer, error) {
	beats, err := decodeBeats(r.body, r.media)
	if err != nil {
		return answer{}, err
	}
	batch, _, err := s.renewBatch(ctx, r.ns, beats)
	if err != nil {
		return answer{}, err
	}
	if wantsCBOR(r.http.Header["Accept"]) {
		return answer{status: http.StatusOK, body: batch}, nil
	}
	r.scratch = appendBatch(r.scratch[:0], &batch)
	return answer{status: http.StatusOK, raw: r.scratch}, nil
}

// renewBatch renews a batch and sums up what came of it.
func (s *Server) renewBatch(ctx context.Context, ns string, beats registry.Beats) (wire.HeartbeatsResult, []registry.BeatResult, error) {
	results, revision, err := s.renewAll(ctx, ns, beats)
	if err != nil {
		s.metrics.lostBeats.Add(float64(beats.Len()))
		return wire.HeartbeatsResult{}, nil, err
	}
	batch := s.sumUp(beats, results)
	batch.Revision = revision
	return batch, results, nil
}

// renewAll commits a batch; of an empty one only a leader is asked for.
func (s *Server) renewAll(ctx context.Context, ns string, beats registry.Beats) (results []registry.BeatResult, revision uint64, err error) {
	if beats.Len() > 0 {
		return s.node.Beats(ctx, ns, beats)
	}
	if err := s.await(ctx, Leader); err != nil {
		return nil, 0, err
	}
	s.node.View(func(replica *registry.Replica, _ time.Duration) { revision = replica.Revision() })
	return nil, revision, nil
}

// sumUp counts the outcomes of a batch and names the beats that were refused.
func (s *Server) sumUp(beats registry.Beats, results []registry.BeatResult) wire.HeartbeatsResult {
	batch := wire.HeartbeatsResult{Rejected: []wire.RejectedBeat{}, Pending: [][2]uint64{}}
	for i := range results {
		result := &results[i]
		switch result.Code {
		case registry.OK:
			batch.Accepted++
		case registry.Duplicate:
			batch.Duplicates++
		default:
			epoch, seq := beats.At(i)
			batch.Rejected = append(batch.Rejected, wire.RejectedBeat{Epoch: epoch, Seq: seq, Code: beatCode(result.Code)})
			s.metrics.beat(result.Code).Inc()
			continue
		}
		if result.Pending > 0 {
			epoch, _ := beats.At(i)
			batch.Pending = append(batch.Pending, [2]uint64{epoch, uint64(result.Pending)})
		}
	}
	s.metrics.beat(registry.OK).Add(float64(batch.Accepted))
	s.metrics.beat(registry.Duplicate).Add(float64(batch.Duplicates))
	return batch
}

// beatCode is the code with which a refused beat travels.
func beatCode(code registry.Code) wire.Code {
	switch code {
	case registry.NotFound:
		return wire.CodeLeaseNotFound
	case registry.Superseded:
		return wire.CodeSuperseded
	case registry.StaleSequence:
		return wire.CodeStaleSequence
	case registry.Ended:
		return wire.CodeLeaseEnded
	}
	return wire.CodeInvalidRequest // a jump
}
