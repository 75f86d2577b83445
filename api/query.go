package api

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// Names of query parameters.
const (
	paramNS          = "ns"
	paramConsistency = "consistency"
	paramMinRevision = "min_revision"
	paramMaxStale    = "max_stale_ms"
	paramEpoch       = "epoch"
	paramEvict       = "evict"
	paramForce       = "force"
	paramService     = "service"
	paramTag         = "tag"
	paramMeta        = "meta."
	paramPrefix      = "prefix"
	paramState       = "state"
	paramFields      = "fields"
	paramLimit       = "limit"
	paramCursor      = "cursor"
	paramAfter       = "after"
	paramID          = "id"
	paramFlapping    = "flapping"
	paramAt          = "at"
	paramAtRevision  = "at_revision"
	paramWait        = "wait_ms"
)

// query is a request's query parameters: known ones only, and each once that
// may be given once.
type query map[string][]string

// isRepeatable tells whether a parameter may be given more than once.
func isRepeatable(name string) bool { return name == paramTag || name == paramState }

func parseQuery(raw string, known []string) (query, error) {
	if raw == "" {
		return nil, nil
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, invalid("query", "the query is malformed: %v", err)
	}
	for name, given := range values {
		if !isKnown(name, known) {
			return nil, invalid(name, "%s is not a query parameter of this request", quote(name))
		}
		if len(given) > 1 && !isRepeatable(name) {
			return nil, invalid(name, "%s is given %d times", name, len(given))
		}
	}
	return query(values), nil
}

// isKnown matches a name; a known one that ends in a dot stands for all that
// begin with it.
func isKnown(name string, known []string) bool {
	return slices.ContainsFunc(known, func(k string) bool {
		return k == name || strings.HasSuffix(k, ".") && strings.HasPrefix(name, k)
	})
}

// get returns a parameter that is given once at most.
func (q query) get(name string) (string, bool) {
	if given := q[name]; len(given) > 0 {
		return given[0], true
	}
	return "", false
}

// text returns a parameter that satisfies a rule. Given empty it counts as not
// given.
func (q query) text(name string, ok rule) (string, error) {
	text, _ := q.get(name)
	if text == "" {
		return "", nil
	}
	if complaint := ok(text); complaint != "" {
		return "", invalid(name, "%s: %s", name, complaint)
	}
	return text, nil
}

// integer returns a parameter between two bounds, or otherwise where it is not
// given.
func (q query) integer(name string, low, high, otherwise uint64) (uint64, error) {
	text, there := q.get(name)
	if !there {
		return otherwise, nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n < low || n > high {
		return 0, invalid(name, "%s: want an integer from %d to %d", name, low, high)
	}
	return n, nil
}

// yes tells whether a parameter says true; what else it says is refused.
func (q query) yes(name string) (bool, error) {
	text, there := q.get(name)
	if there && text != strconv.FormatBool(true) {
		return false, invalid(name, "%s %s: want true", name, quote(text))
	}
	return there, nil
}

// namespace returns the namespace that is asked for.
func (q query) namespace() (string, error) {
	ns, there := q.get(paramNS)
	if !there {
		return wire.DefaultNS, nil
	}
	if complaint := isName(ns); complaint != "" {
		return "", invalid(paramNS, "%s: %s", paramNS, complaint)
	}
	return ns, nil
}

// limit returns how many items a page may hold.
func (q query) limit() (int, error) {
	if text, _ := q.get(paramLimit); text == "" {
		return wire.DefaultLimit, nil
	}
	n, err := q.integer(paramLimit, 1, wire.MaxLimit, 0)
	return int(n), err
}
