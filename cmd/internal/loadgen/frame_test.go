package loadgen

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// serverFrame is a frame as nodes send it, not masked.
func serverFrame(head byte, payload string) string {
	b := appendFrame(nil, head, [maskBytes]byte{}, []byte(payload))
	b[1] &^= maskBit
	at := headSize(b[1])
	return string(b[:at]) + string(b[at+maskBytes:])
}

func unfinished(frame string) string { return string(frame[0]&^finalBit) + frame[1:] }

func framesOf(s string, buffer int) *frames {
	return &frames{in: bufio.NewReaderSize(strings.NewReader(s), buffer)}
}

func TestFramesAreRead(t *testing.T) {
	long, huge := strings.Repeat("x", 300), strings.Repeat("y", 1<<16)
	for name, test := range map[string]struct {
		wire    string
		opcode  byte
		payload string
	}{
		"short":            {serverFrame(frameText, "abc"), frameText, "abc"},
		"empty":            {serverFrame(frameBinary, ""), frameBinary, ""},
		"of 16 bits":       {serverFrame(frameText, long), frameText, long},
		"of 64 bits":       {serverFrame(frameText, huge), frameText, huge},
		"in parts":         {unfinished(serverFrame(frameText, "ab")) + unfinished(serverFrame(frameContinued, "")) + serverFrame(frameContinued, "c"), frameText, "abc"},
		"a ping within":    {unfinished(serverFrame(frameText, "ab")) + serverFrame(framePing, "?") + serverFrame(frameContinued, "c"), frameText, "abc"},
		"a ping by itself": {serverFrame(framePing, "?"), framePing, "?"},
	} {
		t.Run(name, func(t *testing.T) {
			f := framesOf(test.wire+serverFrame(frameText, "next"), 64)
			opcode, payload, err := f.next()
			if err != nil || opcode != test.opcode || string(payload) != test.payload {
				t.Fatalf("got %#x %q, %v", opcode, payload, err)
			}
			if _, payload, err := f.next(); err != nil || string(payload) != "next" {
				t.Fatalf("the frame behind: %q, %v", payload, err)
			}
		})
	}
}

func TestFramesThatAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		wire string
		want error
	}{
		"nothing":              {"", io.EOF},
		"cut off":              {serverFrame(frameText, "abc")[:4], io.EOF},
		"masked":               {string(appendFrame(nil, frameText, [maskBytes]byte{1}, []byte("abc"))), errFrame},
		"reserved bits":        {"\xc1\x00", errFrame},
		"nothing to go on":     {serverFrame(frameContinued, "abc"), errFrame},
		"message in message":   {unfinished(serverFrame(frameText, "a")) + serverFrame(frameText, "b"), errFrame},
		"ping in parts":        {unfinished(serverFrame(framePing, "a")), errFrame},
		"too long":             {"\x81\x7f\x00\x00\x00\x00\x7f\xff\xff\xff", errFrameLong},
		"parts beyond all":     {unfinished(serverFrame(frameText, "a")) + "\x80\x7f\x00\x00\x00\x00\x00\x80\x00\x00", errFrameLong},
		"part that is missing": {unfinished(serverFrame(frameText, "a")), io.EOF},
	} {
		if _, _, err := framesOf(test.wire, 64).next(); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
	}
}

func TestMoreIsAWholeFrame(t *testing.T) {
	whole := serverFrame(frameText, strings.Repeat("x", 200))
	for n := range len(whole) + 1 {
		f := framesOf(serverFrame(frameText, "first")+whole[:n], 4096)
		if _, _, err := f.next(); err != nil {
			t.Fatal(err)
		}
		if f.more() != (n == len(whole)) {
			t.Fatalf("more() = %v with %d of %d bytes", f.more(), n, len(whole))
		}
	}
}

func TestMaskCoversEveryByte(t *testing.T) {
	key := [maskBytes]byte{1, 2, 3, 4}
	for n := range 40 {
		plain := bytes.Repeat([]byte{0xaa}, n)
		b := append([]byte(nil), plain...)
		mask(b, key)
		for i := range b {
			if b[i] != plain[i]^key[i%maskBytes] {
				t.Fatalf("byte %d of %d is %#x", i, n, b[i])
			}
		}
	}
}

func FuzzFrames(f *testing.F) {
	f.Add([]byte(serverFrame(frameText, "abc")))
	f.Add([]byte(unfinished(serverFrame(frameText, "ab")) + serverFrame(framePing, "?") + serverFrame(frameContinued, "c")))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := frames{in: bufio.NewReaderSize(bytes.NewReader(in), 64)}
		for {
			opcode, payload, err := r.next()
			if err != nil {
				return
			}
			if opcode == frameContinued || opcode > 15 || len(payload) > len(in) {
				t.Fatalf("opcode %#x, payload of %d bytes", opcode, len(payload))
			}
			r.more()
		}
	})
}

// sentBeat is the frame of a heartbeat as a node decodes it.
type sentBeat struct {
	Op    string `json:"op"`
	RID   uint64 `json:"rid"`
	NS    string `json:"ns,omitempty"`
	ID    string `json:"id"`
	Epoch uint64 `json:"epoch"`
	Seq   uint64 `json:"seq"`
}

// sessionFormat encodes and decodes frames as the contract has them.
type sessionFormat struct {
	marshal   func(any) ([]byte, error)
	unmarshal func([]byte, any) error
}

func TestHeartbeatFramesDecode(t *testing.T) {
	for name, format := range sessionFormats {
		for _, ns := range []string{wire.DefaultNS, "other"} {
			for _, l := range someLeases {
				l.id = "web-1"
				want := sentBeat{Op: "heartbeat", RID: 300, ID: "web-1", Epoch: l.epoch, Seq: l.seq + 1}
				if ns != wire.DefaultNS {
					want.NS = ns
				}
				var got sentBeat
				if err := format.unmarshal(sessionCodecOf(name).beat(nil, 300, ns, &l), &got); err != nil || got != want {
					t.Errorf("%s: got %+v, %v, want %+v", name, got, err, want)
				}
			}
		}
	}
}

func TestAnswersAreUnderstood(t *testing.T) {
	for text, want := range map[string]answerFrame{
		`{"op":"ok","rid":70000,"id":"crid","duplicate":false}`:                {rid: 70000, ok: true},
		`{"op":"ok","rid":7,"id":"x","duplicate":true}`:                        {rid: 7, ok: true, duplicate: true},
		`{"op":"error","rid":7,"code":"superseded","detail":"\"rid\":9"}`:      {rid: 7, wrong: true},
		`{"op":"error","rid":null,"code":"invalid_request"}`:                   {wrong: true},
		`{"op":"lost","ns":"default","id":"x","certificate":{"cause":"left"}}`: {},
		`{"id":"x","op":"ok","rid":7}`:                                         {rid: 7, ok: true},
	} {
		got, err := answerJSON([]byte(text))
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v", text, got, err)
		}
		got, err = answerCBOR(cborOf(t, text))
		if err != nil || got != want {
			t.Errorf("%s in CBOR: got %+v, %v", text, got, err)
		}
	}
	if _, err := answerCBOR([]byte("\xa1")); err == nil {
		t.Error("half a map was read")
	}
}

// cborOf writes an object of JSON in the same order, as nodes do.
func cborOf(t *testing.T, text string) []byte {
	t.Helper()
	var members map[string]any
	if err := cborFromJSON(text, &members); err != nil {
		t.Fatal(err)
	}
	b := appendCBORHead(nil, cborMap, uint64(len(members)))
	for _, name := range memberOrder(text, members) {
		value, err := cbor.Marshal(members[name])
		if err != nil {
			t.Fatal(err)
		}
		b = append(appendCBORText(b, name), value...)
	}
	return b
}

func TestProblemsAreRead(t *testing.T) {
	seq := uint64(9)
	frame := map[string]any{"op": "error", "rid": 1, "code": "stale_sequence", "current_seq": seq, "retryable": false}
	for name, format := range sessionFormats {
		b, err := format.marshal(frame)
		if err != nil {
			t.Fatal(err)
		}
		p := sessionCodecOf(name).problem(b)
		if p.Code != wire.CodeStaleSequence || p.CurrentSeq == nil || *p.CurrentSeq != 9 {
			t.Errorf("%s: got %+v", name, p)
		}
		if p := sessionCodecOf(name).problem([]byte{0}); p.Code != codeMalformed {
			t.Errorf("%s: nonsense is %+v", name, p)
		}
	}
}

func TestFlightsAnswerInAnyOrder(t *testing.T) {
	f := newFlights(2)
	first := f.add(10, someTime)
	for range 100 { // the first stays in flight, whatever passes it
		rid := f.add(11, someTime)
		if f.room() || rid == first {
			t.Fatalf("rid %d beside %d, room %v", rid, first, f.room())
		}
		if lease, sent, ok := f.remove(rid); !ok || lease != 11 || sent != someTime {
			t.Fatalf("rid %d: lease %d, %v", rid, lease, ok)
		}
		if _, _, ok := f.remove(rid); ok {
			t.Fatalf("rid %d was answered twice", rid)
		}
	}
	if lease, _, ok := f.remove(first); !ok || lease != 10 || f.n != 0 {
		t.Fatalf("lease %d, %v, %d in flight", lease, ok, f.n)
	}
}
