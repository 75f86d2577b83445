package node

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/collector"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// The frames of the stream between a follower and its leader. Every request has
// an id of its own, which its answer repeats; answers come in any order. The
// numbers travel: they never change their meaning.
const (
	frameBatch     byte = iota + 1 // follower: commands for one entry → results or refused
	frameResults                   // leader: what the commands did
	frameRefused                   // leader: why there is no answer of the expected kind
	framePulse                     // leader: unasked, opaque here; its id is that of the newest ack received, 0 for none
	framePulseAck                  // follower: the answer to a pulse, opaque here; ids count up from 1
	frameReadIndex                 // follower: at which index is a read fresh? → read answer or refused
	frameReadAnswer
	frameAsk // follower: a question by name, JSON → answer or refused
	frameAnswer
)

// batchBarrier marks a batch that has no commands and wants an entry all the
// same.
const batchBarrier byte = 1

// The causes of a refusal.
const (
	causeNotSent    byte = iota + 1 // definitely not proposed: the leader leads no more
	causeOverloaded                 // definitely not proposed: too much waits there
	causeNoLeader                   // perhaps proposed, perhaps committed later
	causeFailed                     // the leader could not do it; the detail says why
)

// errFrame is returned for a frame that no node of this version sends.
var errFrame = errors.New("malformed frame")

func appendBatch(b []byte, commands []registry.Command) []byte {
	if len(commands) == 0 {
		return append(b, batchBarrier)
	}
	return registry.AppendCommands(append(b, 0), commands)
}

func parseBatch(b []byte) ([]registry.Command, error) {
	switch {
	case len(b) == 1 && b[0] == batchBarrier:
		return nil, nil
	case len(b) < 2 || b[0] != 0:
		return nil, fmt.Errorf("%w: batch", errFrame)
	}
	commands, err := registry.DecodeCommands(b[1:])
	if err == nil && len(commands) == 0 {
		err = errors.New("no commands")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: batch: %w", errFrame, err)
	}
	return commands, nil
}

func appendResults(b []byte, results []registry.Result, at collector.Commit) []byte {
	b = binary.BigEndian.AppendUint64(b, at.Index)
	b = binary.BigEndian.AppendUint64(b, at.Revision)
	return registry.AppendResults(b, results)
}

func parseResults(b []byte) ([]registry.Result, collector.Commit, error) {
	if len(b) < 16 {
		return nil, collector.Commit{}, fmt.Errorf("%w: results", errFrame)
	}
	at := collector.Commit{Index: binary.BigEndian.Uint64(b), Revision: binary.BigEndian.Uint64(b[8:])}
	results, err := registry.DecodeResults(b[16:])
	if err != nil {
		return nil, collector.Commit{}, fmt.Errorf("%w: results: %w", errFrame, err)
	}
	return results, at, nil
}

// appendRefused says in a frame why something was not done.
func appendRefused(b []byte, err error) []byte {
	cause := causeFailed
	switch {
	case errors.Is(err, collector.ErrOverloaded):
		cause = causeOverloaded
	case errors.Is(err, collector.ErrNotSent):
		cause = causeNotSent
	case errors.Is(err, collector.ErrNoLeader):
		cause = causeNoLeader
	}
	return append(append(b, cause), err.Error()...)
}

// parseRefused returns the error that was refused with, as told by the leader.
func parseRefused(b []byte) (refused, err error) {
	if len(b) < 1 || b[0] < causeNotSent || b[0] > causeFailed {
		return nil, fmt.Errorf("%w: refusal", errFrame)
	}
	detail := string(b[1:])
	switch b[0] {
	case causeNotSent:
		return fmt.Errorf("%w: the leader says: %s", collector.ErrNotSent, detail), nil
	case causeOverloaded:
		return fmt.Errorf("%w: the leader says: %s", collector.ErrOverloaded, detail), nil
	case causeNoLeader:
		return fmt.Errorf("%w: the leader says: %s", collector.ErrNoLeader, detail), nil
	}
	return fmt.Errorf("the leader says: %s", detail), nil
}

// A read asks for the leader's word, or for a quorum's.
const (
	readLeader byte = iota
	readLinearizable
	readModes // how many there are
)

func appendReadIndex(b []byte, mode byte) []byte { return append(b, mode) }

func parseReadIndex(b []byte) (linearizable bool, err error) {
	if len(b) != 1 || b[0] >= readModes {
		return false, fmt.Errorf("%w: read index", errFrame)
	}
	return b[0] == readLinearizable, nil
}

func appendReadAnswer(b []byte, index uint64) []byte { return binary.BigEndian.AppendUint64(b, index) }

func parseReadAnswer(b []byte) (index uint64, err error) {
	if len(b) != 8 {
		return 0, fmt.Errorf("%w: read answer", errFrame)
	}
	return binary.BigEndian.Uint64(b), nil
}

// appendAsk wants a method of at most 255 bytes.
func appendAsk(b []byte, method string, body []byte) []byte {
	b = append(append(b, byte(len(method))), method...)
	return append(b, body...)
}

func parseAsk(b []byte) (method string, body []byte, err error) {
	if len(b) < 1 || len(b) < 1+int(b[0]) {
		return "", nil, fmt.Errorf("%w: ask", errFrame)
	}
	n := 1 + int(b[0])
	return string(b[1:n]), b[n:], nil
}
