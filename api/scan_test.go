package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

var beatSeeds = []string{
	`{"epoch":4711,"seq":1}`, `{"epoch":4711,"seq":1,"rtt_ms":12.25}`, `{"seq":1,"epoch":9007199254740991}`, ` { "epoch" : 1 , "seq" : 2 } `,
	`{"epoch":9007199254740992,"seq":1}`, `{"epoch":1,"seq":18446744073709551617}`, `{"epoch":1,"seq":1,"rtt_ms":0.000000000000001}`,
	`{"epoch":1,"seq":1,"rtt_ms":999999999.999999}`, `{"epoch":1,"seq":1,"rtt_ms":1000000000.1}`, `{"epoch":1,"seq":1,"rtt_ms":1e3}`,
	`{"epoch":1,"seq":1,"rtt_ms":0.0}`, `{"epoch":1,"seq":1,"rtt_ms":00.1}`, `{"epoch":1,"seq":1,"rtt_ms":1.}`, `{"epoch":1,"seq":1,"rtt_ms":-0}`,
	`{"epoch":1,"epoch":1,"seq":1}`, `{"epoch":1,"seq":1}x`, `{"epoch":1,"seq":01}`, `{"epoch":1,"seq":0}`, `{"epoch":1}`, `{}`, ``,
}

// TestScannerKnowsTheUsual makes sure that the hot path takes what clients send.
func TestScannerKnowsTheUsual(t *testing.T) {
	rtt := 12.25
	for _, h := range []wire.Heartbeat{{Epoch: 4711, Seq: 1}, {Epoch: wire.Unknown, Seq: wire.Unknown}, {Epoch: 1, Seq: 2, RTTMS: &rtt}} {
		body, err := json.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		b, ok := scanBeat(body)
		if !ok || b.epoch != h.Epoch || b.seq != h.Seq || (h.RTTMS != nil) != (b.rtt >= 0) {
			t.Errorf("%s: %+v %v", body, b, ok)
		}
	}
	for _, body := range []string{`{"beats":[]}`, `{"beats":[[1,2],[3,4]]}`, "{ \"beats\" :\n[ [ 1 , 2 ] ] }"} {
		if _, ok := scanBeats([]byte(body)); !ok {
			t.Errorf("%s is left to the general decoder", body)
		}
	}
}

// FuzzHeartbeat: what the scanner accepts the general decoder accepts alike.
func FuzzHeartbeat(f *testing.F) {
	for _, seed := range beatSeeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		scanned, ok := scanBeat(body)
		if !ok {
			return
		}
		if general, err := decodeAnyBeat(body, mediaJSON); err != nil || general != scanned {
			t.Fatalf("%q: scanned %+v, decoded %+v, %v", body, scanned, general, err)
		}
	})
}

// FuzzBeats does the same for batches, and checks the packed form.
func FuzzBeats(f *testing.F) {
	for _, seed := range []string{
		`{"beats":[[1,2],[3,4]]}`, `{"beats":[]}`, ` { "beats" : [ [ 1 , 2 ] ] } `, `{"beats":[[1,2],]}`, `{"beats":[[1,2]],"beats":[]}`, `{"beats":[[0,1]]}`,
		`{"beats":[[9007199254740991,9007199254740992]]}`, `{"beats":[[1,2,3]]}`, "0123456789abcdef", strings.Repeat("\x00\x00\x00\x00\x00\x00\x00\x07", 4),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if scanned, ok := scanBeats(body); ok {
			if general, err := decodeAnyBeats(body, mediaJSON); err != nil || !bytes.Equal(general, scanned) {
				t.Fatalf("%q: scanned %v, decoded %v, %v", body, scanned, general, err)
			}
		}
		if packed, err := decodeBeats(body, mediaBeats); err == nil && !bytes.Equal(packed, body) {
			t.Fatalf("%x unpacked to %x", body, packed)
		}
	})
}

// FuzzRegistration: the JSON decoder accepts only what encoding/json accepts
// and means the same by it, and CBOR of it is the same registration.
func FuzzRegistration(f *testing.F) {
	for _, seed := range []string{
		`{"service":"web","address":"10.0.0.5","port":8080,"tags":["v2","v2"],"meta":{"zone":"a","b":"\u00e9\ud83d\ude00"},"ttl_ms":10000}`,
		`{}`, `{"ttl_ms":500}`, `{"meta":{"a":"1","a":"2"}}`, `{"tags":["\ud800"]}`, "{\"tags\":[\"\xff\"]}", `{"port":1e3}`, `{"Port":1}`,
		`{"service":"\"\\\/\b\f\n\r\t"}`, `[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]`, "\xa1\x64port\x18\x50", "\xa1\x61\xff\x01", "\xbf\xff",
	} {
		f.Add([]byte(seed))
	}
	limits := Limits{}
	limits.withDefaults()
	f.Fuzz(func(t *testing.T, body []byte) {
		decodeRegistration(body, mediaCBOR, limits) // must not panic
		if _, err := decodeJSON(body, maxDepth); err == nil && !json.Valid(body) {
			t.Fatalf("%q is not JSON", body)
		}
		reg, err := decodeRegistration(body, mediaJSON, limits)
		if err != nil || len(body) == 0 {
			return
		}
		var plain wire.Registration
		dec := json.NewDecoder(bytes.NewReader(body))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&plain); err != nil {
			t.Fatalf("%q is accepted, but: %v", body, err)
		}
		if plain.Service != reg.spec.Service || plain.Address != reg.spec.Address || plain.Port != int(reg.spec.Port) || len(plain.Meta) != len(reg.spec.Meta) {
			t.Fatalf("%q: %+v, encoding/json says %+v", body, reg, plain)
		}
		same, err := decodeRegistration(asCBOR(t, body), mediaCBOR, limits)
		if err != nil || !reflect.DeepEqual(same, reg) {
			t.Fatalf("%q: %+v, as CBOR %+v, %v", body, reg, same, err)
		}
	})
}

// asCBOR translates JSON whose numbers are integers.
func asCBOR(t *testing.T, body []byte) []byte {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v map[string]any
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	for name, item := range v {
		if n, ok := item.(json.Number); ok {
			i, err := n.Int64()
			if err != nil {
				t.Fatal(err)
			}
			v[name] = i
		}
	}
	data, err := cbor.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// FuzzCursor: a cursor is read back as it was written, by its own question
// only, and nothing else is a cursor.
func FuzzCursor(f *testing.F) {
	asked := question("alive").with("default", "web")
	f.Add(cursor{after: "web-1", revision: 7}.encode(asked), "web-1", uint64(7))
	f.Add("", "", uint64(0))
	f.Add("AAAA", "a", uint64(1))
	f.Add(cursor{after: "web-1", revision: 7}.encode(asked)+"\r\n", "", uint64(0))
	f.Fuzz(func(t *testing.T, text, after string, revision uint64) {
		if c, err := decodeCursor(text, asked); err == nil && c.encode(asked) != text {
			t.Fatalf("%q is read as %+v, whose text is %q", text, c, c.encode(asked))
		}
		c := cursor{after: after, revision: revision}
		written := c.encode(asked)
		read, err := decodeCursor(written, asked)
		if fits := isPrefix(after) == "" && revision <= wire.Unknown; fits != (err == nil) || fits && read != c {
			t.Fatalf("%+v is read back as %+v, %v", c, read, err)
		}
		if _, err := decodeCursor(written, asked.with("more")); err == nil {
			t.Fatalf("%+v continues another question", c)
		}
	})
}

func TestAppendedAnswersAreJSON(t *testing.T) {
	renewed := wire.Renewed{ID: "a:b~1", Epoch: wire.Unknown, Seq: 2, TTLMS: 3, ExpiresInMS: 4, HeartbeatEveryMS: 5, Pending: 6, Duplicate: true, Revision: 7}
	batch := wire.HeartbeatsResult{
		Accepted: 1, Duplicates: 2, Revision: 3, Pending: [][2]uint64{{4, 5}, {6, 7}},
		Rejected: []wire.RejectedBeat{{Epoch: 8, Seq: 9, Code: wire.CodeLeaseEnded}, {Epoch: 10, Seq: 11, Code: wire.CodeSuperseded}},
	}
	empty := wire.HeartbeatsResult{Pending: [][2]uint64{}, Rejected: []wire.RejectedBeat{}}
	for _, test := range []struct {
		got  []byte
		want any
	}{{appendRenewed(nil, &renewed), renewed}, {appendBatch(nil, &batch), batch}, {appendBatch(nil, &empty), empty}} {
		want, err := encodeJSON(test.want)
		if err != nil || !bytes.Equal(test.got, want) {
			t.Errorf("got %s want %s %v", test.got, want, err)
		}
	}
}

func TestRTTHintsAreBounded(t *testing.T) {
	h := newRTTHints(10)
	for epoch := range uint64(100) {
		for range rttSamples + 3 {
			h.add(epoch, float64(epoch))
		}
		if rtt := h.of(epoch); *rtt != (wire.RTT{Mean: float64(epoch), P95: float64(epoch)}) {
			t.Fatalf("epoch %d: %+v", epoch, rtt)
		}
	}
	if len(h.rings) != 10 {
		t.Errorf("%d hints are kept", len(h.rings))
	}
	h.forget(99)
	if h.of(99) != nil {
		t.Error("a forgotten hint")
	}
}

func TestWantsCBOR(t *testing.T) {
	for accept, want := range map[string]bool{
		"": false, "*/*": false, "application/json": false, "text/html": false, "application/*": false,
		"application/cbor": true, "APPLICATION/CBOR": true, "application/cbor;q=0.5, application/json;q=0.1": true,
		"application/cbor;q=0.5, application/json": false, "application/json, application/cbor": false, "application/cbor, application/json": true,
		"application/cbor;q=0": false, "text/html, application/cbor": true, "application/cbor;q=x": false, ";;,application/cbor": true,
	} {
		if got := wantsCBOR([]string{accept}); got != want {
			t.Errorf("Accept %q: %v", accept, got)
		}
	}
	if wantsCBOR(nil) || !wantsCBOR([]string{"text/html", "application/cbor"}) {
		t.Error("absent or repeated Accept")
	}
}

func batchBody(n int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"beats":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "[%d,%d]", 1_700_000_000_000+i, 17+i)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}
