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

// pathID unescapes, exactly once, what stands for {id} in the escaped path. It
// is not_found where a whole path stands there, and invalid where it is no id.
func (e *endpoint) pathID(escaped string) (string, error) {
	if e.id == nil {
		return "", nil
	}
	if strings.Contains(escaped, "/") {
		return "", nothingHere(escaped)
	}
	id, err := url.PathUnescape(escaped)
	if err != nil {
		return "", invalid("id", "id: %v", err)
	}
	if complaint := e.id(id); complaint != "" {
		return "", invalid("id", "id %s: %s", quote(id), complaint)
	}
	return id, nil
}

func nothingHere(path string) error {
	return wire.NewProblem(wire.CodeNotFound, "nothing is at "+quote(path)+"; what there is stands in "+wire.PathOpenAPI)
}
