package api

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// gate lets in only requests that were meant for this node, so that a web page
// cannot write to a loopback node by a name of its own (DNS rebinding) or from
// its own origin. What a proxy says of itself (X-Forwarded-For and the like)
// is not believed.
type gate struct{ names map[string]bool }

func newGate(names []string) gate {
	g := gate{names: map[string]bool{"localhost": true}}
	for _, name := range names {
		if name = plainHost(hostOf(name)); name != "" {
			g.names[name] = true
		}
	}
	return g
}

// refuse returns why a request may not come in, or nil.
func (g gate) refuse(r *http.Request) *wire.Problem {
	if r.Host == "" && r.ProtoAtLeast(1, 1) || r.Host != "" && !g.knows(r.Host) { // health checks of HTTP/1.0 send none, browsers always do
		return wire.NewProblem(wire.CodeForbidden,
			"the Host "+quote(r.Host)+" is not an IP address, localhost, an advertised name or one of allowed_hosts")
	}
	if origins := r.Header["Origin"]; len(origins) > 0 && (len(origins) > 1 || !sameHost(origins[0], r.Host)) {
		return wire.NewProblem(wire.CodeForbidden,
			"the Origin "+quote(strings.Join(origins, ", "))+" does not match the Host "+quote(r.Host))
	}
	return nil
}

// knows tells whether a Host is this node.
func (g gate) knows(hostport string) bool {
	host := hostOf(hostport)
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return g.names[plainHost(host)]
}

// hostOf returns the host of host:port, without the brackets of IPv6.
func hostOf(hostport string) string {
	if rest, ok := strings.CutPrefix(hostport, "["); ok {
		host, _, _ := strings.Cut(rest, "]")
		return host
	}
	if host, _, ok := strings.Cut(hostport, ":"); ok && strings.Count(hostport, ":") == 1 {
		return host
	}
	return hostport
}

// plainHost brings a name into the form in which names are compared.
func plainHost(name string) string {
	return strings.ToLower(strings.TrimSuffix(name, "."))
}

// sameHost tells whether an origin is of that Host: the same name and port.
func sameHost(origin, host string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	return withDefaultPort(u.Host, u.Scheme) == withDefaultPort(host, u.Scheme)
}

func withDefaultPort(hostport, scheme string) string {
	u := url.URL{Host: strings.ToLower(hostport)}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	return plainHost(u.Hostname()) + ":" + port
}

// quote shows a text that a stranger sent.
func quote(text string) string {
	const most = 100
	if len(text) > most {
		text = text[:most] + "…"
	}
	return `"` + strings.ToValidUTF8(text, "?") + `"`
}
