package node

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// witness is a client that holds one lease through a storm, and every answer
// that it gets against what it was told before.
type witness struct {
	c     *cluster
	t     *testing.T
	rnd   *rand.Rand
	id    string
	hosts []string
	ttl   time.Duration

	epoch  uint64
	seq    uint64 // of the last acknowledged renewal
	life   int    // counts the registrations
	acked  []ack  // of this epoch
	counts *stormCounts
}

// ack is one acknowledged renewal.
type ack struct {
	seq       uint64
	sent, got time.Time
}

// stormCounts is what a storm amounted to; a test of nothing would pass.
type stormCounts struct{ renewals, buried, linearizable, local, refused, sent, mailRead, pushed int }

func (s *stormCounts) add(o stormCounts) {
	s.renewals += o.renewals
	s.buried += o.buried
	s.linearizable += o.linearizable
	s.local += o.local
	s.refused += o.refused
	s.sent += o.sent
	s.mailRead += o.mailRead
	s.pushed += o.pushed
}

func (w *witness) run(ctx context.Context) {
	for ctx.Err() == nil {
		if w.epoch == 0 && !w.register(ctx) {
			continue
		}
		switch w.rnd.IntN(4) {
		case 0:
			w.readLinearizable()
		case 1:
			w.readLocal()
		default:
			w.renew(ctx)
		}
		pass(time.Duration(100+w.rnd.IntN(300)) * time.Millisecond)
	}
}

// ask sends a request to some node. False where it was not answered, or with
// what a client tries again.
func (w *witness) ask(method, path string, body any, header ...string) (answer, bool) {
	began := time.Now()
	host := w.hosts[w.rnd.IntN(len(w.hosts))]
	a, err := w.c.doWith(host, method, path, body, header...)
	if took := time.Since(began); took > 2*time.Second && a.status != 0 {
		w.t.Errorf("%s %s was answered %d after %v", method, path, a.status, took)
	}
	if err != nil || a.status == http.StatusServiceUnavailable {
		w.counts.refused++
		pass(20 * time.Millisecond)
		return a, false
	}
	return a, true
}

func (w *witness) register(ctx context.Context) bool {
	w.life++
	key := fmt.Sprint(w.id, "-", w.life)
	for ctx.Err() == nil {
		a, ok := w.ask("PUT", "/v1/leases/"+w.id, wire.Registration{Service: "storm", TTLMS: w.ttl.Milliseconds()}, "Idempotency-Key", key)
		switch {
		case !ok:
		case a.status == 200 || a.status == 201:
			var g wire.Grant
			a.into(w.t, &g)
			w.epoch, w.seq, w.acked = g.Epoch, 0, nil
			return true
		case a.status == http.StatusGone: // it was granted and ended before the answer came
			return false
		default:
			w.t.Errorf("register %s: %d %s", w.id, a.status, a.body)
			return false
		}
	}
	return false
}

// renew sends the next seq until it is decided. Only its first commit extends
// the lease, and that may be of any try.
func (w *witness) renew(ctx context.Context) {
	sent := time.Now()
	for ctx.Err() == nil {
		a, ok := w.ask("POST", "/v1/leases/"+w.id+"/heartbeat", wire.Heartbeat{Epoch: w.epoch, Seq: w.seq + 1})
		switch {
		case !ok:
		case a.status == 200:
			w.seq++
			w.counts.renewals++
			w.acked = append(w.acked, ack{w.seq, sent, time.Now()})
			return
		case a.status == http.StatusGone:
			w.buried(a)
			return
		default:
			w.t.Errorf("renewal %d of %s: %d %s", w.seq+1, w.id, a.status, a.body)
			return
		}
	}
}

// buried checks a certificate: no sooner than a TTL after what was acknowledged
// last, and not knowing less.
func (w *witness) buried(a answer) {
	var p wire.Problem
	a.into(w.t, &p)
	if n := len(w.acked); n > 0 && time.Since(w.acked[n-1].sent) < w.ttl {
		w.t.Errorf("%s was buried %v after its renewal was sent: %s", w.id, time.Since(w.acked[n-1].sent), a.body)
	}
	if p.Certificate == nil || p.Certificate.LastSeq < w.seq {
		w.t.Errorf("%s was acknowledged %d, and ended so: %s", w.id, w.seq, a.body)
	}
	w.counts.buried++
	w.epoch = 0
}

func (w *witness) readLinearizable() {
	a, ok := w.ask("GET", "/v1/leases/"+w.id+"?consistency=linearizable", nil)
	if !ok {
		return
	}
	w.counts.linearizable++
	w.sees(a, w.seq, "a linearizable read")
}

// readLocal checks that a node which says how old its view is does not lie.
func (w *witness) readLocal() {
	began := time.Now()
	a, ok := w.ask("GET", "/v1/leases/"+w.id, nil)
	if !ok {
		return
	}
	ms, err := strconv.ParseUint(a.header.Get(wire.HeaderStaleness), 10, 64)
	if err != nil {
		w.t.Errorf("staleness: %v", err)
	}
	if ms == wire.Unknown {
		return
	}
	w.counts.local++
	asOf := began.Add(-time.Duration(ms+1) * time.Millisecond)
	var seen uint64
	for _, k := range w.acked {
		if k.got.Before(asOf) {
			seen = k.seq
		}
	}
	if seen > 0 {
		w.sees(a, seen, fmt.Sprintf("a local read that is %d ms old", ms))
	}
}

// sees checks that an answer knows a renewal of this epoch.
func (w *witness) sees(a answer, seq uint64, what string) {
	if a.status != 200 {
		w.t.Errorf("%s of %s: %d %s", what, w.id, a.status, a.body)
		return
	}
	var l wire.Lease
	a.into(w.t, &l)
	switch {
	case l.Epoch == w.epoch && l.Certificate == nil && l.Seq >= seq:
	case l.Certificate != nil && l.Certificate.Epoch == w.epoch && l.Certificate.LastSeq >= seq:
	default:
		w.t.Errorf("%s of %s does not see seq %d of epoch %d: %s", what, w.id, seq, w.epoch, strings.TrimSpace(string(a.body)))
	}
}
