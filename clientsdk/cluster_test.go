package clientsdk

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// cluster is a model of a rollcall cluster behind an http.RoundTripper: the
// contract's rules of leases in one map, and three nodes n1 to n3 that can
// fail in front of it. It is a different implementation than the registry's,
// small enough to be seen to be right.
type cluster struct {
	mu       sync.Mutex
	leases   map[string]*modelLease
	keys     map[string]*modelLease // by id and Idempotency-Key
	ended    map[uint64]*wire.Certificate
	revision uint64
	skew     time.Duration // how far the cluster's time is ahead of the client's

	onEnd func(*wire.Certificate)
	mail  map[string]*modelMailbox
	sent  chan struct{} // closed and made anew when a mailbox has changed
	nodes map[string]*modelNode
	hits  []hit
	seen  func(*http.Request) // before anything else
}

// modelNode is how a node fails.
type modelNode struct {
	down     bool          // connections are refused
	silent   bool          // requests are swallowed, without effect
	noLeader bool          // 503
	delay    time.Duration // before the request takes effect
	lag      time.Duration // after it took effect, before the answer
	lose     int           // so many answers are lost after they took effect
	script   []answer      // these are given first
}

// answer is a response that was written down beforehand.
type answer struct {
	status int
	body   any
}

// hit is a request that reached a node.
type hit struct {
	node, method, path, key string
	at                      time.Time
	body                    string
}

type modelLease struct {
	id       string
	epoch    uint64
	seq      uint64
	ttl      time.Duration
	deadline time.Time
	key      string
	live     bool
	state    string
	rtt      []float64
	reg      wire.Registration
}

func newCluster() *cluster {
	return &cluster{
		leases: map[string]*modelLease{}, keys: map[string]*modelLease{}, ended: map[uint64]*wire.Certificate{},
		mail: map[string]*modelMailbox{}, sent: make(chan struct{}),
		revision: 100,
		nodes:    map[string]*modelNode{"n1": {}, "n2": {}, "n3": {}},
	}
}

// RoundTrip is the way in. It fails as a network would, and keeps to ctx.
func (c *cluster) RoundTrip(req *http.Request) (*http.Response, error) {
	body := readBody(req)
	node := req.URL.Hostname()
	if c.seen != nil {
		c.seen(req)
	}
	c.mu.Lock()
	n := *c.nodes[node]
	c.hits = append(c.hits, hit{
		node: node, method: req.Method, path: req.URL.Path, at: time.Now(),
		body: string(body), key: req.Header.Get(headerKey),
	})
	c.mu.Unlock()
	ctx := req.Context()
	if n.down {
		return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	}
	if n.silent {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if err := sleep(ctx, n.delay); err != nil {
		return nil, err
	}
	a, err := c.answer(node, req, body)
	if err != nil {
		return nil, err
	}
	if err := sleep(ctx, n.lag); err != nil {
		return nil, err
	}
	if c.loses(node) {
		return nil, io.ErrUnexpectedEOF
	}
	return a.response(req, node), nil
}

func readBody(req *http.Request) []byte {
	if req.Body == nil {
		return nil
	}
	defer req.Body.Close()
	body, _ := io.ReadAll(req.Body)
	return body
}

func (c *cluster) loses(node string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.nodes[node]
	if n.lose > 0 {
		n.lose--
		return true
	}
	return false
}

func (a answer) response(req *http.Request, node string) *http.Response {
	media := wire.TypeJSON
	if p, ok := a.body.(*wire.Problem); ok {
		media = wire.TypeProblem
		p.Status = a.status
		p.Retryable = a.status == 429 || a.status == 503
	}
	body, _ := json.Marshal(a.body)
	if text, ok := a.body.(string); ok {
		media, body = "text/html", []byte(text)
	}
	return &http.Response{
		StatusCode: a.status, Request: req, Body: io.NopCloser(bytes.NewReader(body)),
		Header: http.Header{
			"Content-Type": {media}, wire.HeaderNode: {node}, wire.HeaderLeader: {"n1"},
			wire.HeaderRevision: {"4720"}, wire.HeaderStaleness: {"12"}, wire.HeaderConsistency: {"local"},
		},
	}
}

func problem(status int, code wire.Code) answer {
	return answer{status, &wire.Problem{Code: code, Detail: "as the test says"}}
}

func (c *cluster) serve(node string, req *http.Request, body []byte) answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.nodes[node]
	if len(n.script) > 0 {
		a := n.script[0]
		n.script = n.script[1:]
		return a
	}
	if n.noLeader {
		return problem(503, wire.CodeNoLeader)
	}
	c.bury()
	id, beat := strings.CutSuffix(strings.TrimPrefix(strings.TrimPrefix(req.URL.Path, wire.PathLeases), "/"), "/heartbeat")
	switch {
	case req.URL.Path == wire.PathHeartbeats:
		return c.heartbeats(body)
	case req.URL.Path == wire.PathAlive:
		return c.alive(req)
	case beat:
		return c.heartbeat(id, body)
	case req.Method == http.MethodPut, req.Method == http.MethodPost:
		return c.register(id, req, body)
	case req.Method == http.MethodPatch:
		return c.patch(id, body)
	case req.Method == http.MethodDelete:
		return c.leave(id, req)
	}
	return c.read(id)
}

// now is the cluster's time.
func (c *cluster) now() time.Time { return time.Now().Add(c.skew) }

// bury ends who is overdue.
func (c *cluster) bury() {
	for _, l := range c.leases {
		if l.live && c.now().After(l.deadline) {
			c.end(l, Expired)
		}
	}
}

func (c *cluster) end(l *modelLease, cause Cause) *wire.Certificate {
	c.revision++
	l.live = false
	cert := &wire.Certificate{ID: l.id, Epoch: l.epoch, Cause: string(cause), LastSeq: l.seq, Revision: c.revision}
	c.ended[l.epoch] = cert
	if c.onEnd != nil {
		c.onEnd(cert)
	}
	return cert
}

func (c *cluster) register(id string, req *http.Request, body []byte) answer {
	key := req.Header.Get(headerKey)
	if id == "" {
		id = "made-" + key
	}
	if old := c.keys[id+" "+key]; old != nil {
		return c.again(old)
	}
	var reg wire.Registration
	if err := json.Unmarshal(body, &reg); err != nil {
		return problem(400, wire.CodeInvalidRequest)
	}
	status := 201
	if old := c.leases[id]; old != nil && old.live {
		if req.Header.Get(headerIfNone) == "*" {
			return answer{412, &wire.Problem{Code: wire.CodeIDTaken, Holder: &wire.Holder{Epoch: old.epoch}}}
		}
		c.end(old, Replaced)
		status = 200
	}
	c.revision++
	l := &modelLease{id: id, epoch: c.revision, key: key, live: true, state: "alive", reg: reg, ttl: wire.DefaultTTL}
	if reg.TTLMS > 0 {
		l.ttl = time.Duration(reg.TTLMS) * time.Millisecond
	}
	l.deadline = c.now().Add(l.ttl)
	c.leases[id] = l
	c.keys[id+" "+key] = l
	return answer{status, l.grant(c.revision)}
}

// again answers a key that was seen before.
func (c *cluster) again(l *modelLease) answer {
	if l.live {
		return answer{200, l.grant(c.revision)}
	}
	return c.over(l.id, l.epoch)
}

func (l *modelLease) grant(revision uint64) wire.Grant {
	return wire.Grant{ID: l.id, Epoch: l.epoch, Seq: l.seq, TTLMS: l.ttl.Milliseconds(), Revision: revision}
}

// over is what an epoch hears that does not live.
func (c *cluster) over(id string, epoch uint64) answer {
	if l := c.leases[id]; l != nil && l.live && l.epoch > epoch {
		return answer{409, &wire.Problem{Code: wire.CodeSuperseded, CurrentEpoch: l.epoch}}
	}
	if cert := c.ended[epoch]; cert != nil {
		return answer{410, &wire.Problem{Code: wire.CodeLeaseEnded, Certificate: cert}}
	}
	return problem(404, wire.CodeLeaseNotFound)
}

func (c *cluster) heartbeat(id string, body []byte) answer {
	var hb wire.Heartbeat
	if err := json.Unmarshal(body, &hb); err != nil {
		return problem(400, wire.CodeInvalidRequest)
	}
	l := c.leases[id]
	if l == nil || !l.live || l.epoch != hb.Epoch {
		return c.over(id, hb.Epoch)
	}
	if hb.Seq < l.seq {
		return answer{409, &wire.Problem{Code: wire.CodeStaleSequence, CurrentSeq: new(l.seq)}}
	}
	duplicate := hb.Seq == l.seq
	if !duplicate {
		l.seq = hb.Seq
		l.deadline = c.now().Add(l.ttl)
	}
	if hb.RTTMS != nil {
		l.rtt = append(l.rtt, *hb.RTTMS)
	}
	return answer{200, wire.Renewed{
		ID: id, Epoch: l.epoch, Seq: l.seq, TTLMS: l.ttl.Milliseconds(), Duplicate: duplicate, Revision: c.revision,
	}}
}

func (c *cluster) heartbeats(body []byte) answer {
	result := wire.HeartbeatsResult{Rejected: []wire.RejectedBeat{}}
	for ; len(body) >= 16; body = body[16:] {
		epoch, seq := binary.BigEndian.Uint64(body), binary.BigEndian.Uint64(body[8:])
		single, _ := json.Marshal(wire.Heartbeat{Epoch: epoch, Seq: seq})
		switch a := c.heartbeat(c.idOf(epoch), single); b := a.body.(type) {
		case *wire.Problem:
			result.Rejected = append(result.Rejected, wire.RejectedBeat{Epoch: epoch, Seq: seq, Code: b.Code})
		case wire.Renewed:
			if b.Duplicate {
				result.Duplicates++
			} else {
				result.Accepted++
			}
			result.Pending = append(result.Pending, [2]uint64{epoch, 1})
		}
	}
	return answer{200, result}
}

func (c *cluster) idOf(epoch uint64) string {
	for _, l := range c.keys {
		if l.epoch == epoch {
			return l.id
		}
	}
	return "nobody"
}

func (c *cluster) patch(id string, body []byte) answer {
	var p wire.Patch
	if err := json.Unmarshal(body, &p); err != nil {
		return problem(400, wire.CodeInvalidRequest)
	}
	l := c.leases[id]
	if l == nil || !l.live || l.epoch != p.Epoch {
		return c.over(id, p.Epoch)
	}
	if p.State != nil {
		l.state = *p.State
	}
	if p.Tags != nil {
		l.reg.Tags = *p.Tags
	}
	c.revision++
	return c.read(id)
}

func (c *cluster) leave(id string, req *http.Request) answer {
	l := c.leases[id]
	if req.URL.Query().Get("evict") == "true" && l != nil && l.live {
		return answer{200, c.end(l, Evicted)}
	}
	epoch, _ := strconv.ParseUint(req.URL.Query().Get("epoch"), 10, 64)
	if l != nil && l.live && l.epoch == epoch {
		return answer{200, c.end(l, Left)}
	}
	if cert := c.ended[epoch]; cert != nil && cert.Cause == string(Left) {
		return answer{200, cert}
	}
	return c.over(id, epoch)
}

func (c *cluster) read(id string) answer {
	l := c.leases[id]
	if l == nil {
		return problem(404, wire.CodeLeaseNotFound)
	}
	return answer{200, l.shown()}
}

func (l *modelLease) shown() wire.Lease {
	state := l.state
	if !l.live {
		state = "gone"
	}
	return wire.Lease{
		ID: l.id, Service: l.reg.Service, Tags: l.reg.Tags, State: state, Epoch: l.epoch, Seq: l.seq,
		TTLMS: l.ttl.Milliseconds(),
	}
}

// alive pages two by two; the cursor is the last id.
func (c *cluster) alive(req *http.Request) answer {
	const size = 2
	page := wire.AlivePage{Revision: c.revision, Alive: []wire.Lease{}}
	for _, l := range c.sorted() {
		if !l.live || l.id <= req.URL.Query().Get("cursor") {
			continue
		}
		if page.Count == size {
			page.NextCursor = page.Alive[size-1].ID
			break
		}
		page.Alive = append(page.Alive, l.shown())
		page.Count++
	}
	return answer{200, page}
}
