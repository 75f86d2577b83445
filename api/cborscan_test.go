package api

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// TestCBORScannerKnowsTheUsual: batches as clients encode them are not left to
// the general decoder, and numbers of every width come out right.
func TestCBORScannerKnowsTheUsual(t *testing.T) {
	pairs := [][2]uint64{{1, 23}, {24, 255}, {256, 65_535}, {65_536, 1<<32 - 1}, {1 << 32, wire.Unknown}}
	body, err := cbor.Marshal(map[string]any{"beats": pairs})
	if err != nil {
		t.Fatal(err)
	}
	beats, ok := scanBeatsCBOR(body)
	if !ok || beats.Len() != len(pairs) {
		t.Fatalf("%d beats, %v", beats.Len(), ok)
	}
	for i, want := range pairs {
		if epoch, seq := beats.At(i); epoch != want[0] || seq != want[1] {
			t.Errorf("beat %d is %d, %d, want %v", i, epoch, seq, want)
		}
	}
}

// TestCBORScannerLeavesTheRest: what is odd, wrong or cut short is not its to
// judge.
func TestCBORScannerLeavesTheRest(t *testing.T) {
	for name, encoded := range map[string]string{
		"nothing":              "",
		"an empty map":         "a0",
		"another name":         "a1656265617473" + "00",
		"a list that goes on":  "a165626561747399" + "0001" + "820101" + "00",
		"no stated length":     "a16562656174739f" + "820101" + "ff",
		"a beat of one":        "a165626561747381" + "8101",
		"an epoch of zero":     "a165626561747381" + "820001",
		"a negative seq":       "a165626561747381" + "820120",
		"a cut number":         "a165626561747381" + "82011b00",
		"a count beyond 10000": "a165626561747399" + "2711",
		"something after":      "a165626561747380" + "00",
	} {
		body, err := hex.DecodeString(encoded)
		if err != nil {
			t.Fatal(name, err)
		}
		if beats, ok := scanBeatsCBOR(body); ok {
			t.Errorf("%s: taken for %d beats", name, beats.Len())
		}
	}
}

// FuzzBeatsCBOR: what the scanner accepts the general decoder accepts alike.
func FuzzBeatsCBOR(f *testing.F) {
	for _, n := range []int{0, 1, 3} {
		body, err := cbor.Marshal(map[string]any{"beats": make([][2]uint64, n)})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(bytes.ReplaceAll(body, []byte{0x82, 0, 0}, []byte{0x82, 1, 2}))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		scanned, ok := scanBeatsCBOR(body)
		if !ok {
			return
		}
		if general, err := decodeAnyBeats(body, mediaCBOR); err != nil || !bytes.Equal(general, scanned) {
			t.Fatalf("%x: scanned %x, decoded %x, %v", body, scanned, general, err)
		}
	})
}
