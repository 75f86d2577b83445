package collector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
	"pgregory.net/rapid"
)

// The model: a random script of requests, cancellations, commits, failures and
// changes of the sink, against bookkeeping that knows nothing of queues. Every
// beat and command has a number of its own, so that one look at a batch tells
// whose it is.

// step is one line of a script. Its numbers are taken modulo what there is.
type step struct {
	What string
	A, B int
}

var stepNames = []string{
	"wait", "beat", "beat", "beat", "later", "later", "group", "do", "named", "barrier", "frame", "bury",
	"commit", "commit", "commit", "lose", "unsend", "refuse", "cancel", "attach",
}

func steps() *rapid.Generator[[]step] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
		return step{
			What: rapid.SampledFrom(stepNames).Draw(t, "what"),
			A:    rapid.IntRange(0, 40).Draw(t, "a"),
			B:    rapid.IntRange(0, 40).Draw(t, "b"),
		}
	}), 40, 120)
}

// entry is one batch that was sent.
type entry struct {
	sent
	sink    *modelSink
	keys    map[uint64]bool
	outcome string // "" while it is on its way
	index   uint64
}

type modelSink struct {
	m       *model
	leading bool
}

// Send hands the batch to the script, which alone touches the model: a timer of
// the collector may fire, in order of virtual time but in no order that the race
// detector knows, after the script has looked.
func (s *modelSink) Send(b *Batch, done func([]registry.Result, Commit, error)) {
	s.m.arrived <- &entry{sent: sent{b, done}, sink: s, keys: make(map[uint64]bool)}
}

// settle waits until nothing moves, and takes in what was sent.
func (m *model) settle() {
	synctest.Wait()
	for len(m.arrived) > 0 {
		e := <-m.arrived
		m.look(e)
		m.entries = append(m.entries, e)
	}
}

// request is one call.
type request struct {
	what     string
	keys     []uint64
	answer   <-chan answer
	got      *answer
	cancel   context.CancelFunc
	before   int // entries that were sent before the call
	canceled int // entries that were sent before it was cancelled; -1
}

type model struct {
	b        *bench
	cfg      Config
	sink     *modelSink
	arrived  chan *entry // sent, not yet among the entries
	entries  []*entry
	requests []*request
	key      uint64
	index    uint64
	wrong    error
}

func (m *model) fail(format string, args ...any) {
	if m.wrong == nil {
		m.wrong = fmt.Errorf(format, args...)
	}
}

func (m *model) keys(n int) (keys []uint64) {
	for range n {
		m.key++
		keys = append(keys, m.key)
	}
	return keys
}

func packKeys(keys []uint64) (beats registry.Beats) {
	for _, k := range keys {
		beats = beats.Append(k, k)
	}
	return beats
}

// look takes note of what is in a batch, and checks its limits.
func (m *model) look(e *entry) {
	beats, others, buried := 0, 0, false
	for _, cmd := range e.Commands {
		switch cmd := cmd.(type) {
		case *registry.Renew:
			for i := range cmd.Beats.Len() {
				key, _ := cmd.Beats.At(i)
				e.keys[key] = true
			}
			beats += cmd.Beats.Len()
			if others > 0 {
				m.fail("a renewal stands behind a command")
			}
		case *registry.RenewNamed:
			e.keys[cmd.Epoch] = true
			others++
		case *registry.Grant:
			var key uint64
			_, _ = fmt.Sscan(cmd.ID, &key)
			e.keys[key] = true
			others++
		case *registry.Expire:
			buried = true
			continue
		}
		if buried {
			m.fail("a burial is not last")
		}
	}
	if buried && !e.sink.leading {
		m.fail("a burial was sent to a sink that does not lead")
	}
	if (others > m.cfg.MaxBatchCommands || beats > m.cfg.MaxBatchBeats) && m.callers(e) > 1 {
		m.fail("a batch of %d beats and %d commands", beats, others)
	}
	if n := len(m.flying(e.sink)); n >= m.cfg.MaxInFlight {
		m.fail("%d batches are on their way already", n)
	}
}

// callers counts the requests that are in a batch, a crowd's beats as one.
func (m *model) callers(e *entry) int {
	crowd, others := 0, 0
	for _, r := range m.requests {
		switch {
		case len(r.keys) == 0 || !e.keys[r.keys[0]]:
		case r.what == "beat" || r.what == "later":
			crowd = 1
		default:
			others++
		}
	}
	return crowd + others
}

// flying returns what is on its way, to one sink or to all.
func (m *model) flying(sink *modelSink) (flying []*entry) {
	for _, e := range m.entries {
		if e.outcome == "" && (sink == nil || e.sink == sink) {
			flying = append(flying, e)
		}
	}
	return flying
}

func (m *model) open() (open []*request) {
	for _, r := range m.requests {
		if r.got == nil && r.cancel != nil && r.canceled < 0 {
			open = append(open, r)
		}
	}
	return open
}

// take makes one step.
func (m *model) take(s step) {
	switch s.What {
	case "beat", "later", "group", "do", "named", "barrier":
		m.request(s)
	case "frame":
		m.frame(s)
	case "bury":
		m.b.Bury(&registry.Expire{Burials: make([]registry.Burial, 1)})
	case "commit", "lose", "unsend", "refuse":
		if flying := m.flying(nil); len(flying) > 0 {
			m.end(flying[s.A%len(flying)], s.What)
		}
	case "cancel":
		if open := m.open(); len(open) > 0 {
			r := open[s.A%len(open)]
			r.canceled = len(m.entries)
			r.cancel()
		}
	case "attach":
		m.attach(s.A % 4)
	case "wait":
		<-time.After(time.Duration(s.A) * time.Millisecond)
	}
	m.settle()
	m.collect()
}

func (m *model) attach(kind int) {
	m.sink = nil
	if kind == 0 {
		m.b.Attach(nil, false)
		return
	}
	m.sink = &modelSink{m: m, leading: kind > 1}
	m.b.Attach(m.sink, kind > 1)
}

func (m *model) request(s step) {
	ctx, cancel := context.WithCancel(m.b.ctx)
	r := &request{what: s.What, cancel: cancel, before: len(m.entries), canceled: -1}
	m.requests = append(m.requests, r)
	switch s.What {
	case "beat":
		r.keys = m.keys(1)
		r.answer = m.b.beat(ctx, r.keys[0], r.keys[0])
	case "later":
		r.keys, r.cancel = m.keys(1), nil
		cancel()
		r.answer = m.b.later(r.keys[0], r.keys[0])
	case "group":
		r.keys = m.keys(1 + s.A)
		r.answer = m.b.group(ctx, []string{"", "n"}[s.B%2], packKeys(r.keys))
	case "do":
		r.keys = m.keys(1)
		r.answer = m.b.do(ctx, grant(fmt.Sprint(r.keys[0])))
	case "named":
		r.keys = m.keys(1)
		r.answer = m.b.do(ctx, &registry.RenewNamed{Epoch: r.keys[0], Seq: r.keys[0]})
	case "barrier":
		r.answer = m.b.await(ctx)
	}
}

func (m *model) frame(s step) {
	r := &request{what: "frame", before: len(m.entries), canceled: -1}
	m.requests = append(m.requests, r)
	beats, others := m.keys(s.A%20), m.keys(s.B%3)
	r.keys = append(beats, others...)
	var commands []registry.Command
	if len(beats) > 0 {
		half := len(beats) / 2
		commands = append(commands,
			&registry.Renew{Beats: packKeys(beats[:half])}, &registry.Renew{NS: "n", Beats: packKeys(beats[half:])})
	}
	for _, key := range others {
		commands = append(commands, grant(fmt.Sprint(key)))
	}
	r.answer = m.b.forward(commands...)
}

// end decides what becomes of a batch.
func (m *model) end(e *entry, outcome string) {
	e.outcome = outcome
	switch outcome {
	case "commit":
		m.index++
		e.index = m.index
		e.commit(m.index)
	case "lose":
		e.fail(ErrNoLeader)
	case "unsend":
		e.fail(ErrNotSent)
	case "refuse":
		e.fail(ErrOverloaded)
	}
}

// collect takes the answers that came, and asks for the beats that are here.
func (m *model) collect() {
	waiting := m.b.Waiting()
	for _, r := range m.requests {
		select {
		case a := <-r.answer:
			if r.got != nil {
				m.fail("%s %v was answered twice", r.what, r.keys)
			}
			r.got = &a
		default:
		}
		if beats := r.what == "beat" || r.what == "later" || r.what == "group" || r.what == "named"; beats && r.canceled < 0 {
			if here := waiting(r.keys[0], r.keys[0]-1); here != (r.got == nil) {
				m.fail("%s %v answered: %v, waiting: %v", r.what, r.keys, r.got != nil, here)
			}
		}
	}
}

// verdict looks at one request after everything has come to its end.
func (m *model) verdict(r *request) error {
	if r.got == nil {
		return errors.New("never answered")
	}
	var committed *entry
	counts := make(map[string]int)
	for i, e := range m.entries {
		if !m.holds(e, r) {
			continue
		}
		counts[e.outcome]++
		if e.outcome == "commit" {
			committed = e
		}
		if r.canceled >= 0 && i >= r.canceled && len(r.keys) > 0 {
			return errors.New("sent after its caller had left")
		}
	}
	return r.judge(counts, committed)
}

// holds tells whether a batch is (or could be, for a barrier) the request's;
// a part of one is a fault.
func (m *model) holds(e *entry, r *request) bool {
	n := 0
	for _, key := range r.keys {
		if e.keys[key] {
			n++
		}
	}
	if n > 0 && n < len(r.keys) {
		m.fail("%s %v was torn apart", r.what, r.keys)
	}
	if len(r.keys) == 0 {
		return r.got.err == nil && e.index == r.got.commit.Index
	}
	return n > 0
}

func (r *request) judge(counts map[string]int, committed *entry) error {
	undecided := counts["commit"] + counts["lose"] + counts["refuse"]
	command := r.what == "do" || r.what == "frame"
	switch err := r.got.err; {
	case counts["commit"] > 1 || command && undecided > 1:
		return fmt.Errorf("proposed too often: %v", counts)
	case err == nil && (committed == nil || committed.index != r.got.commit.Index):
		return fmt.Errorf("acknowledged at %d, but committed: %+v", r.got.commit.Index, committed)
	case err == nil:
		return r.checkResult()
	case errors.Is(err, ErrNotSent) && (r.what != "frame" || undecided > 0):
		return fmt.Errorf("said to be not sent: %v", counts)
	case errors.Is(err, ErrNoLeader) && r.canceled < 0 && !command:
		return errors.New("given up though its caller waits")
	case r.canceled < 0 && committed != nil:
		return fmt.Errorf("committed, but %w", err)
	}
	return nil
}

func (r *request) checkResult() error {
	if r.what == "do" {
		if want := fmt.Sprint(r.keys[0]); r.got.result.Lease.ID != want {
			return fmt.Errorf("got the result of %s", r.got.result.Lease.ID)
		}
		return nil
	}
	for i, b := range slices.Concat(r.got.beats, r.named()) {
		if b != echoBeat(r.keys[i], r.keys[i]) {
			return fmt.Errorf("beat %d got the result of %d", r.keys[i], b.TTL)
		}
	}
	return nil
}

func (r *request) named() []registry.BeatResult {
	if r.what == "named" {
		return r.got.result.Beats
	}
	return nil
}

// finish lets everything come to its end: what waits is sent and committed.
func (m *model) finish() {
	m.attach(3)
	m.settle()
	for range 1000 {
		flying := m.flying(nil)
		if len(flying) == 0 {
			if _, units := m.b.held(); units == 0 {
				break
			}
			<-time.After(restMost) // linger or rest
			m.settle()
		}
		for _, e := range flying {
			m.end(e, "commit")
			m.settle()
		}
	}
	m.collect()
}

func (m *model) run(script []step) error {
	m.attach(2)
	for _, s := range script {
		if m.take(s); m.wrong != nil {
			return fmt.Errorf("after %v: %w", s, m.wrong)
		}
	}
	m.finish()
	for _, r := range m.requests {
		if err := m.verdict(r); err != nil {
			return fmt.Errorf("%s %v (%v): %w", r.what, r.keys, r.got, err)
		}
		if r.cancel != nil {
			r.cancel()
		}
	}
	if l, units := m.b.held(); m.wrong == nil && (units != 0 || l != (load{}) || m.b.Stats().InFlight != 0) {
		m.fail("left over: %d, %+v", units, l)
	}
	return m.wrong
}

func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		cfg := Config{
			MaxInFlight:      rapid.IntRange(1, 3).Draw(rt, "in flight"),
			MaxBatchBeats:    rapid.SampledFrom([]int{5, 20, 100}).Draw(rt, "batch"),
			MaxBatchCommands: rapid.IntRange(2, 5).Draw(rt, "commands"),
			MaxSingles:       rapid.SampledFrom([]int{8, 1000}).Draw(rt, "singles"),
			MaxGroupBeats:    rapid.SampledFrom([]int{100, 10_000}).Draw(rt, "groups"),
			MaxCommands:      rapid.SampledFrom([]int{3, 1000}).Draw(rt, "waiting"),
		}
		script := steps().Draw(rt, "script")
		var err error
		bubble(t, cfg, func(t *testing.T, b *bench) {
			err = (&model{b: b, cfg: b.cfg, arrived: make(chan *entry, 64)}).run(script)
		})
		if err != nil {
			rt.Fatal(err)
		}
	})
}
