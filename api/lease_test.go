package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func TestLifeOfALease(t *testing.T) {
	n, c := newServer(t)
	g := into[wire.Grant](c.do("PUT", "/v1/leases/web-1",
		`{"service":"web","address":"10.0.0.5","port":8080,"tags":["v2"],"meta":{"zone":"a"},"ttl_ms":10000}`).is(201))
	want := wire.Grant{NS: "default", ID: "web-1", Epoch: g.Epoch, TTLMS: 10000, ExpiresInMS: 10000, HeartbeatEveryMS: 3333, Revision: g.Epoch}
	if g != want || g.Epoch == 0 {
		t.Fatalf("grant %+v, want %+v", g, want)
	}

	n.advance(time.Second)
	b := into[wire.Renewed](c.beat("web-1", g.Epoch, 1).is(200))
	if b != (wire.Renewed{ID: "web-1", Epoch: g.Epoch, Seq: 1, TTLMS: 10000, ExpiresInMS: 10000, HeartbeatEveryMS: 3333, Revision: g.Epoch}) {
		t.Fatalf("renewed %+v", b)
	}
	n.advance(time.Second)
	if b := into[wire.Renewed](c.beat("web-1", g.Epoch, 1).is(200)); !b.Duplicate || b.ExpiresInMS != 9000 {
		t.Fatalf("duplicate %+v", b)
	}
	if b := into[wire.Renewed](c.beat("web-1", g.Epoch, 5).is(200)); b.Duplicate || b.Seq != 5 {
		t.Fatalf("after a gap %+v", b)
	}
	if p := c.beat("web-1", g.Epoch, 4).refuses(wire.CodeStaleSequence); *p.CurrentSeq != 5 {
		t.Fatalf("current_seq %d", *p.CurrentSeq)
	}

	l := into[wire.Lease](c.do("GET", "/v1/leases/web-1", "").is(200))
	if l.State != "alive" || l.Seq != 5 || l.Renewals != 2 || l.Missed != 3 || l.Meta["zone"] != "a" || l.Tags[0] != "v2" ||
		l.Service != "web" || l.Address != "10.0.0.5" || l.Port != 8080 || l.RTTMS != nil || l.Revision != g.Epoch || l.Late {
		t.Fatalf("lease %+v", l)
	}

	l = into[wire.Lease](c.do("PATCH", "/v1/leases/web-1", fmt.Sprintf(`{"epoch":%d,"state":"draining","port":9}`, g.Epoch)).is(200))
	if l.State != "draining" || l.Port != 9 || l.Address != "10.0.0.5" || l.Revision != g.Revision+1 {
		t.Fatalf("patched %+v", l)
	}

	leave := fmt.Sprintf("/v1/leases/web-1?epoch=%d", g.Epoch)
	cert := into[wire.Certificate](c.do("DELETE", leave, "").is(200))
	if cert.Cause != "left" || cert.LastSeq != 5 || cert.Epoch != g.Epoch {
		t.Fatalf("certificate %+v", cert)
	}
	if again := into[wire.Certificate](c.do("DELETE", leave, "").is(200)); again != cert {
		t.Fatalf("left again: %+v, first %+v", again, cert)
	}
	gone := into[wire.Gone](c.do("GET", "/v1/leases/web-1", "").is(200))
	if gone.State != "left" || *gone.Certificate != cert || gone.Seq != 5 {
		t.Fatalf("gone %+v", gone)
	}
	if p := c.beat("web-1", g.Epoch, 6).refuses(wire.CodeLeaseEnded); *p.Certificate != cert {
		t.Fatalf("certificate %+v", p.Certificate)
	}
}

func TestExpiry(t *testing.T) {
	n, c := newServer(t)
	g := c.register("a", `{"ttl_ms":1000}`)
	n.advance(1040 * time.Millisecond)
	if l := into[wire.Lease](c.do("GET", "/v1/leases/a", "").is(200)); !l.Late || l.ExpiresInMS != 0 || l.State != "alive" {
		t.Fatalf("past its TTL, not buried: %+v", l)
	}
	n.advance(time.Second)
	if gone := into[wire.Gone](c.do("GET", "/v1/leases/a", "").is(200)); gone.State != "expired" || gone.Certificate.Judge != "n1" {
		t.Fatalf("gone %+v", gone)
	}
	if p := c.beat("a", g.Epoch, 1).refuses(wire.CodeLeaseEnded); p.Certificate.Cause != "expired" {
		t.Fatalf("problem %+v", p)
	}
	c.do("PATCH", "/v1/leases/a", fmt.Sprintf(`{"epoch":%d}`, g.Epoch)).refuses(wire.CodeLeaseEnded)
	c.do("DELETE", fmt.Sprintf("/v1/leases/a?epoch=%d", g.Epoch), "").refuses(wire.CodeLeaseEnded)
	c.beat("a", 999, 1).refuses(wire.CodeLeaseNotFound)
	c.beat("never", 1, 1).refuses(wire.CodeLeaseNotFound)
	c.do("GET", "/v1/leases/never", "").refuses(wire.CodeLeaseNotFound)
	c.do("DELETE", "/v1/leases/never?evict=true", "").refuses(wire.CodeLeaseNotFound)
}

func TestTakeOver(t *testing.T) {
	_, c := newServer(t)
	first := c.register("a", "")
	p := c.do("PUT", "/v1/leases/a", "", header("If-None-Match", "*")).refuses(wire.CodeIDTaken)
	if p.Holder.Epoch != first.Epoch || p.Holder.ExpiresInMS != 10000 {
		t.Fatalf("holder %+v", p.Holder)
	}
	second := into[wire.Grant](c.do("PUT", "/v1/leases/a", "{}").is(200))
	if second.ReplacedEpoch != first.Epoch || second.Epoch <= first.Epoch {
		t.Fatalf("second %+v after %+v", second, first)
	}
	for _, r := range []*reply{
		c.beat("a", first.Epoch, 1),
		c.do("PATCH", "/v1/leases/a", fmt.Sprintf(`{"epoch":%d,"port":1}`, first.Epoch)),
		c.do("DELETE", fmt.Sprintf("/v1/leases/a?epoch=%d", first.Epoch), ""),
	} {
		if p := r.refuses(wire.CodeSuperseded); p.CurrentEpoch != second.Epoch {
			t.Fatalf("current epoch %d, want %d", p.CurrentEpoch, second.Epoch)
		}
	}
	if cert := into[wire.Certificate](c.do("DELETE", "/v1/leases/a?evict=true", "").is(200)); cert.Cause != "evicted" {
		t.Fatalf("certificate %+v", cert)
	}
	c.do("PUT", "/v1/leases/a", "", header("If-None-Match", "*")).is(201)
	if p := c.beat("b", 1, 1).refuses(wire.CodeLeaseNotFound); p.CurrentEpoch != 0 {
		t.Fatalf("problem %+v", p)
	}
}

// A seq of 0 is a fact where a lease was granted and not renewed yet.
func TestBigJumpIsRefused(t *testing.T) {
	_, c := newServer(t)
	g := c.register("a", "")
	c.beat("a", g.Epoch, 1_000_001).invalid("seq")
	c.beat("a", g.Epoch, 1_000_000).is(200)
}

func TestIdempotencyKey(t *testing.T) {
	n, c := newServer(t)
	key := header("Idempotency-Key", "boot 7")
	first := into[wire.Grant](c.do("PUT", "/v1/leases/a", `{"ttl_ms":2000}`, key).is(201))
	n.advance(time.Second)
	again := into[wire.Grant](c.do("PUT", "/v1/leases/a", `{"ttl_ms":2000}`, key, header("If-None-Match", "*")).is(200))
	if again.Epoch != first.Epoch || again.ExpiresInMS < 1000 || again.ExpiresInMS > 1020 {
		t.Fatalf("again %+v, first %+v", again, first)
	}
	second := c.register("a", "")
	if p := c.do("PUT", "/v1/leases/a", "", key).refuses(wire.CodeSuperseded); p.CurrentEpoch != second.Epoch {
		t.Fatalf("problem %+v", p)
	}
	c.do("DELETE", "/v1/leases/a?evict=true", "").is(200)
	if p := c.do("PUT", "/v1/leases/a", "", key).refuses(wire.CodeLeaseEnded); p.Certificate.Epoch != first.Epoch {
		t.Fatalf("certificate %+v", p.Certificate)
	}
	for _, bad := range []string{"", strings.Repeat("k", 256), "umlaut ä"} {
		c.do("PUT", "/v1/leases/b", "", header("Idempotency-Key", bad)).invalid("Idempotency-Key")
	}
	c.do("PUT", "/v1/leases/b", "", key, key).invalid("Idempotency-Key")
}

func TestMadeIDs(t *testing.T) {
	_, c := newServer(t)
	r := c.do("POST", "/v1/leases?ns=shop", `{"service":"web"}`).is(201)
	g := into[wire.Grant](r)
	if len(g.ID) != 36 || g.NS != "shop" || r.Header.Get("Location") != "/v1/leases/"+g.ID+"?ns=shop" {
		t.Fatalf("grant %+v at %q", g, r.Header.Get("Location"))
	}
	if other := into[wire.Grant](c.do("POST", "/v1/leases?ns=shop", "").is(201)); other.ID == g.ID {
		t.Fatal("the same id twice")
	}
	key := header("Idempotency-Key", "k")
	one := into[wire.Grant](c.do("POST", "/v1/leases?ns=shop", "", key).is(201))
	two := into[wire.Grant](c.do("POST", "/v1/leases?ns=shop", "", key).is(200))
	if one.ID != two.ID || one.Epoch != two.Epoch {
		t.Fatalf("%+v, then %+v", one, two)
	}
	if elsewhere := into[wire.Grant](c.do("POST", "/v1/leases", "", key).is(201)); elsewhere.ID == one.ID {
		t.Fatal("an id does not depend on its namespace")
	}
}

func TestNamespacesAreApart(t *testing.T) {
	_, c := newServer(t)
	g := c.register("a", "")
	c.do("GET", "/v1/leases/a?ns=other", "").refuses(wire.CodeLeaseNotFound)
	c.do("POST", "/v1/leases/a/heartbeat?ns=other", fmt.Sprintf(`{"epoch":%d,"seq":1}`, g.Epoch)).refuses(wire.CodeLeaseNotFound)
	c.do("DELETE", fmt.Sprintf("/v1/leases/a?ns=other&epoch=%d", g.Epoch), "").refuses(wire.CodeLeaseNotFound)
	batch := into[wire.HeartbeatsResult](c.do("POST", "/v1/heartbeats?ns=other", fmt.Sprintf(`{"beats":[[%d,1]]}`, g.Epoch)).is(200))
	if batch.Accepted != 0 || batch.Rejected[0].Code != wire.CodeLeaseNotFound {
		t.Fatalf("batch %+v", batch)
	}
}

func TestRoundTripHints(t *testing.T) {
	_, c := newServer(t)
	g := c.register("a", "")
	for i, rtt := range []string{"1", "3.5", "2e0"} {
		c.do("POST", "/v1/leases/a/heartbeat", fmt.Sprintf(`{"epoch":%d,"seq":%d,"rtt_ms":%s}`, g.Epoch, i+1, rtt)).is(200)
	}
	l := into[wire.Lease](c.do("GET", "/v1/leases/a", "").is(200))
	if l.RTTMS == nil || *l.RTTMS != (wire.RTT{Mean: 2.167, P95: 3.5, Jitter: 2}) {
		t.Fatalf("rtt %+v", l.RTTMS)
	}
	c.register("a", "")
	if l := into[wire.Lease](c.do("GET", "/v1/leases/a", "").is(200)); l.RTTMS != nil {
		t.Fatalf("a new epoch has the old one's round trips: %+v", l.RTTMS)
	}
}

func TestHeadersOfHead(t *testing.T) {
	_, c := newServer(t)
	c.register("a", "")
	r := c.do(http.MethodHead, "/v1/leases/a", "").is(200)
	if len(r.body) != 0 || r.ContentLength <= 0 || r.Header.Get(wire.HeaderRevision) == "" {
		t.Fatalf("HEAD: %d bytes, %v", len(r.body), r.Header)
	}
	c.do(http.MethodHead, "/v1/leases/b", "").is(404)
}
