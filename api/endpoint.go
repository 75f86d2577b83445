package api

import (
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// endpoint is a route with its metrics, found once for every status so that
// no request looks a label up.
type endpoint struct {
	Route
	duration prometheus.Observer
	requests *prometheus.CounterVec
	counters [maxStatus]atomic.Pointer[prometheus.Counter]
}

const maxStatus = 600

func newEndpoint(r Route, m *metrics) *endpoint {
	route := strings.TrimSpace(r.Method + " " + r.Path)
	return &endpoint{
		Route:    r,
		duration: m.durations.WithLabelValues(route),
		requests: m.requests.MustCurryWith(prometheus.Labels{labelRoute: route}),
	}
}

func (e *endpoint) observe(status int, took time.Duration) {
	e.counter(status).Inc()
	e.duration.Observe(took.Seconds())
}

func (e *endpoint) counter(status int) prometheus.Counter {
	if c := e.counters[status%maxStatus].Load(); c != nil {
		return *c
	}
	c := e.requests.WithLabelValues(strconv.Itoa(status))
	e.counters[status%maxStatus].Store(&c)
	return c
}

// escaped are the parameters in a path, as they were sent.
type escaped struct{ id, msg string }

// takePath unescapes what stands for {id} and {msg} in the path.
func (r *request) takePath(in escaped) (err error) {
	if r.route.id != nil {
		if r.param, err = pathParam("id", in.id, r.route.id); err != nil {
			return err
		}
	}
	if !r.route.message {
		return nil
	}
	text, err := pathParam("msg", in.msg, isUUID)
	r.message, _ = parseUUID(text)
	return err
}

// pathParam unescapes a parameter exactly once. It is not_found where a whole
// path stands there, and invalid where the rule says so.
func pathParam(name, escaped string, ok rule) (string, error) {
	if strings.Contains(escaped, "/") {
		return "", nothingHere(escaped)
	}
	text, err := url.PathUnescape(escaped)
	if err != nil {
		return "", invalid(name, "%s: %v", name, err)
	}
	if complaint := ok(text); complaint != "" {
		return "", invalid(name, "%s %s: %s", name, quote(text), complaint)
	}
	return text, nil
}

func nothingHere(path string) error {
	return wire.NewProblem(wire.CodeNotFound, "nothing is at "+quote(path)+"; what there is stands in "+wire.PathOpenAPI)
}
