package loadgen

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/gorilla/websocket"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

var someTime = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

var sessionFormats = map[string]sessionFormat{
	CodecJSON: {json.Marshal, json.Unmarshal},
	CodecCBOR: {cbor.Marshal, cbor.Unmarshal},
}

func cborFromJSON(text string, v *map[string]any) error {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		return err
	}
	for name, value := range *v {
		if n, ok := value.(json.Number); ok {
			integer, err := n.Int64()
			if err != nil {
				return err
			}
			(*v)[name] = integer
		}
	}
	return nil
}

// memberOrder is the order in which the members stand in the text.
func memberOrder(text string, members map[string]any) []string {
	names := make([]string, 0, len(members))
	for name := range members {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return strings.Index(text, `"`+a+`":`) - strings.Index(text, `"`+b+`":`)
	})
	return names
}

// fakeSessions serves sessions of a fake cluster. Frames wait a little until
// there are hold of them, and are then answered in the opposite order.
type fakeSessions struct {
	*fakeCluster
	hold  int
	limit int64 // sessions are closed after so many answers; 0: never
	count atomic.Int64

	deny   func(*sentRegistration) *wire.Problem // may be nil
	bodies []wire.Registration
	before func() // each frame, under the lock; may be nil
}

func (f *fakeSessions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != wire.PathSession {
		f.fakeCluster.ServeHTTP(w, r)
		return
	}
	upgrader := websocket.Upgrader{Subprotocols: []string{protocolJSON, protocolCBOR}, WriteBufferSize: 16}
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer ws.Close()
	format, kind := sessionFormats[CodecJSON], websocket.TextMessage
	if ws.Subprotocol() == protocolCBOR {
		format, kind = sessionFormats[CodecCBOR], websocket.BinaryMessage
	}
	_ = ws.WriteControl(websocket.PingMessage, []byte("are you there"), time.Time{})
	asked := make(chan []byte)
	go func() {
		defer close(asked)
		for n := int64(0); f.limit == 0 || n < f.limit; n++ {
			got, frame, err := ws.ReadMessage()
			if err != nil || got != kind {
				return
			}
			asked <- frame
		}
	}()
	for held := f.gather(asked); len(held) > 0; held = f.gather(asked) {
		for _, frame := range slices.Backward(held) {
			out, _ := ws.NextWriter(kind) // in fragments of 16 bytes
			_, _ = out.Write(f.beatFrame(format, frame))
			_ = out.Close() // who is gone is not answered
		}
	}
}

// gather waits for a frame, and a little for more of them.
func (f *fakeSessions) gather(asked <-chan []byte) (held [][]byte) {
	frame, ok := <-asked
	for ok {
		held = append(held, frame)
		if len(held) >= f.hold {
			break
		}
		select {
		case frame, ok = <-asked:
		case <-time.After(5 * time.Millisecond):
			ok = false
		}
	}
	return held
}

func (f *fakeSessions) beatFrame(format sessionFormat, frame []byte) []byte {
	var b sentBeat
	answer := map[string]any{"op": "error", "code": wire.CodeInvalidRequest}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.before != nil {
		f.before()
	}
	if f.register(format, frame, answer) {
		out, _ := format.marshal(answer)
		return out
	}
	if format.unmarshal(frame, &b) == nil && b.Op == "heartbeat" && strings.HasPrefix(b.ID, "bench-") {
		answer["rid"] = b.RID
		seq, ok := f.seqs[b.Epoch]
		switch {
		case !ok:
			answer["code"] = wire.CodeLeaseEnded
		case f.count.Add(1)%50 == 0: // busy now and then
			answer["code"] = wire.CodeOverloaded
		default:
			f.renew(b.Epoch, b.Seq)
			answer = map[string]any{"op": "ok", "rid": b.RID, "id": b.ID, "duplicate": seq == b.Seq}
		}
	}
	out, _ := format.marshal(answer)
	return out
}

// register grants what a frame registers, if it does, and sets the answer.
func (f *fakeSessions) register(format sessionFormat, frame []byte, answer map[string]any) bool {
	var asked sentRegistration
	if format.unmarshal(frame, &asked) != nil || asked.Op != "register" {
		return false
	}
	answer["rid"] = asked.RID
	if f.deny != nil {
		if p := f.deny(&asked); p != nil {
			answer["code"], answer["retryable"] = p.Code, p.Retryable
			return true
		}
	}
	f.epochs++
	f.seqs[f.epochs] = 0
	f.bodies = append(f.bodies, asked.Registration)
	answer["op"], answer["epoch"], answer["id"] = "ok", f.epochs, asked.ID
	delete(answer, "code")
	return true
}

// sentRegistration is a frame of register.
type sentRegistration struct {
	Op  string `json:"op"`
	RID uint64 `json:"rid"`
	NS  string `json:"ns"`
	ID  string `json:"id"`
	wire.Registration
}

func TestSessionRunRenewsOverWebSockets(t *testing.T) {
	for _, codec := range []string{CodecJSON, CodecCBOR} {
		for _, pipeline := range []int{1, 7} {
			cluster := &fakeSessions{fakeCluster: newFakeCluster(), hold: pipeline}
			got, err := Run(t.Context(), Config{
				Endpoints: []string{serve(t, cluster), serve(t, cluster)}, Mode: ModeSession, Codec: codec, Pipeline: pipeline,
				Leases: 40, Workers: 2, Duration: 300 * time.Millisecond,
			})
			if err != nil {
				t.Fatal(err)
			}
			if got.Renewals == 0 || got.Renewals != cluster.renewals || got.ErrorCodes["overloaded"] == 0 || got.LeasesLost != 0 {
				t.Errorf("%s, %d in flight: result %+v; the cluster saw %d", codec, pipeline, got, cluster.renewals)
			}
			if pipeline == 1 && got.ErrorCodes["overloaded"] != got.Errors {
				t.Errorf("errors %v", got.ErrorCodes)
			}
			if len(cluster.seqs) != 0 || got.Codec != codec || got.Pipeline != pipeline {
				t.Errorf("%d leases left, result %+v", len(cluster.seqs), got)
			}
			checkLatency(t, got)
		}
	}
}

func TestSessionGoesOnAfterEachBreak(t *testing.T) {
	cluster := &fakeSessions{fakeCluster: newFakeCluster(), limit: 20}
	got, err := Run(t.Context(), Config{
		Endpoints: []string{serve(t, cluster)}, Mode: ModeSession, Pipeline: 4, Leases: 8, Workers: 1, Duration: 200 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got.ErrorCodes["connection"] == 0 || got.Renewals <= 20 || got.Renewals > cluster.renewals {
		t.Errorf("result %+v; the cluster saw %d", got, cluster.renewals)
	}
}

func TestSessionGivesUpLeasesThatAreOver(t *testing.T) {
	cluster := &fakeSessions{fakeCluster: newFakeCluster()}
	var gone atomic.Bool
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == wire.PathSession && !gone.Swap(true) {
			cluster.mu.Lock()
			clear(cluster.seqs)
			cluster.mu.Unlock()
		}
		cluster.ServeHTTP(w, r)
	})
	got, err := Run(t.Context(), Config{
		Endpoints: []string{serve(t, handler)}, Mode: ModeSession, Pipeline: 3, Leases: 9, Workers: 1, Duration: time.Hour,
	})
	if err != nil || got.LeasesLost != 9 || got.ErrorCodes["lease_ended"] != 9 || got.Errors != 9 {
		t.Errorf("result %+v, %v", got, err)
	}
}

func TestSessionThatIsRefused(t *testing.T) {
	cluster := newFakeCluster()
	cluster.refuse = func(r *http.Request) *wire.Problem {
		if r.URL.Path == wire.PathSession {
			return &wire.Problem{Status: 503, Code: wire.CodeOverloaded, Retryable: true}
		}
		return nil
	}
	dead := serve(t, http.NotFoundHandler())
	got, err := Run(t.Context(), Config{
		Endpoints: []string{serve(t, cluster)}, Mode: ModeSession, Leases: 2, Workers: 1, Duration: 50 * time.Millisecond,
	})
	if err != nil || got.Renewals != 0 || got.ErrorCodes["overloaded"] == 0 || got.Failed() == nil {
		t.Errorf("result %+v, %v", got, err)
	}
	_, err = Run(t.Context(), Config{Endpoints: []string{dead}, Mode: ModeSession, Codec: CodecBinary})
	if err == nil || !bytes.Contains([]byte(err.Error()), []byte("a session has json or cbor")) {
		t.Errorf("binary: %v", err)
	}
}
