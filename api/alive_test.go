package api_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func ids(page wire.AlivePage) string {
	var all []string
	for _, l := range page.Alive {
		all = append(all, l.ID)
	}
	return strings.Join(all, " ")
}

func (c *client) alive(query string) wire.AlivePage {
	c.t.Helper()
	page := into[wire.AlivePage](c.do("GET", "/v1/alive"+query, "").is(200))
	if page.Count != len(page.Alive) {
		c.t.Errorf("count %d of %d", page.Count, len(page.Alive))
	}
	return page
}

func TestAliveFilters(t *testing.T) {
	_, c := newServer(t)
	c.register("web-2", `{"service":"web","tags":["v2","eu"],"meta":{"zone":"a"}}`)
	g := c.register("web-1", `{"service":"web","tags":["v2"],"meta":{"zone":"b"}}`)
	c.register("db-1", `{"service":"db","tags":["eu"],"meta":{"zone":"a","rack":""}}`)
	c.do("PUT", "/v1/leases/web-9?ns=other", `{"service":"web"}`).is(201)
	c.do("PATCH", "/v1/leases/web-1", fmt.Sprintf(`{"epoch":%d,"state":"draining"}`, g.Epoch)).is(200)
	for _, test := range []struct{ query, want string }{
		{"", "db-1 web-1 web-2"},
		{"?ns=other", "web-9"},
		{"?ns=nobody", ""},
		{"?service=web", "web-1 web-2"},
		{"?service=web&tag=v2&tag=eu", "web-2"},
		{"?tag=eu", "db-1 web-2"},
		{"?meta.zone=a", "db-1 web-2"},
		{"?meta.zone=a&meta.rack=", "db-1"},
		{"?meta.zone=c", ""},
		{"?prefix=web-", "web-1 web-2"},
		{"?prefix=web-&state=alive", "web-2"},
		{"?state=draining", "web-1"},
		{"?state=alive&state=draining", "db-1 web-1 web-2"},
		{"?state=draining,held", "web-1"},
		{"?service=&prefix=&tag=&limit=&cursor=&fields=", "db-1 web-1 web-2"},
		{"?limit=1000", "db-1 web-1 web-2"},
	} {
		if got := ids(c.alive(test.query)); got != test.want {
			t.Errorf("alive%s: %q, want %q", test.query, got, test.want)
		}
	}
	body := string(c.do("GET", "/v1/alive?fields=port,id,address&prefix=db", "").is(200).body)
	if !strings.Contains(body, `"alive":[{"address":"","id":"db-1","port":0}]`) {
		t.Errorf("fields: %s", body)
	}
}

func TestPages(t *testing.T) {
	_, c := newServer(t)
	for i := range 25 {
		c.register(fmt.Sprintf("id-%02d", i), `{"service":"s"}`)
	}
	var got []string
	query := "?limit=10&service=s"
	first := uint64(0)
	for cursor := ""; ; {
		page := c.alive(query + "&cursor=" + cursor)
		got = append(got, strings.Fields(ids(page))...)
		if first == 0 {
			first = page.Revision
			c.register("id-00a", `{"service":"s"}`) // behind the reader
			c.do("DELETE", "/v1/leases/id-15?evict=true", "").is(200)
		}
		if page.NextCursor == "" || len(got) > 100 {
			break
		}
		cursor = page.NextCursor
	}
	if len(got) != 24 || !slices.IsSorted(got) || slices.Contains(got, "id-15") {
		t.Fatalf("got %v", got)
	}
	next := url.QueryEscape(c.alive(query).NextCursor)
	c.do("GET", "/v1/alive?limit=3&service=s&cursor="+next, "").is(200)
	c.do("GET", "/v1/alive?limit=10&cursor="+next, "").invalid("cursor")
	c.do("GET", "/v1/alive?limit=10&service=s&ns=other&cursor="+next, "").invalid("cursor")
	c.do("GET", "/v1/services?cursor="+next, "").invalid("cursor")
	c.do("GET", "/v1/alive?limit=10&service=s&cursor="+next+"A", "").invalid("cursor")
	c.do("GET", "/v1/alive?limit=10&service=s&cursor="+next+"%0A", "").invalid("cursor")

	_, behind := newServer(t)
	behind.do("GET", "/v1/alive"+query+"&cursor="+next, "").refuses(wire.CodeTooStale)
}

func TestEtag(t *testing.T) {
	n, c := newServer(t)
	g := c.register("a", `{"service":"web"}`)
	c.register("b", `{"service":"db"}`)
	const query = "/v1/alive?service=web"
	tag := c.do("GET", query, "").is(200).Header.Get("Etag")
	same := func(path, tag string) {
		t.Helper()
		r := c.do("GET", path, "", header("If-None-Match", `"x", `+tag)).is(304)
		if len(r.body) != 0 || r.Header.Get("Etag") != tag || r.Header.Get(wire.HeaderRevision) == "" || r.Header.Get("Content-Type") != "" {
			t.Errorf("304: %v %q", r.Header, r.body)
		}
	}
	same(query, tag)
	c.beat("a", g.Epoch, 1).is(200)
	n.advance(time.Second)
	c.register("c", `{"service":"db"}`)
	same(query, tag)
	same("/v1/alive?service=web&consistency=leader", tag)
	for _, other := range []string{"/v1/alive?service=web&limit=7", "/v1/alive?service=web&fields=id", "/v1/alive?prefix=a", "/v1/alive"} {
		if got := c.do("GET", other, "", header("If-None-Match", tag)).is(200).Header.Get("Etag"); got == tag {
			t.Errorf("%s has the ETag of %s", other, query)
		}
	}
	c.do("PATCH", "/v1/leases/a", fmt.Sprintf(`{"epoch":%d,"port":1}`, g.Epoch)).is(200)
	changed := c.do("GET", query, "", header("If-None-Match", tag)).is(200).Header.Get("Etag")
	c.do("DELETE", "/v1/leases/a?evict=true", "").is(200)
	if last := c.do("GET", query, "", header("If-None-Match", changed)).is(200).Header.Get("Etag"); last == changed || last == tag {
		t.Error("an ending does not change the ETag")
	}
	services := c.do("GET", "/v1/services", "").is(200).Header.Get("Etag")
	same("/v1/services", services)
	c.do("GET", "/v1/alive", "", header("If-None-Match", "*")).is(304)
}

func TestServices(t *testing.T) {
	_, c := newServer(t)
	c.register("x", "")
	for i, service := range []string{"web", "db", "web", "api"} {
		c.register(fmt.Sprint("id", i), `{"service":"`+service+`"}`)
	}
	page := into[wire.ServicesPage](c.do("GET", "/v1/services", "").is(200))
	if len(page.Services) != 3 || page.NextCursor != "" || page.Services[2].Service != "web" || page.Services[2].Alive != 2 {
		t.Fatalf("services %+v", page)
	}
	var names []string
	for cursor := ""; ; {
		page := into[wire.ServicesPage](c.do("GET", "/v1/services?limit=1&cursor="+cursor, "").is(200))
		for _, s := range page.Services {
			names = append(names, s.Service)
		}
		if cursor = page.NextCursor; cursor == "" || len(names) > 10 {
			break
		}
	}
	if strings.Join(names, " ") != "api db web" {
		t.Fatalf("names %v", names)
	}
	if page := into[wire.ServicesPage](c.do("GET", "/v1/services?ns=nobody", "").is(200)); page.Services == nil || len(page.Services) != 0 {
		t.Fatalf("services %+v", page)
	}
}
