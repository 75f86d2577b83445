package api

import (
	"math"
	"strconv"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// beat is a decoded wire.Heartbeat.
type beat struct {
	epoch, seq uint64
	rtt        float64 // milliseconds; negative where the client said nothing
}

// maxRTT bounds what a client may claim to have measured, in milliseconds.
const maxRTT = 1e9

// decodeBeat decodes a heartbeat: the shape that almost every client sends by
// hand, anything else by the general decoder.
func decodeBeat(body []byte, m media) (beat, error) {
	if m == mediaJSON {
		if b, ok := scanBeat(body); ok {
			return b, nil
		}
	}
	return decodeAnyBeat(body, m)
}

func decodeAnyBeat(body []byte, m media) (beat, error) {
	v, err := decodeValue(body, m)
	if err != nil {
		return beat{}, err
	}
	f := fieldsOf(v)
	b := f.beat()
	return b, f.done()
}

// beat takes the members of a wire.Heartbeat.
func (f *fields) beat() beat {
	b := beat{epoch: f.epoch(), rtt: -1}
	var ok bool
	b.seq, ok = f.integer("seq", 1, wire.Unknown)
	f.require("seq", ok)
	if rtt, ok := f.rtt(); ok {
		b.rtt = rtt
	}
	return b
}

func (f *fields) rtt() (float64, bool) {
	v, ok := f.takeKind("rtt_ms", kindNumber)
	if !ok {
		return 0, false
	}
	ms, err := strconv.ParseFloat(v.text, 64)
	if err != nil || math.Signbit(ms) && ms != 0 || ms > maxRTT {
		f.fail("rtt_ms", "want a number from 0 to %g", maxRTT)
		return 0, false
	}
	return math.Abs(ms), true
}

// decodeBeats decodes a batch into memory of its own, for the node may keep it.
func decodeBeats(body []byte, m media) (registry.Beats, error) {
	switch m {
	case mediaBeats:
		return unpackBeats(body)
	case mediaJSON:
		if beats, ok := scanBeats(body); ok {
			return beats, nil
		}
	case mediaCBOR:
		if beats, ok := scanBeatsCBOR(body); ok {
			return beats, nil
		}
	}
	return decodeAnyBeats(body, m)
}

// unpackBeats checks a packed batch and copies it.
func unpackBeats(body []byte) (registry.Beats, error) {
	if len(body)%registry.BeatSize != 0 {
		return nil, invalid(fieldBody, "%d bytes: want a multiple of %d, a big-endian epoch and seq for each beat", len(body), registry.BeatSize)
	}
	beats := registry.Beats(body)
	if beats.Len() > wire.MaxBeats {
		return nil, tooManyBeats(beats.Len())
	}
	for i := range beats.Len() {
		if epoch, seq := beats.At(i); !isCount(epoch) || !isCount(seq) {
			return nil, badBeat(i)
		}
	}
	return append(registry.Beats(nil), beats...), nil
}

func decodeAnyBeats(body []byte, m media) (registry.Beats, error) {
	v, err := decodeValue(body, m)
	if err != nil {
		return nil, err
	}
	f := fieldsOf(v)
	list := f.beatList()
	if err := f.done(); err != nil {
		return nil, err
	}
	return list.beats()
}

// beatList takes the list of a wire.Heartbeats.
func (f *fields) beatList() value {
	list, ok := f.takeKind("beats", kindList)
	f.require("beats", ok)
	return list
}

// beats returns the batch that a list is.
func (v value) beats() (registry.Beats, error) {
	if len(v.list) > wire.MaxBeats {
		return nil, tooManyBeats(len(v.list))
	}
	beats := make(registry.Beats, 0, len(v.list)*registry.BeatSize)
	for i, pair := range v.list {
		epoch, seq, ok := pair.beat()
		if !ok {
			return nil, badBeat(i)
		}
		beats = beats.Append(epoch, seq)
	}
	return beats, nil
}

// beat returns a value that is a pair of epoch and seq.
func (v value) beat() (epoch, seq uint64, ok bool) {
	if v.kind != kindList || len(v.list) != 2 {
		return 0, 0, false
	}
	epoch, isEpoch := v.list[0].integer()
	seq, isSeq := v.list[1].integer()
	return epoch, seq, isEpoch && isSeq && isCount(epoch) && isCount(seq)
}

// isCount tells whether n can be an epoch or a seq.
func isCount(n uint64) bool { return n >= 1 && n <= wire.Unknown }

func tooManyBeats(n int) error {
	return invalid("beats", "%d beats: at most %d in one request", n, wire.MaxBeats)
}

func badBeat(i int) error {
	return invalid("beats", "beat %d: want [epoch, seq], integers from 1 to %d", i, uint64(wire.Unknown))
}
