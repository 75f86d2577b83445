package loadgen

import (
	"encoding/binary"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// Epochs and seqs on both sides of every length of a CBOR argument.
var someLeases = []lease{
	{epoch: 1, seq: 0},
	{epoch: 23, seq: 22},
	{epoch: 255, seq: 255},
	{epoch: 65_535, seq: 65_535},
	{epoch: 4_294_967_295, seq: 4_294_967_295},
	{epoch: wire.Unknown, seq: 1<<53 - 2},
}

func wantBeats() (beats [][2]uint64) {
	for _, l := range someLeases {
		beats = append(beats, [2]uint64{l.epoch, l.seq + 1})
	}
	return beats
}

func TestBatchesDecodeToTheirBeats(t *testing.T) {
	decoders := map[string]func([]byte) ([][2]uint64, error){
		CodecJSON: func(b []byte) ([][2]uint64, error) {
			var h wire.Heartbeats
			return h.Beats, json.Unmarshal(b, &h)
		},
		CodecCBOR: func(b []byte) ([][2]uint64, error) {
			var h wire.Heartbeats
			return h.Beats, cbor.Unmarshal(b, &h)
		},
		CodecBinary: func(b []byte) (beats [][2]uint64, _ error) {
			for ; len(b) > 0; b = b[16:] {
				beats = append(beats, [2]uint64{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])})
			}
			return beats, nil
		},
	}
	for name, decode := range decoders {
		got, err := decode(codecOf(name).encode(nil, someLeases))
		if err != nil || !reflect.DeepEqual(got, wantBeats()) {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
}

func TestBeatIsItsBody(t *testing.T) {
	if got, want := string(appendBeat(nil, &lease{epoch: 4711, seq: 16})), `{"epoch":4711,"seq":17}`; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
}

func TestCBORLengthOfALongArray(t *testing.T) {
	leases := make([]lease, 300)
	for i := range leases {
		leases[i].epoch = uint64(i + 1)
	}
	var h wire.Heartbeats
	if err := cbor.Unmarshal(appendCBOR(nil, leases), &h); err != nil || len(h.Beats) != 300 {
		t.Fatalf("got %d beats, %v", len(h.Beats), err)
	}
}

func TestLeasesThatAreOverdue(t *testing.T) {
	now := time.UnixMilli(100_000)
	for _, test := range []struct {
		renewed int64
		want    bool
	}{{0, false}, {99_000, false}, {98_999, true}, {100_500, false}} {
		if l := (lease{renewed: test.renewed}); l.overdue(time.Second, now) != test.want {
			t.Errorf("renewed at %d: %v", test.renewed, !test.want)
		}
	}
}
