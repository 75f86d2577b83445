package api

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
	"github.com/seed-b4c92e43/rollcall/registry/watch"
)

var frameSeeds = []string{
	`{"op":"heartbeat","rid":1,"id":"a","epoch":4711,"seq":1}`, `{"op":"heartbeat","rid":9007199254740991,"ns":"n","id":"a.b~c:d@e-f","epoch":4711,"seq":1,"rtt_ms":1.5}`,
	` { "seq" : 1 , "rid" : 7 , "epoch" : 2 , "id" : "x" , "op" : "heartbeat" } `, `{"op":"heartbeat","rid":1,"id":"..","epoch":1,"seq":1}`,
	`{"op":"heartbeat","rid":0,"id":"a","epoch":1,"seq":1}`, `{"op":"heartbeat","rid":"1","id":"a","epoch":1,"seq":1}`, `{"op":"heartbeats","rid":1,"beats":[[1,2]]}`,
	`{"op":"heartbeat","rid":1,"id":"\u0061","epoch":1,"seq":1}`, `{"op":"heartbeat","rid":1,"id":"a","id":"a","epoch":1,"seq":1}`, `{"op":"heartbeat","rid":1,"id":"a","ns":"","epoch":1,"seq":1}`,
	`{"op":"register","rid":1,"id":"a"}`, `{"op":"send","rid":1.5,"to":"a","body":[1,{"x":null}]}`, `{"op":"watch","rid":"w","tag":"v2"}`, `{"op":"unwatch","rid":-1,"watch":"w"}`,
	`{"op":"ack","rid":1,"id":"a","up_to":1}`, `{"op":"leave","rid":1,"id":"a","epoch":1}`, `{"rid":1,"rid":2}`, `[]`, ``, "\xa2\x62op\x65watch\x63rid\x01",
}

// TestFrameScannerKnowsTheUsual makes sure that the hot path takes what clients
// send.
func TestFrameScannerKnowsTheUsual(t *testing.T) {
	for i, text := range frameSeeds[:3] {
		f, ok := scanBeatFrame([]byte(text))
		if !ok || f.rid.n == 0 || f.id == "" || f.beat.epoch == 0 || f.beat.seq != 1 || (i == 1) != (f.beat.rtt == 1.5) || (i == 1) != (f.ns == "n") {
			t.Errorf("%s: %+v %v", text, f, ok)
		}
	}
}

// FuzzBeatFrame: what the scanner accepts the general decoder accepts alike.
func FuzzBeatFrame(f *testing.F) {
	for _, seed := range frameSeeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		scanned, ok := scanBeatFrame(payload)
		if !ok {
			return
		}
		v, err := decodeDeep(payload, mediaJSON)
		if err != nil {
			t.Fatalf("%q: scanned %+v, decoded: %v", payload, scanned, err)
		}
		fields := fieldsOf(v)
		var general beatFrame
		general.rid, _ = fields.rid("rid")
		op, _ := fields.takeKind("op", kindText)
		general.ns = fields.namespace()
		general.id = fields.leaseID("id")
		general.beat = fields.beat()
		if err := fields.done(); err != nil || op.text != wire.OpHeartbeat || general != scanned {
			t.Fatalf("%q: scanned %+v, decoded %+v, %v", payload, scanned, general, err)
		}
	})
}

// hollow is a node that commits nothing.
type hollow struct {
	instant
	hub *watch.Hub
}

func (h hollow) Hub() *watch.Hub                           { return h.hub }
func (hollow) AwaitRevision(context.Context, uint64) error { return nil }
func (hollow) Await(context.Context, Consistency) error    { return nil }
func (hollow) Do(context.Context, registry.Command, func()) (registry.Result, error) {
	return registry.Result{}, fmt.Errorf("%w: hollow", ErrNoLeader)
}

func newHollow(t testing.TB) *Server {
	t.Helper()
	hub, err := watch.New(watch.Config{
		Encode: EncodeEvent, Revision: func() uint64 { return 0 },
		Log: func(uint64, int) ([]registry.Event, uint64, bool) { return nil, 1, true },
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{Node: hollow{hub: hub}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// FuzzFrames: whatever comes in a frame is answered exactly once, in a frame of
// the same format, and gives back the room that it took.
func FuzzFrames(f *testing.F) {
	for _, seed := range frameSeeds {
		f.Add([]byte(seed))
	}
	s := newHollow(f)
	f.Fuzz(func(t *testing.T, payload []byte) {
		for _, format := range []*frameFormat{jsonFrames, cborFrames} {
			c := &session{server: s, format: format, wake: make(chan struct{}, 1)}
			c.room.L = &c.mu
			c.take(int(format.opcode), payload)
			c.work.Wait()
			w := &writer{session: c}
			w.doChores()
			out, _ := w.fetch()
			if out.count != 1 || out.weight != c.used || out.frames[0] != frameFinal|format.opcode {
				t.Fatalf("%q: %d answers of weight %d, %d is in use: %q", payload, out.count, out.weight, c.used, out.frames)
			}
			answer := out.frames[2:]
			if out.frames[1] == 126 {
				answer = out.frames[4:]
			}
			if v, err := decodeDeep(answer, format.media); err != nil || v.kind != kindObject {
				t.Fatalf("%q is answered %q: %v", payload, answer, err)
			}
			c.forsake()
		}
	})
}

// TestRIDs: a rid comes back as it was.
func TestRIDs(t *testing.T) {
	for _, text := range []string{`0`, `17`, `9007199254740991`, `18446744073709551615`, `18446744073709551616`, `-1`, `1.50`, `1e3`, `""`, `"a\"\u0001é"`} {
		v, err := decodeJSON([]byte(text), 1)
		if err != nil {
			t.Fatal(err)
		}
		r, ok := ridOf(v)
		if got := string(r.appendJSON(nil)); !ok || got != text {
			t.Errorf("%s came back as %s, %v", text, got, ok)
		}
		if back, err := decodeCBOR(theCBOR.dec, r.appendCBOR(nil)); err != nil || back.kind != v.kind {
			t.Errorf("%s in CBOR: %+v, %v", text, back, err)
		}
	}
}

// TestCalls holds the rids in use against a map, few and many.
func TestCalls(t *testing.T) {
	var cs calls
	tokens := map[uint64]uint64{} // by rid
	watches := map[uint64]bool{}
	random := uint64(time.Now().UnixNano())
	t.Logf("seed %d", random)
	for step := range 20_000 {
		random = random*6364136223846793005 + 1442695040888963407
		n := random >> 40 % uint64(20+step%3*20)
		r := rid{kind: kindNumber, n: n}
		token, busy := tokens[n]
		switch {
		case busy && random>>33%4 == 0:
			cs.end(token, true)
			watches[n] = true
			delete(tokens, n)
		case busy:
			if q := cs.end(token, false); q.rid != r {
				t.Fatalf("step %d: token %d is of %+v", step, token, q)
			}
			delete(tokens, n)
		case watches[n] && random>>33%2 == 0:
			cs.release(r)
			delete(watches, n)
		default:
			token, ok := cs.begin(call{rid: r, op: "x"})
			if ok == watches[n] {
				t.Fatalf("step %d: began %v under a rid in use %v", step, ok, watches[n])
			}
			if ok {
				tokens[n] = token
			}
		}
	}
	if len(cs.slots)-len(cs.free) != len(tokens) || len(cs.watches) != len(watches) {
		t.Fatalf("%d are left of %d", len(cs.slots)-len(cs.free), len(tokens))
	}
}
