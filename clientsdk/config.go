package clientsdk

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// DefaultEndpoint is asked where no endpoint is named.
const DefaultEndpoint = "http://127.0.0.1:7700"

// The environment that [ConfigFromEnv] reads.
const (
	EnvAddr   = "ROLLCALL_ADDR"   // endpoints, comma-separated
	EnvToken  = "ROLLCALL_TOKEN"  // bearer token
	EnvCACert = "ROLLCALL_CACERT" // path of a PEM file
)

// Config says how to reach a cluster. Its zero value talks to a node on this
// machine.
type Config struct {
	// Endpoints are the base URLs of the nodes, in any order. One without a
	// scheme is taken as https where CACert is set, else as http. None:
	// DefaultEndpoint.
	Endpoints []string

	// Namespace is sent with every request under it; "" is the cluster's
	// default namespace.
	Namespace string

	// Token is sent as "Authorization: Bearer" with every request, "" for
	// none. Redirects are never followed, so that it goes nowhere else.
	Token string

	// CACert is the path of a PEM file with the authorities that may vouch for
	// the nodes, "" for those of the system.
	CACert string

	// Transport replaces the client's own connections. CACert, DialTimeout and
	// MaxConns are then its owner's business, as is closing it.
	Transport http.RoundTripper

	// Session asks over a WebSocket to one node what can be asked there: to
	// register, renew, change and give back leases, to send, acknowledge and give
	// back messages. It begins with the first of these, makes its own connection,
	// with CACert, DialTimeout and the system's proxy, and goes to another node
	// when this one goes away. While there is none, and for every further try of
	// what failed on it, requests go over HTTP. A lease that ends is heard of at
	// once, an inbox need not ask for messages.
	Session bool

	// DialTimeout bounds one TCP connect (default 3 s), which may then take as
	// long again for the TLS handshake.
	DialTimeout time.Duration

	// MaxConns bounds the connections to one node (default 256); requests
	// beyond it wait. It costs one file descriptor each, here and there.
	MaxConns int

	// RequestTimeout bounds one try, from sending to the last byte of the
	// answer (default 6 s, more than a node's longest wait for a revision). A
	// renewal has a tighter bound of its own, T/6. A try that asks for a long
	// poll (wait_ms) may take that much longer.
	RequestTimeout time.Duration

	// Retry says how often a call is tried again; renewals and registrations
	// that keep a lease alive have their own rhythm.
	Retry Retry

	// MaxAnswer bounds the bytes of an answer's body (default 32 MiB, a page of
	// 1,000 of the largest leases).
	MaxAnswer int64

	// Warning and Critical are the thresholds of OnQuality; fields that are
	// zero take DefaultWarning and DefaultCritical.
	Warning, Critical Thresholds

	// Logger hears of what the caller does not: panics in callbacks, callbacks
	// too slow to hear all. nil: nobody.
	Logger *slog.Logger
}

// ConfigFromEnv is the configuration that the environment names: ROLLCALL_ADDR
// (comma-separated), ROLLCALL_TOKEN and ROLLCALL_CACERT. [New] tells what is
// wrong with it.
func ConfigFromEnv() Config {
	return Config{
		Endpoints: splitList(os.Getenv(EnvAddr)),
		Token:     strings.TrimSpace(os.Getenv(EnvToken)),
		CACert:    os.Getenv(EnvCACert),
	}
}

func splitList(s string) []string {
	var list []string
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

// withDefaults fills in what is zero.
func (c Config) withDefaults() Config {
	if len(c.Endpoints) == 0 {
		c.Endpoints = []string{DefaultEndpoint}
	}
	if c.Namespace == wire.DefaultNS {
		c.Namespace = ""
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	orDefault(&c.DialTimeout, 3*time.Second)
	orDefault(&c.MaxConns, 256)
	orDefault(&c.RequestTimeout, 6*time.Second)
	orDefault(&c.MaxAnswer, 32<<20)
	c.Retry = c.Retry.withDefaults()
	c.Warning = c.Warning.or(DefaultWarning)
	c.Critical = c.Critical.or(DefaultCritical)
	return c
}

func orDefault[T int | int64 | float64 | time.Duration](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}

// endpoints parses the base URLs.
func (c Config) endpoints() ([]*url.URL, error) {
	scheme := "http"
	if c.CACert != "" {
		scheme = "https"
	}
	list := make([]*url.URL, 0, len(c.Endpoints))
	for _, text := range c.Endpoints {
		u, err := parseEndpoint(text, scheme)
		if err != nil {
			return nil, fmt.Errorf("endpoint %q: %w", text, err)
		}
		list = append(list, u)
	}
	return list, nil
}

func parseEndpoint(text, scheme string) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		text = scheme + "://" + text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, err
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("scheme %q is neither http nor https", u.Scheme)
	case u.Hostname() == "":
		return nil, fmt.Errorf("no host, write http://host:7700")
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return nil, fmt.Errorf("only scheme, host, port and path belong in it")
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = ""
	return u, nil
}
