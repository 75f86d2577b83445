package loadgen

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// fakeRegistry keeps leases, buries the silent, and tells of it, as the
// contract says as far as the scenarios can see, unless it is told to do harm.
// All that is asked of it beside is answered by mail.
type fakeRegistry struct {
	mu       sync.Mutex // guards all below
	revision uint64
	byID     map[string]*fakeLease
	byEpoch  map[uint64]*fakeLease
	events   []wire.Event
	asked    map[string]int // requests by path
	watched  bool           // somebody has a watch, or had
	mail     *fakePost
	figures  func(n int) string // the nth answer of /metrics

	refuse func(r *http.Request) *wire.Problem
	judge  func(l *fakeLease, age time.Duration) string // what becomes of a lease: "", expired, held
	page   func(n int, p *wire.AlivePage)               // harms the nth list
	show   func(l *wire.Lease)                          // harms what is told of one lease
}

type fakeLease struct {
	wire.Lease
	renewed time.Time
}

func newFakeRegistry() *fakeRegistry {
	return &fakeRegistry{
		byID: make(map[string]*fakeLease), byEpoch: make(map[uint64]*fakeLease), asked: make(map[string]int),
		mail: newFakePost(), judge: justly, page: func(int, *wire.AlivePage) {}, show: func(*wire.Lease) {},
		figures: func(int) string { return "process_start_time_seconds 1\ngo_goroutines 100\n" },
	}
}

// justly buries what is past its TTL.
func justly(l *fakeLease, age time.Duration) string {
	if age > time.Duration(l.TTLMS)*time.Millisecond {
		return "expired"
	}
	return ""
}

func (f *fakeRegistry) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == wire.PathWatch {
		f.watch(w, r)
		return
	}
	if strings.HasPrefix(r.URL.Path, wire.PathMailboxes) {
		f.mail.ServeHTTP(w, r)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked[r.URL.Path]++
	f.bury()
	if f.refuse != nil {
		if p := f.refuse(r); p != nil {
			answer(w, p.Status, p)
			return
		}
	}
	switch id := strings.TrimPrefix(r.URL.Path, wire.PathLeases+"/"); {
	case r.URL.Path == wire.PathMetrics:
		fmt.Fprint(w, f.figures(f.asked[wire.PathMetrics]))
	case r.URL.Path == wire.PathAlive:
		f.list(w, r)
	case r.URL.Path == wire.PathHeartbeats:
		f.beats(w, r)
	case strings.HasSuffix(id, "/heartbeat"):
		f.beat(w, r)
	case r.Method == http.MethodPut:
		f.grant(w, r, id)
	case r.Method == http.MethodGet && f.byID[id] != nil:
		l := f.byID[id].Lease
		f.show(&l)
		answer(w, 200, l)
	case r.Method == http.MethodDelete && f.byID[id] != nil:
		f.end(f.byID[id], "left")
		answer(w, 200, f.byID[id].Certificate)
	default:
		answer(w, 404, wire.NewProblem(wire.CodeLeaseNotFound, ""))
	}
}

func (f *fakeRegistry) grant(w http.ResponseWriter, r *http.Request, id string) {
	var reg wire.Registration
	if err := json.NewDecoder(r.Body).Decode(&reg); err != nil {
		answer(w, 400, wire.NewProblem(wire.CodeInvalidRequest, err.Error()))
		return
	}
	f.revision++
	l := &fakeLease{renewed: time.Now(), Lease: wire.Lease{
		ID: id, Service: reg.Service, Address: reg.Address, Tags: reg.Tags, Meta: reg.Meta, State: "alive", Epoch: f.revision, TTLMS: reg.TTLMS,
	}}
	if old := f.byID[id]; old != nil {
		delete(f.byEpoch, old.Epoch)
	}
	f.byID[id], f.byEpoch[l.Epoch] = l, l
	f.tell("registered", l)
	answer(w, 201, wire.Grant{Epoch: l.Epoch, Revision: f.revision})
}

// renew is that of one beat; the empty code is success.
func (f *fakeRegistry) renew(epoch, seq uint64) wire.Code {
	l := f.byEpoch[epoch]
	if l == nil || l.Certificate != nil {
		return wire.CodeLeaseEnded
	}
	if seq > l.Seq {
		l.Seq, l.renewed = seq, time.Now()
	}
	return ""
}

func (f *fakeRegistry) beat(w http.ResponseWriter, r *http.Request) {
	var b wire.Heartbeat
	_ = json.NewDecoder(r.Body).Decode(&b)
	if code := f.renew(b.Epoch, b.Seq); code != "" {
		answer(w, 410, wire.NewProblem(code, ""))
		return
	}
	answer(w, 200, wire.Renewed{Epoch: b.Epoch, Seq: b.Seq})
}

func (f *fakeRegistry) beats(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	result := wire.HeartbeatsResult{Rejected: []wire.RejectedBeat{}}
	for b := body; len(b) >= 16; b = b[16:] {
		epoch, seq := binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
		if code := f.renew(epoch, seq); code != "" {
			result.Rejected = append(result.Rejected, wire.RejectedBeat{Epoch: epoch, Seq: seq, Code: code})
			continue
		}
		result.Accepted++
	}
	answer(w, 200, result)
}

// list answers in pages, with the revision as ETag.
func (f *fakeRegistry) list(w http.ResponseWriter, r *http.Request) {
	tag := fmt.Sprintf(`W/"%d"`, f.revision)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	q := r.URL.Query()
	limit, _ := strconv.Atoi(q.Get("limit"))
	p := wire.AlivePage{Revision: f.revision, Alive: []wire.Lease{}}
	var ids []string
	for id, l := range f.byID {
		if l.Certificate == nil && l.Service == q.Get("service") && id > q.Get("cursor") {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	for _, id := range ids[:min(len(ids), limit)] {
		p.Alive = append(p.Alive, f.byID[id].Lease)
	}
	if len(ids) > limit {
		p.NextCursor = ids[limit-1]
	}
	p.Count = len(p.Alive)
	f.page(f.asked[wire.PathAlive], &p)
	w.Header().Set("ETag", tag)
	answer(w, 200, p)
}

// bury judges all leases. f.mu is held.
func (f *fakeRegistry) bury() {
	now := time.Now()
	for _, l := range f.byID {
		if l.Certificate != nil {
			continue
		}
		switch verdict := f.judge(l, now.Sub(l.renewed)); {
		case verdict == "expired":
			f.end(l, verdict)
		case verdict != "" && l.State != verdict:
			f.revision++
			l.State = verdict
			f.tell(verdict, l)
		}
	}
}

// end ends a lease. f.mu is held.
func (f *fakeRegistry) end(l *fakeLease, cause string) {
	if l.Certificate != nil {
		return
	}
	f.revision++
	l.State, l.Certificate = cause, &wire.Certificate{ID: l.ID, Epoch: l.Epoch, Cause: cause, OverdueMS: 7, Revision: f.revision}
	f.tell(cause, l)
}

// tell keeps an event. f.mu is held.
func (f *fakeRegistry) tell(kind string, l *fakeLease) {
	f.events = append(f.events, wire.Event{
		Revision: f.revision, Type: kind, ID: l.ID, Service: l.Service, Epoch: l.Epoch, Certificate: l.Certificate,
	})
}

// watch sends what comes after a revision, or from now on, as the fake's clock
// goes: it judges beside.
func (f *fakeRegistry) watch(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	after, at := f.revision, 0
	f.watched = true
	f.mu.Unlock()
	w.Header().Set("Content-Type", wire.TypeEvents)
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		after, _ = strconv.ParseUint(id, 10, 64)
	} else {
		fmt.Fprintf(w, "id: %d\nevent: snapshot\ndata: {}\n\n", after)
	}
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		_ = http.NewResponseController(w).Flush()
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
		f.mu.Lock()
		f.bury()
		fresh := slices.Clone(f.events[at:])
		at = len(f.events)
		f.mu.Unlock()
		for _, e := range fresh {
			if e.Revision > after && e.Service == r.URL.Query().Get("service") {
				data, _ := json.Marshal(e)
				fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", e.Revision, e.Type, data)
			}
		}
	}
}

// living is how many leases there are.
func (f *fakeRegistry) living() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range f.byID {
		if l.Certificate == nil {
			n++
		}
	}
	return n
}

// ofNumber says that a lease is the nth of a herd.
func (l *fakeLease) ofNumber(n int) bool { return strings.HasSuffix(l.ID, fmt.Sprintf("-%034d", n)) }
