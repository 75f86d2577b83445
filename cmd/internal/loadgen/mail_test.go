package loadgen

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// fakePost keeps mailboxes as the contract says, as far as the driver can see,
// unless it is told to do harm.
type fakePost struct {
	mu      sync.Mutex
	boxes   map[string][]wire.Message // by path
	offsets map[string]map[string]uint64
	acked   map[string]uint64
	refuse  func(n int, r *http.Request) *wire.Problem // of the nth request
	harm    func(page *wire.MessagesPage)
	forget  func(m *wire.Message) bool
	asked   int
}

func newFakePost() *fakePost {
	return &fakePost{boxes: make(map[string][]wire.Message), offsets: make(map[string]map[string]uint64), acked: make(map[string]uint64)}
}

func (f *fakePost) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == wire.PathMetrics {
		(&fakeMetrics{values: someMetrics()}).ServeHTTP(w, r)
		return
	}
	box, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, wire.PathMailboxes+"/"), "/")
	if r.Method == http.MethodGet {
		f.wait(r, box)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	if f.refuse != nil {
		if p := f.refuse(f.asked, r); p != nil {
			answer(w, p.Status, p)
			return
		}
	}
	switch {
	case r.Method == http.MethodGet:
		f.read(w, r, box)
	case rest == "ack":
		f.ack(w, r, box)
	default:
		f.keep(w, r, box)
	}
}

// wait waits a little for a message, as a long poll.
func (f *fakePost) wait(r *http.Request, box string) {
	after, _ := strconv.ParseUint(r.URL.Query().Get("after"), 10, 64)
	wait, _ := strconv.Atoi(r.URL.Query().Get("wait_ms"))
	for range min(wait, 50) {
		f.mu.Lock()
		n := len(f.boxes[box])
		f.mu.Unlock()
		if uint64(n) > after {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func (f *fakePost) keep(w http.ResponseWriter, r *http.Request, box string) {
	var m wire.NewMessage
	if json.NewDecoder(r.Body).Decode(&m) != nil || m.TTLMS != letterTTL.Milliseconds() {
		answer(w, 400, wire.NewProblem(wire.CodeInvalidRequest, "body"))
		return
	}
	if offset, ok := f.offsets[box][m.ID]; ok {
		answer(w, 200, wire.Sent{ID: m.ID, Offset: offset, Duplicate: true})
		return
	}
	if f.offsets[box] == nil {
		f.offsets[box] = make(map[string]uint64)
	}
	offset := uint64(len(f.boxes[box]) + 1)
	f.offsets[box][m.ID] = offset
	f.boxes[box] = append(f.boxes[box], wire.Message{ID: m.ID, Offset: offset, Body: m.Body})
	answer(w, 201, wire.Sent{ID: m.ID, Offset: offset})
}

func (f *fakePost) read(w http.ResponseWriter, r *http.Request, box string) {
	after, _ := strconv.ParseUint(r.URL.Query().Get("after"), 10, 64)
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	page := wire.MessagesPage{Messages: []wire.Message{}, Next: after}
	for _, m := range f.boxes[box] {
		if m.Offset <= after || len(page.Messages) == limit {
			continue
		}
		page.Next = m.Offset
		if f.forget == nil || !f.forget(&m) {
			page.Messages = append(page.Messages, m)
		}
	}
	if f.harm != nil {
		f.harm(&page)
	}
	answer(w, 200, page)
}

func (f *fakePost) ack(w http.ResponseWriter, r *http.Request, box string) {
	var a wire.Ack
	_ = json.NewDecoder(r.Body).Decode(&a)
	if a.UpTo == 0 || a.UpTo > uint64(len(f.boxes[box])) {
		answer(w, 400, wire.NewProblem(wire.CodeInvalidRequest, "up_to"))
		return
	}
	done := max(a.UpTo, f.acked[box]) - f.acked[box]
	f.acked[box] += done
	answer(w, 200, wire.Acked{Acked: int(done)})
}

func mailConfig(endpoints ...string) MailConfig {
	return MailConfig{
		Target:  Target{Endpoints: endpoints},
		Senders: 4, Mailboxes: 3, Messages: 100, Body: 40, Page: 7,
	}
}

func TestMailArrives(t *testing.T) {
	for _, together := range []bool{false, true} {
		post := newFakePost()
		post.refuse = func(n int, _ *http.Request) *wire.Problem {
			if n%10 == 0 {
				return wire.NewProblem(wire.CodeNoLeader, "")
			}
			return nil
		}
		phases := map[string]bool{}
		cfg := mailConfig(serve(t, post), serve(t, post))
		cfg.Together = together
		cfg.Watch = func(p Progress) { phases[p.Phase] = true }
		got, err := RunMail(t.Context(), cfg)
		if err != nil || got.Failed() != nil {
			t.Fatal(err, got.Failed())
		}
		if got.Sent != 100 || got.Delivered != 100 || got.Acked != 100 || got.Unsettled != 0 || got.ErrorCodes["no_leader"] == 0 {
			t.Errorf("result %+v", got)
		}
		if got.SendMS.P50 <= 0 || got.ReadMS.P50 <= 0 || got.AckMS.P50 <= 0 || got.DeliveryMS.Max < got.DeliveryMS.P50 {
			t.Errorf("latencies %+v", got)
		}
		if len(got.Nodes) != 2 || got.Nodes[1].CPUMicros == nil || got.All.Resident == nil {
			t.Errorf("usage %+v", got.Usage)
		}
		if !phases[PhaseSend] || !phases[PhaseRead] || len(post.boxes) != 3 {
			t.Errorf("phases %v, %d mailboxes", phases, len(post.boxes))
		}
	}
}

func TestMailThatWasSentTwiceArrivesOnce(t *testing.T) {
	post := newFakePost()
	kept := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		post.mu.Lock()
		lose := r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/messages") && post.asked%5 == 0
		post.mu.Unlock()
		post.ServeHTTP(w, r)
		if lose { // the answer, not the message
			panic(http.ErrAbortHandler)
		}
	})
	got, err := RunMail(t.Context(), mailConfig(serve(t, kept)))
	if err != nil || got.Failed() != nil || got.Sent != 100 || got.ErrorCodes["connection"] == 0 {
		t.Errorf("result %+v, %v, %v", got, err, got.Failed())
	}
}

func TestMailThatIsHarmedIsSeen(t *testing.T) {
	second := func(page *wire.MessagesPage) *wire.Message {
		for i := range page.Messages {
			if page.Messages[i].Offset == 2 {
				return &page.Messages[i]
			}
		}
		return nil
	}
	for name, test := range map[string]struct {
		harm func(*fakePost)
		want Findings
	}{
		"lost": {func(f *fakePost) { f.forget = func(m *wire.Message) bool { return m.Offset == 2 } }, Findings{Lost: 1}},
		"altered": {func(f *fakePost) {
			f.harm = func(page *wire.MessagesPage) {
				if m := second(page); m != nil {
					m.Body = json.RawMessage(`"other"`)
				}
			}
		}, Findings{Altered: 1}},
		"twice": {func(f *fakePost) {
			f.harm = func(page *wire.MessagesPage) {
				if m := second(page); m != nil {
					again := *m
					again.Offset = page.Next + 1000
					page.Messages = append(page.Messages, again)
				}
			}
		}, Findings{Twice: 1}},
		"strange": {func(f *fakePost) {
			f.harm = func(page *wire.MessagesPage) {
				if m := second(page); m != nil {
					page.Messages = append(page.Messages, wire.Message{ID: "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", Offset: page.Next + 1})
				}
			}
		}, Findings{Strange: 1}},
		"unsorted": {func(f *fakePost) {
			f.harm = func(page *wire.MessagesPage) {
				if m := second(page); m != nil {
					m.Offset = 1
				}
			}
		}, Findings{Unsorted: 1}},
		"dropped": {func(f *fakePost) {
			f.harm = func(page *wire.MessagesPage) {
				if second(page) != nil {
					page.Gap = &wire.Gap{From: 3, To: 4}
				}
			}
		}, Findings{Gaps: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			post := newFakePost()
			test.harm(post)
			cfg := mailConfig(serve(t, post))
			cfg.Mailboxes, cfg.Patience = 1, time.Second // that the lost one is waited for
			got, err := RunMail(t.Context(), cfg)
			if err != nil || got.Findings != test.want || got.Failed() == nil {
				t.Errorf("result %+v, %v", got, err)
			}
		})
	}
}

func TestMailThatIsRefusedForGood(t *testing.T) {
	post := newFakePost()
	post.refuse = func(int, *http.Request) *wire.Problem { return wire.NewProblem(wire.CodeForbidden, "no") }
	got, err := RunMail(t.Context(), mailConfig(serve(t, post)))
	var p *wire.Problem
	if !errors.As(err, &p) || p.Code != wire.CodeForbidden || got.Interrupted {
		t.Errorf("result %+v, %v", got, err)
	}
}

func TestMailThatIsNotTakenIsGivenUp(t *testing.T) {
	post := newFakePost()
	post.refuse = func(_ int, r *http.Request) *wire.Problem {
		if r.Method == http.MethodPost {
			return wire.NewProblem(wire.CodeMailboxFull, "")
		}
		return nil
	}
	cfg := mailConfig(serve(t, post))
	cfg.Messages, cfg.Patience = 5, 20*time.Millisecond
	got, err := RunMail(t.Context(), cfg)
	if err != nil || got.Unsettled != 5 || got.Sent != 0 || got.ErrorCodes["mailbox_full"] < 5 || got.Failed() == nil {
		t.Errorf("result %+v, %v", got, err)
	}
}

func TestMailRunThatIsCalledOff(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	post := newFakePost()
	post.refuse = func(n int, _ *http.Request) *wire.Problem {
		if n == 20 {
			cancel()
		}
		return nil
	}
	cfg := mailConfig(serve(t, post))
	cfg.Messages = 1_000_000
	got, err := RunMail(ctx, cfg)
	if err != nil || !got.Interrupted || got.Failed() != nil || got.Sent == 0 {
		t.Errorf("result %+v, %v", got, err)
	}
}

func TestMailConfigIsChecked(t *testing.T) {
	for want, change := range map[string]func(*MailConfig){
		"senders -1":       func(c *MailConfig) { c.Senders = -1 },
		"mailboxes 10001":  func(c *MailConfig) { c.Mailboxes = 10_001 },
		"messages 1000001": func(c *MailConfig) { c.Messages = 1_000_001 },
		"body 65537":       func(c *MailConfig) { c.Body = 65_537 },
		"page 1001":        func(c *MailConfig) { c.Page = 1001 },
		"patience -1s":     func(c *MailConfig) { c.Patience = -time.Second },
	} {
		cfg := mailConfig("http://x")
		change(&cfg)
		if _, err := RunMail(t.Context(), cfg); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
}

func TestLettersAreKnownByTheirIDs(t *testing.T) {
	l := newLetters(20)
	bodies := map[string]bool{}
	for _, mailbox := range []int{0, 1, 9_999} {
		for _, n := range []int{0, 1, 1_000_000} {
			id := l.id(mailbox, n)
			m, i, ok := l.parse(strings.ToUpper(id.String()))
			if !ok || m != mailbox || i != n || id.Version() != 8 {
				t.Errorf("%v is %d of %d, %v", id, i, m, ok)
			}
			body := string(l.appendBody(nil, mailbox, n))
			if len(body) != 20 || !json.Valid([]byte(body)) || bodies[body] || !l.same(json.RawMessage(body), mailbox, n) {
				t.Errorf("body %s", body)
			}
			bodies[body] = true
			if _, _, ok := newLetters(20).parse(id.String()); ok {
				t.Errorf("%v is of another run", id)
			}
			var sent wire.NewMessage
			if err := json.Unmarshal(l.appendMessage(nil, mailbox, n), &sent); err != nil || sent.ID != id.String() || string(sent.Body) != body {
				t.Errorf("sent %+v, %v", sent, err)
			}
		}
	}
}
