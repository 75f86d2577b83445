package loadgen

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// Target is what all scenarios have in common: the cluster, and who is told
// how far the run is. Zero values take the defaults that stand beside the
// fields.
type Target struct {
	Endpoints []string      // base URLs or host:port, http only; connections spread over them in turn
	Token     string        // sent as a bearer token when not empty
	NS        string        // default
	Prefix    string        // of all ids; "bench-"
	Timeout   time.Duration // of one request; 10 s. It is enforced to within a second

	// Watch is told now and then how far the run is, from one goroutine; may
	// be nil.
	Watch func(Progress)
}

var (
	nameShape   = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	prefixShape = regexp.MustCompile(`^[A-Za-z0-9_~:@-][A-Za-z0-9._~:@-]{0,99}$`)
)

func (t Target) withDefaults() Target {
	t.Endpoints = slices.Clone(t.Endpoints)
	for i, e := range t.Endpoints {
		if !strings.Contains(e, "://") {
			t.Endpoints[i] = "http://" + e
		}
	}
	orElse(&t.NS, wire.DefaultNS)
	orElse(&t.Prefix, "bench-")
	orElse(&t.Timeout, 10*time.Second)
	return t
}

func orElse[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func (t Target) validate() error {
	return errors.Join(
		check(len(t.Endpoints) > 0, "no endpoint to drive"),
		checkEndpoints(t.Endpoints),
		check(nameShape.MatchString(t.NS), "ns %q: want [A-Za-z0-9._-]{1,64}", t.NS),
		check(prefixShape.MatchString(t.Prefix), "prefix %q: want up to 100 of [A-Za-z0-9._~:@-], not a dot first", t.Prefix),
	)
}

// query is what every path of the namespace ends in, after first.
func (t Target) query(first string) string {
	if t.NS == wire.DefaultNS {
		return first
	}
	if first == "" {
		return "?ns=" + t.NS
	}
	return first + "&ns=" + t.NS
}

func check(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf(format, args...)
}

func checkEndpoints(endpoints []string) error {
	for _, e := range endpoints {
		u, err := url.Parse(e)
		if err != nil {
			return fmt.Errorf("endpoint %q: %w", e, err)
		}
		if u.Scheme != "http" || u.Host == "" || (u.Path != "" && u.Path != "/") {
			return fmt.Errorf("endpoint %q: want http://host:port", e)
		}
	}
	return nil
}
