package api

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

const (
	labelRoute   = "route"
	labelCode    = "code"
	labelOutcome = "outcome"
	labelReason  = "reason"
	labelSource  = "source"

	labelDirection = "direction"
)

// The metrics of this package; the help texts are their documentation.
const (
	requestsName  = "rollcall_http_requests_total"
	requestsHelp  = "Requests answered, by route (method and path; none where no route matched) and HTTP status."
	durationsName = "rollcall_http_request_duration_seconds"
	durationsHelp = "From the routing of a request to its answer, waits for a quorum or a revision included, by route."
	inFlightName  = "rollcall_http_requests_in_flight"
	inFlightHelp  = "Requests that are being answered now."
	beatsName     = "rollcall_heartbeats_total"
	beatsHelp     = "Heartbeats that this node took from clients, by outcome: accepted, duplicate, a problem's code for those refused, or lost (no quorum in time, or overloaded)."
	pagesName     = "rollcall_alive_pages_total"
	pagesHelp     = "Pages of /v1/alive sent in JSON, by whether they were encoded for that request or shared with others that asked the same at once."
	watchesName   = "rollcall_watches"
	watchesHelp   = "Watches that are open now: streams, long polls and those of sessions."
	eventsName    = "rollcall_watch_events_total"
	eventsHelp    = "Events sent to watches; one event counts for each of them."
	sessionsName  = "rollcall_sessions"
	sessionsHelp  = "WebSocket sessions that are open now."
	framesName    = "rollcall_session_frames_total"
	framesHelp    = "Messages of sessions, by direction: in (from clients) or out (answers, pushes, pings and pongs)."
	pushedName    = "rollcall_session_messages_total"
	pushedHelp    = "Mail pushed to sessions; what is pushed again counts again."
	slowName      = "rollcall_session_cut_off_total"
	slowHelp      = "Sessions that were cut off because their client did not read."
	cutOffName    = "rollcall_watch_cut_off_total"
	cutOffHelp    = "Streams, and watches of sessions, that this node ended before their client did, by reason: slow (its client did not read) or compacted (it fell behind what is kept)."
)

var durationBuckets = []float64{.0005, .001, .002, .004, .008, .016, .032, .064, .128, .256, .512, 1, 2, 5}

type metrics struct {
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	inFlight  prometheus.Gauge
	beats     *prometheus.CounterVec
	pages     *prometheus.CounterVec
	watches   prometheus.Gauge
	events    prometheus.Counter
	cutOff    *prometheus.CounterVec

	slow, compacted prometheus.Counter // of cutOff
	encoded, shared prometheus.Counter // of pages

	sessions            prometheus.Gauge
	frames              *prometheus.CounterVec
	framesIn, framesOut prometheus.Counter // of frames
	pushed              prometheus.Counter
	slowSessions        prometheus.Counter

	byCode    [registry.Jump + 1]prometheus.Counter // of beats, found once
	lostBeats prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		requests:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: requestsName, Help: requestsHelp}, []string{labelRoute, labelCode}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: durationsName, Help: durationsHelp, Buckets: durationBuckets}, []string{labelRoute}),
		inFlight:  prometheus.NewGauge(prometheus.GaugeOpts{Name: inFlightName, Help: inFlightHelp}),
		pages:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: pagesName, Help: pagesHelp}, []string{labelSource}),
		watches:   prometheus.NewGauge(prometheus.GaugeOpts{Name: watchesName, Help: watchesHelp}),
		events:    prometheus.NewCounter(prometheus.CounterOpts{Name: eventsName, Help: eventsHelp}),
		cutOff:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: cutOffName, Help: cutOffHelp}, []string{labelReason}),
		sessions:  prometheus.NewGauge(prometheus.GaugeOpts{Name: sessionsName, Help: sessionsHelp}),
		frames:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: framesName, Help: framesHelp}, []string{labelDirection}),
		pushed:    prometheus.NewCounter(prometheus.CounterOpts{Name: pushedName, Help: pushedHelp}),
		beats:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: beatsName, Help: beatsHelp}, []string{labelOutcome}),
	}
	m.slowSessions = prometheus.NewCounter(prometheus.CounterOpts{Name: slowName, Help: slowHelp})
	for _, c := range []prometheus.Collector{
		m.requests, m.durations, m.inFlight, m.beats, m.watches, m.events, m.cutOff,
		m.pages, m.sessions, m.frames, m.pushed, m.slowSessions,
	} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	for code := range m.byCode {
		m.byCode[code] = m.beats.WithLabelValues(outcome(registry.Code(code)))
	}
	m.slow, m.compacted = m.cutOff.WithLabelValues("slow"), m.cutOff.WithLabelValues("compacted")
	m.encoded, m.shared = m.pages.WithLabelValues("encoded"), m.pages.WithLabelValues("shared")
	m.framesIn, m.framesOut = m.frames.WithLabelValues("in"), m.frames.WithLabelValues("out")
	m.lostBeats = m.beats.WithLabelValues("lost")
	return m, nil
}

// outcome names what became of a beat.
func outcome(code registry.Code) string {
	switch code {
	case registry.OK:
		return "accepted"
	case registry.Duplicate:
		return "duplicate"
	}
	return string(beatCode(code))
}

// page counts a page that is sent.
func (m *metrics) page(shared bool) {
	if shared {
		m.shared.Inc()
	} else {
		m.encoded.Inc()
	}
}

// beat counts beats with that outcome.
func (m *metrics) beat(code registry.Code) prometheus.Counter {
	if int(code) < len(m.byCode) {
		return m.byCode[code]
	}
	return m.beats.WithLabelValues(string(wire.CodeInvalidRequest))
}
