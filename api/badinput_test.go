package api_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"github.com/seed-b4c92e43/rollcall/api"
	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func TestBadRegistrations(t *testing.T) {
	n, c := newServer(t)
	many := strings.TrimSuffix(strings.Repeat(`"t",`, 33), ",")
	pairs := new(strings.Builder)
	for i := range 33 {
		fmt.Fprintf(pairs, `,"k%d":"v"`, i)
	}
	for _, test := range []struct{ field, body string }{
		{"body", `{`},
		{"body", `{"service":"web"`},
		{"body", `{"service":}`},
		{"body", `{"service" "web"}`},
		{"body", `{'service':"web"}`},
		{"body", `{service:"web"}`},
		{"body", `{"service":"web",}`},
		{"body", `{"tags":["a",]}`},
		{"body", `{} {}`},
		{"body", `{}x`},
		{"body", `null`},
		{"body", `[]`},
		{"body", `"x"`},
		{"body", `7`},
		{"body", `tru`},
		{"body", ` `},
		{"body", `{"service":"a` + "\x01" + `"}`},
		{"body", `{"service":"\x"}`},
		{"body", `{"service":"\u12"}`},
		{"body", `{"address":"\ud800"}`},
		{"body", `{"address":"\ud800\u0041"}`},
		{"body", `{"address":"` + "\xff" + `"}`},
		{"body", `{"port":01}`},
		{"body", `{"port":1.}`},
		{"body", `{"port":-}`},
		{"body", `{"port":1e}`},
		{"body", `{"port":+1}`},
		{"body", `{"port":NaN}`},
		{"body", `{"meta":` + strings.Repeat(`{"a":`, 20) + `1` + strings.Repeat(`}`, 21)},
		{"body", strings.Repeat(`[`, 100_000)},
		{"nonsense", `{"nonsense":1}`},
		{"Service", `{"Service":"web"}`},
		{"epoch", `{"epoch":1}`},
		{"service", `{"service":"a","service":"b"}`},
		{"service", `{"service":"a","servic\u0065":"b"}`},
		{"zone", `{"meta":{"zone":"a","zone":"b"}}`},
		{"service", `{"service":7}`},
		{"service", `{"service":null}`},
		{"service", `{"service":"a b"}`},
		{"service", `{"service":"a/b"}`},
		{"service", `{"service":"` + strings.Repeat("s", 65) + `"}`},
		{"address", `{"address":["10.0.0.1"]}`},
		{"address", `{"address":"` + strings.Repeat("a", 256) + `"}`},
		{"address", `{"address":"a\nb"}`},
		{"port", `{"port":"80"}`},
		{"port", `{"port":-1}`},
		{"port", `{"port":65536}`},
		{"port", `{"port":80.5}`},
		{"port", `{"port":80.0}`},
		{"port", `{"port":8e1}`},
		{"port", `{"port":true}`},
		{"tags", `{"tags":"v2"}`},
		{"tags", `{"tags":[1]}`},
		{"tags", `{"tags":[null]}`},
		{"tags", `{"tags":[""]}`},
		{"tags", `{"tags":["` + strings.Repeat("t", 65) + `"]}`},
		{"tags", `{"tags":[` + many + `]}`},
		{"meta", `{"meta":[]}`},
		{"meta", `{"meta":{"a":1}}`},
		{"meta", `{"meta":{"":"v"}}`},
		{"meta", `{"meta":{"` + strings.Repeat("k", 65) + `":"v"}}`},
		{"meta", `{"meta":{"k":"` + strings.Repeat("v", 513) + `"}}`},
		{"meta", `{"meta":{"k":"v"` + pairs.String() + `}}`},
		{"ttl_ms", `{"ttl_ms":0}`},
		{"ttl_ms", `{"ttl_ms":-1000}`},
		{"ttl_ms", `{"ttl_ms":499}`},
		{"ttl_ms", `{"ttl_ms":86400001}`},
		{"ttl_ms", `{"ttl_ms":1000.5}`},
		{"ttl_ms", `{"ttl_ms":"10s"}`},
		{"ttl_ms", `{"ttl_ms":99999999999999999999999}`},
	} {
		c.do("PUT", "/v1/leases/a", test.body).invalid(test.field)
	}
	c.do("POST", "/v1/leases", `{"ttl_ms":0}`).invalid("ttl_ms")
	if got := n.replica.Len(); got != 0 {
		t.Fatalf("%d leases came of it", got)
	}
}

func TestGoodRegistrations(t *testing.T) {
	_, c := newServer(t)
	for _, body := range []string{
		``, `{}`, " {\n} ", `{"ttl_ms":500}`, `{"ttl_ms":86400000}`, `{"service":"","port":0,"tags":[],"meta":{}}`, `{"port":65535}`,
		`{"tags":["a","a","ü"],"meta":{"k":""}}`, `{"address":"\u00fc\ud83d\ude00\"\\\/"}`,
		`{"tags":["` + strings.Repeat("t", 64) + `"],"meta":{"` + strings.Repeat("k", 64) + `":"` + strings.Repeat("v", 512) + `"}}`,
	} {
		c.do("PUT", "/v1/leases/a", body).is(map[bool]int{true: 201, false: 200}[body == ``])
	}
	c.register("a", `{"tags":["b","a","b"],"meta":{"k":"\ud83d\ude00\n"}}`)
	l := into[wire.Lease](c.do("GET", "/v1/leases/a", ""))
	if strings.Join(l.Tags, " ") != "b a" || l.Meta["k"] != "😀\n" {
		t.Fatalf("lease %+v", l)
	}
}

func TestBadBeats(t *testing.T) {
	_, c := newServer(t)
	g := c.register("a", "")
	e := g.Epoch
	for _, test := range []struct{ field, body string }{
		{"epoch", `{"seq":1}`},
		{"epoch", `{"epoch":0,"seq":1}`},
		{"epoch", `{"epoch":-1,"seq":1}`},
		{"epoch", `{"epoch":1.5,"seq":1}`},
		{"epoch", `{"epoch":"1","seq":1}`},
		{"epoch", `{"epoch":null,"seq":1}`},
		{"epoch", `{"epoch":9007199254740992,"seq":1}`},
		{"epoch", `{"epoch":18446744073709551617,"seq":1}`},
		{"seq", `{"epoch":1}`},
		{"seq", `{"epoch":1,"seq":0}`},
		{"seq", `{"epoch":1,"seq":-1}`},
		{"seq", `{"epoch":1,"seq":1.0}`},
		{"seq", `{"epoch":1,"seq":1e2}`},
		{"seq", `{"epoch":1,"seq":true}`},
		{"seq", `{"epoch":1,"seq":9007199254740992}`},
		{"seq", `{"epoch":1,"seq":18446744073709551616}`},
		{"seq", `{"epoch":1,"seq":99999999999999999999999999999}`},
		{"seq", `{"epoch":1,"seq":1,"seq":2}`},
		{"epoch", `{"epoch":1,"seq":1,"epoch":1}`},
		{"rtt_ms", `{"epoch":1,"seq":1,"rtt_ms":-0.5}`},
		{"rtt_ms", `{"epoch":1,"seq":1,"rtt_ms":1e10}`},
		{"rtt_ms", `{"epoch":1,"seq":1,"rtt_ms":1e999}`},
		{"rtt_ms", `{"epoch":1,"seq":1,"rtt_ms":"1"}`},
		{"more", `{"epoch":1,"seq":1,"more":1}`},
		{"body", `{"epoch":1,"seq":1`},
		{"body", `{"epoch":1,"seq":1}}`},
		{"body", `{"epoch":01,"seq":1}`},
		{"body", `[1,1]`},
		{"body", ``},
	} {
		c.do("POST", "/v1/leases/a/heartbeat", test.body).invalid(test.field)
	}
	for _, body := range []string{
		`{"beats":[[0,1]]}`, `{"beats":[[1,0]]}`, `{"beats":[[1]]}`, `{"beats":[[1,2,3]]}`, `{"beats":[1,2]}`, `{"beats":[[1,-1]]}`,
		`{"beats":[[1,1.5]]}`, `{"beats":[["1",1]]}`, `{"beats":{}}`, `{"beats":null}`, `{}`, `{"beats":[[1,9007199254740992]]}`,
		`{"beats":[[99999999999999999999,1]]}`, `{"beats":[` + strings.Repeat(`[1,1],`, 10_000) + `[1,1]]}`,
	} {
		c.do("POST", "/v1/heartbeats", body).invalid("beats")
	}
	c.do("POST", "/v1/heartbeats", `{"beats":[`+strings.Repeat(`[1,1],`, 100_000)+`[1,1]]}`).invalid("beats")
	c.do("POST", "/v1/heartbeats", `[`+strings.Repeat(`0,`, 400_000)+`0]`).invalid("body")
	c.do("POST", "/v1/heartbeats", `{"beats":[[1,1],]}`).invalid("body")
	c.do("POST", "/v1/heartbeats", `{"beats":[[1,1]],"x":1}`).invalid("x")
	c.do("POST", "/v1/heartbeats", ``).invalid("body")
	packed := header("Content-Type", wire.TypeBeats)
	c.send("POST", "/v1/heartbeats", make([]byte, 15), packed).invalid("body")
	c.send("POST", "/v1/heartbeats", make([]byte, 16), packed).invalid("beats")
	c.send("POST", "/v1/heartbeats", bytes.Repeat([]byte{0xff}, 16), packed).invalid("beats")
	c.send("POST", "/v1/heartbeats", make([]byte, 16*10_001), packed).invalid("beats")
	c.send("POST", "/v1/leases/a/heartbeat", make([]byte, 16), packed).refuses(wire.CodeUnsupportedMediaType)
	c.beat("a", e, 1).is(200) // nothing of all this counted
}

func TestBadPatches(t *testing.T) {
	_, c := newServer(t)
	g := c.register("a", `{"tags":["x"]}`)
	for _, test := range []struct{ field, body string }{
		{"epoch", `{}`},
		{"epoch", `{"epoch":0}`},
		{"body", ``},
		{"state", `{"epoch":1,"state":"held"}`},
		{"state", `{"epoch":1,"state":"dead"}`},
		{"state", `{"epoch":1,"state":1}`},
		{"ttl_ms", `{"epoch":1,"ttl_ms":1000}`},
		{"service", `{"epoch":1,"service":"b"}`},
		{"tags", `{"epoch":1,"tags":null}`},
	} {
		c.do("PATCH", "/v1/leases/a", test.body).invalid(test.field)
	}
	l := into[wire.Lease](c.do("PATCH", "/v1/leases/a", fmt.Sprintf(`{"epoch":%d,"tags":[],"meta":{"k":"v"}}`, g.Epoch)).is(200))
	if len(l.Tags) != 0 || l.Meta["k"] != "v" {
		t.Fatalf("lease %+v", l)
	}
}

func TestBadIDs(t *testing.T) {
	_, c := newServer(t)
	for _, id := range []string{
		".", "..", "%2e", "%2E%2e", ".%2e", "a%2Fb", "a%2fb", "%2F", "a%20b", "a+b", "a%00", "%ff", "a%252Fb", "%2561", "a,b", "a;b", "a!b", "%C3%BC",
		strings.Repeat("a", 129),
	} {
		for _, method := range []string{"PUT", "GET", "DELETE"} {
			query := ""
			if method == "DELETE" {
				query = "?epoch=1"
			}
			r := c.do(method, "/v1/leases/"+id+query, "")
			r.invalid("id")
		}
		c.do("PATCH", "/v1/leases/"+id, `{"epoch":1}`).invalid("id")
		c.do("POST", "/v1/leases/"+id+"/heartbeat", `{"epoch":1,"seq":1}`).invalid("id")
	}
	for _, id := range []string{"a", "...", ".a", "A.b_c~d:e@f-9", "%61%3Ab", "a:b@c~d", strings.Repeat("a", 128)} {
		c.do("PUT", "/v1/leases/"+id, "").is(201)
	}
	if g := into[wire.Grant](c.do("PUT", "/v1/leases/%61%3ab", "").is(200)); g.ID != "a:b" {
		t.Fatalf("id %q", g.ID)
	}
}

func TestBadQueries(t *testing.T) {
	_, c := newServer(t)
	for _, test := range []struct{ field, method, path string }{
		{"x", "GET", "/v1/alive?x=1"},
		{"x", "PUT", "/v1/leases/a?x=1"},
		{"x", "GET", "/healthz?x=1"},
		{"at", "GET", "/v1/services?at=2026-11-22T10:00:00Z"},
		{"ns", "GET", "/v1/alive?ns=a&ns=b"},
		{"ns", "GET", "/v1/alive?ns="},
		{"ns", "PUT", "/v1/leases/a?ns=a%2Fb"},
		{"ns", "POST", "/v1/heartbeats?ns=" + strings.Repeat("n", 65)},
		{"query", "GET", "/v1/alive?ns=%zz"},
		{"query", "GET", "/v1/alive?a;b"},
		{"service", "GET", "/v1/alive?service=a%20b"},
		{"service", "GET", "/v1/alive?service=a&service=b"},
		{"tag", "GET", "/v1/alive?tag=%ff"},
		{"tag", "GET", "/v1/alive?" + strings.Repeat("tag=a&", 33)},
		{"meta.", "GET", "/v1/alive?meta.=a"},
		{"meta.a", "GET", "/v1/alive?meta.a=1&meta.a=2"},
		{"meta.a", "GET", "/v1/alive?meta.a=%ff"},
		{"meta", "GET", "/v1/alive?meta=1"},
		{"prefix", "GET", "/v1/alive?prefix=a/b"},
		{"state", "GET", "/v1/alive?state=dead"},
		{"state", "GET", "/v1/alive?state=expired"},
		{"state", "GET", "/v1/alive?state="},
		{"fields", "GET", "/v1/alive?fields=id,nonsense"},
		{"fields", "GET", "/v1/alive?fields=certificate"},
		{"limit", "GET", "/v1/alive?limit=0"},
		{"limit", "GET", "/v1/alive?limit=1001"},
		{"limit", "GET", "/v1/alive?limit=-1"},
		{"limit", "GET", "/v1/alive?limit=ten"},
		{"limit", "GET", "/v1/services?limit=1e2"},
		{"cursor", "GET", "/v1/alive?cursor=x"},
		{"cursor", "GET", "/v1/alive?cursor=%00"},
		{"cursor", "GET", "/v1/services?cursor=AAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
		{"consistency", "GET", "/v1/alive?consistency=strong"},
		{"consistency", "GET", "/v1/leases/a?consistency="},
		{"min_revision", "GET", "/v1/alive?min_revision=-1"},
		{"min_revision", "GET", "/v1/alive?min_revision=9007199254740992"},
		{"min_revision", "GET", "/v1/cluster?min_revision=99999999999999999999"},
		{"max_stale_ms", "GET", "/v1/alive?max_stale_ms=1.5"},
		{"epoch", "DELETE", "/v1/leases/a"},
		{"epoch", "DELETE", "/v1/leases/a?epoch=0"},
		{"epoch", "DELETE", "/v1/leases/a?epoch=-1"},
		{"epoch", "DELETE", "/v1/leases/a?epoch=x"},
		{"epoch", "DELETE", "/v1/leases/a?epoch=9007199254740992"},
		{"epoch", "DELETE", "/v1/leases/a?epoch=1&epoch=1"},
		{"evict", "DELETE", "/v1/leases/a?epoch=1&evict=true"},
		{"evict", "DELETE", "/v1/leases/a?evict=false"},
		{"evict", "DELETE", "/v1/leases/a?evict"},
	} {
		c.do(test.method, test.path, "").invalid(test.field)
	}
	for _, value := range []string{`"1"`, `W/"x"`, ``, `**`} {
		c.do("PUT", "/v1/leases/a", "", header("If-None-Match", value)).invalid("If-None-Match")
		c.do("POST", "/v1/leases", "", header("If-None-Match", value)).invalid("If-None-Match")
	}
}

func TestMediaTypes(t *testing.T) {
	_, c := newServer(t)
	body := []byte(`{}`)
	c.send("PUT", "/v1/leases/a", body).refuses(wire.CodeUnsupportedMediaType)
	for _, bad := range []string{"text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "json", wire.TypeBeats} {
		c.send("PUT", "/v1/leases/a", body, header("Content-Type", bad)).refuses(wire.CodeUnsupportedMediaType)
	}
	json := header("Content-Type", "application/json")
	c.send("PUT", "/v1/leases/a", body, json, header("Content-Encoding", "gzip")).refuses(wire.CodeUnsupportedMediaType)
	c.send("PUT", "/v1/leases/a", body, header("Content-Type", "Application/JSON; charset=UTF-8")).is(201)
	c.send("PUT", "/v1/leases/a", nil, json).is(200)
}

// chunked hides a body's length.
type chunked struct{ io.Reader }

func TestTooLarge(t *testing.T) {
	n := newNode()
	c := serve(t, api.Config{Node: n, Limits: api.Limits{MaxBody: 2000}})
	big := bytes.Repeat([]byte(" "), 2001)
	if p := c.send("PUT", "/v1/leases/a", big, header("Content-Type", wire.TypeJSON)).refuses(wire.CodeTooLarge); p.LimitBytes != 2000 {
		t.Fatalf("limit_bytes %d", p.LimitBytes)
	}
	endless := func(r *http.Request) {
		r.ContentLength = -1
		r.Body = io.NopCloser(chunked{io.LimitReader(spaces{}, 1<<30)})
	}
	c.send("PUT", "/v1/leases/a", nil, header("Content-Type", wire.TypeJSON), endless).refuses(wire.CodeTooLarge)
	fits := append(bytes.Repeat([]byte(" "), 1998), "{}"...)
	c.send("PUT", "/v1/leases/a", fits, header("Content-Type", wire.TypeJSON)).is(201)
	c.send("PUT", "/v1/leases/a", nil, header("Content-Type", wire.TypeJSON), func(r *http.Request) {
		r.Body = io.NopCloser(chunked{bytes.NewReader(fits)})
		r.ContentLength = -1
	}).is(200)
}

type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestCBOR(t *testing.T) {
	_, c := newServer(t)
	in, out := header("Content-Type", wire.TypeCBOR), header("Accept", wire.TypeCBOR)
	encode := func(v any) []byte {
		data, err := cbor.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	r := c.send("PUT", "/v1/leases/a", encode(wire.Registration{Service: "web", Tags: []string{"x"}, Meta: map[string]string{"k": "v"}, TTLMS: 5000}), in, out).is(201)
	var g wire.Grant
	if err := cbor.Unmarshal(r.body, &g); err != nil || g.ID != "a" || g.TTLMS != 5000 || r.Header.Get("Content-Type") != wire.TypeCBOR {
		t.Fatalf("%v %+v", err, g)
	}
	r = c.send("POST", "/v1/leases/a/heartbeat", encode(wire.Heartbeat{Epoch: g.Epoch, Seq: 1}), in, out).is(200)
	var b wire.Renewed
	if err := cbor.Unmarshal(r.body, &b); err != nil || b.Seq != 1 {
		t.Fatalf("%v %+v", err, b)
	}
	r = c.send("POST", "/v1/heartbeats", encode(wire.Heartbeats{Beats: [][2]uint64{{g.Epoch, 2}, {77, 1}}}), in, out).is(200)
	var batch wire.HeartbeatsResult
	if err := cbor.Unmarshal(r.body, &batch); err != nil || batch.Accepted != 1 || batch.Rejected[0].Code != wire.CodeLeaseNotFound {
		t.Fatalf("%v %+v", err, batch)
	}
	r = c.do("GET", "/v1/leases/a", "", out).is(200)
	var l map[string]any
	if err := cbor.Unmarshal(r.body, &l); err != nil || l["granted_at"] != "2026-11-18T11:06:40.000Z" || l["seq"] != uint64(2) {
		t.Fatalf("%v %v", err, l)
	}
	c.do("GET", "/v1/alive?fields=id,granted_at", "", out).is(200)
	c.do("GET", "/v1/leases/nobody", "", out).refuses(wire.CodeLeaseNotFound)
	for _, test := range []struct {
		field string
		body  []byte
	}{
		{"epoch", encode(map[string]any{"epoch": -1, "seq": 1})},
		{"epoch", encode(map[string]any{"epoch": 1.0, "seq": 1})},
		{"epoch", encode(map[string]any{"epoch": uint64(1 << 53), "seq": 1})},
		{"epoch", encode(map[string]any{"epoch": nil, "seq": 1})},
		{"epoch", encode(map[string]any{"epoch": []byte{1}, "seq": 1})},
		{"seq", encode(map[string]any{"epoch": 1, "seq": 0})},
		{"EPOCH", encode(map[string]any{"epoch": 1, "seq": 1, "EPOCH": 1})},
		{"rtt_ms", append([]byte{0xa3}, append(encodeAll("epoch", 1, "seq", 1, "rtt_ms"), 0xf9, 0x7e, 0x00)...)}, // NaN
		{"rtt_ms", append([]byte{0xa3}, append(encodeAll("epoch", 1, "seq", 1, "rtt_ms"), 0xf9, 0x7c, 0x00)...)}, // infinity
		{"seq", append([]byte{0xa3}, encodeAll("epoch", 1, "seq", 1, "seq", 2)...)},
		{"body", append([]byte{0xa1}, encodeAll(1, 1)...)},
		{"body", append(encode(map[string]any{"epoch": 1, "seq": 1}), 0)},
		{"body", encode(map[string]any{"epoch": 1, "seq": 1})[:5]},
		{"body", append([]byte{0xa1, 0x61, 0xff}, 1)},                                // invalid UTF-8
		{"body", append([]byte{0xa1}, append(encodeAll("epoch"), 0xc2, 0x41, 1)...)}, // a bignum
		{"body", bytes.Repeat([]byte{0x81}, 100_000)},
		{"x", encode(map[string]any{"x": make([]int, 110_000)})},
		{"body", encode(make([]int, 140_000))},
		{"body", encode([]int{1, 2})},
	} {
		c.send("POST", "/v1/leases/a/heartbeat", test.body, in).invalid(test.field)
	}
}

func encodeAll(items ...any) (all []byte) {
	for _, item := range items {
		data, err := cbor.Marshal(item)
		if err != nil {
			panic(err)
		}
		all = append(all, data...)
	}
	return all
}
