package api

import (
	"encoding/json"
	"math"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// odd are texts that an encoder may stumble over.
var odd = []string{
	"", "a", "web-1", `"`, `\`, "<a href='x'>&amp;", "\x00\x01\b\t\n\f\r\x1f\x7f", "zoë", "日本", "\u2028\u2029", "\xff\xc3", "\U0001f600", "\ufffd",
}

func drawText(t *rapid.T, label string) string {
	return rapid.OneOf(rapid.SampledFrom(odd), rapid.String()).Draw(t, label)
}

func drawSpec(t *rapid.T) registry.Spec {
	spec := registry.Spec{Service: "web", Address: drawText(t, "address"), Port: uint16(rapid.IntRange(0, math.MaxUint16).Draw(t, "port"))}
	for range rapid.IntRange(0, 3).Draw(t, "tags") {
		spec.Tags = append(spec.Tags, drawText(t, "tag"))
	}
	for range rapid.IntRange(0, 3).Draw(t, "pairs") {
		spec.Meta = append(spec.Meta, registry.Pair{Key: drawText(t, "key"), Value: drawText(t, "value")})
	}
	return spec
}

// TestRowsAreWrittenAsLeases: a list is byte for byte what package
// encoding/json makes of the leases, whatever their holders say of themselves.
func TestRowsAreWrittenAsLeases(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := newShelf()
		s, err := New(Config{Node: n})
		if err != nil {
			t.Fatal(err)
		}
		n.wall = rapid.OneOf(rapid.Int64Range(0, 1<<53), rapid.Just(int64(1_795_000_000_007))).Draw(t, "wall")
		for range rapid.IntRange(0, 5).Draw(t, "leases") {
			ns := rapid.SampledFrom([]string{"default", "other"}).Draw(t, "ns")
			id := rapid.StringMatching(`[a-zA-Z0-9._~:@-]{1,12}`).Draw(t, "id")
			l := n.apply(&registry.Grant{NS: ns, ID: id, TTL: uint32(rapid.IntRange(1, math.MaxUint32).Draw(t, "ttl")), Spec: drawSpec(t)}).Results[0].Lease
			n.wall += rapid.Int64Range(0, 5000).Draw(t, "later")
			n.apply(&registry.Renew{Beats: registry.Beats(nil).Append(l.Epoch, rapid.Uint64Range(1, 1_000_000).Draw(t, "seq"))})
			if rapid.Bool().Draw(t, "drains") {
				n.apply(&registry.Patch{NS: ns, ID: id, Epoch: l.Epoch, State: new(registry.Draining)})
			}
			if rapid.Bool().Draw(t, "measured") {
				s.rtts.add(l.Epoch, rapid.Float64Range(0, math.MaxFloat32).Draw(t, "rtt"))
			}
		}
		if rapid.Bool().Draw(t, "held") {
			n.holdAll(drawText(t, "reason"))
		}
		raw := rapid.SampledFrom([]string{"", "limit=2", "service=web&state=held", "prefix=a", "fields=id", "fields=id,address,port", "limit=1&fields=" + strings.Join(fieldNames(), ",")}).Draw(t, "query")
		want, tag := plain(t, s, n, raw)
		got := get(t, s, "/v1/alive?"+raw, http.Header{})
		if got.Body.String() != string(want) {
			t.Fatalf("got\n%s\nwant\n%s", got.Body, want)
		}
		if got.Header().Get("Etag") != tag {
			t.Fatalf("ETag %s, want %s", got.Header().Get("Etag"), tag)
		}
	})
}

func fieldNames() (names []string) {
	for _, c := range leaseColumns {
		names = append(names, c.name)
	}
	return names
}

// TestColumnsAreTheLease: the columns are the fields of a wire.Lease that a
// live one has, in their order.
func TestColumnsAreTheLease(t *testing.T) {
	var want []string
	for f := range reflect.TypeFor[wire.Lease]().Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "certificate" {
			want = append(want, name)
		}
	}
	if got := fieldNames(); !slices.Equal(got, want) || len(leaseFields) != len(want) {
		t.Errorf("columns %v of %d fields, want %v", got, len(leaseFields), want)
	}
}

func FuzzAppendString(f *testing.F) {
	for _, text := range odd {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want, err := encodeJSON(text)
		if got := appendString([]byte("x"), text); err != nil || string(got)+"\n" != "x"+string(want) {
			t.Errorf("%q: got %s, want %s (%v)", text, got, want, err)
		}
	})
}

func TestAppendTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.Int64Range(-1<<50, 1<<53).Draw(t, "at")
		want, err := json.Marshal(wire.Time(at))
		if got := appendTime(nil, at); err != nil || string(got) != string(want) {
			t.Errorf("%d: got %s, want %s (%v)", at, got, want, err)
		}
	})
}

func TestAppendRTT(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rtt := &wire.RTT{Mean: rapid.Float64().Draw(t, "mean"), P95: micro(rapid.Float64Range(0, 1e6).Draw(t, "p95")), Jitter: 1e-7}
		want, err := json.Marshal(rtt)
		if got := appendRTT(nil, rtt); err != nil || string(got) != string(want) {
			t.Errorf("got %s, want %s (%v)", got, want, err)
		}
	})
}
