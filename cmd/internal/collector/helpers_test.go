package collector

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/seed-b4c92e43/rollcall/registry"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sent is a batch that a test decides about.
type sent struct {
	*Batch
	done func([]registry.Result, Commit, error)
}

func (s sent) commit(index uint64) { s.done(echo(s.Batch), Commit{Index: index, Revision: index}, nil) }
func (s sent) fail(err error)      { s.done(nil, Commit{}, err) }

// hand is a sink whose batches wait for the test.
type hand chan sent

func newHand() hand { return make(hand, 64) }

func (h hand) Send(b *Batch, done func([]registry.Result, Commit, error)) { h <- sent{b, done} }

// next returns the next batch; it fails the test when there is none.
func (h hand) next(t *testing.T) sent {
	t.Helper()
	synctest.Wait()
	select {
	case s := <-h:
		return s
	default:
		t.Fatal("no batch was sent")
		return sent{}
	}
}

func (h hand) none(t *testing.T) {
	t.Helper()
	synctest.Wait()
	select {
	case s := <-h:
		t.Fatalf("a batch was sent too early: %d commands", len(s.Commands))
	default:
	}
}

// straight commits every batch at once, in its own goroutine.
type straight struct {
	mu    sync.Mutex
	index uint64
}

func (s *straight) Send(b *Batch, done func([]registry.Result, Commit, error)) {
	s.mu.Lock()
	s.index++
	at := Commit{Index: s.index, Revision: s.index}
	s.mu.Unlock()
	go func() { done(echo(b), at, nil) }()
}

// echo answers every command with what was asked, so that a caller can tell its
// own result from any other: a beat's TTL is its epoch and Current its seq.
func echo(b *Batch) []registry.Result {
	results := make([]registry.Result, len(b.Commands))
	for i, cmd := range b.Commands {
		switch cmd := cmd.(type) {
		case *registry.Renew:
			results[i].Beats = make([]registry.BeatResult, cmd.Beats.Len())
			for j := range results[i].Beats {
				results[i].Beats[j] = echoBeat(cmd.Beats.At(j))
			}
		case *registry.RenewNamed:
			results[i].Beats = []registry.BeatResult{echoBeat(cmd.Epoch, cmd.Seq)}
		case *registry.Grant:
			results[i].Lease = &registry.Lease{ID: cmd.ID}
		case *registry.Expire:
			results[i].Buried = len(cmd.Burials)
		}
	}
	return results
}

func echoBeat(epoch, seq uint64) registry.BeatResult {
	return registry.BeatResult{TTL: uint32(epoch), Current: seq}
}

func pack(pairs ...uint64) (b registry.Beats) {
	for i := 0; i < len(pairs); i += 2 {
		b = b.Append(pairs[i], pairs[i+1])
	}
	return b
}

func span(first uint64, n int) (b registry.Beats) {
	for i := range n {
		b = b.Append(first+uint64(i), 1)
	}
	return b
}

// held returns what is accounted for as waiting, and how many units there are.
func (b *bench) held() (load, int) {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.waiting, b.renewals.length + b.commands.length
}

// answer is what one call got.
type answer struct {
	beats  []registry.BeatResult
	result registry.Result
	commit Commit
	err    error
}

// bench runs calls against one collector in a synctest bubble.
type bench struct {
	*Collector
	t   *testing.T
	ctx context.Context
}

// bubble runs f in a synctest bubble with a running collector; all that f
// started must end with it.
func bubble(t *testing.T, cfg Config, f func(t *testing.T, b *bench)) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		b := &bench{Collector: New(cfg), t: t, ctx: ctx}
		ran := make(chan struct{})
		go func() {
			defer close(ran)
			b.Run(ctx)
		}()
		f(t, b)
		cancel()
		<-ran
	})
}

// call starts a call and waits until it blocks or returns.
func (b *bench) call(f func() answer) <-chan answer {
	c := make(chan answer, 1)
	go func() { c <- f() }()
	synctest.Wait()
	return c
}

func (b *bench) beat(ctx context.Context, epoch, seq uint64) <-chan answer {
	return b.call(func() answer {
		r, commit, err := b.Beat(ctx, epoch, seq)
		return answer{beats: []registry.BeatResult{r}, commit: commit, err: err}
	})
}

// heard is a BeatWaiter that hears of one beat.
type heard chan answer

func (h heard) BeatDone(_ uint64, r registry.BeatResult, at Commit, err error) {
	h <- answer{beats: []registry.BeatResult{r}, commit: at, err: err}
}

// later makes a beat that nobody waits for; a second answer would block.
func (b *bench) later(epoch, seq uint64) <-chan answer {
	c := make(heard, 2)
	b.BeatLater(epoch, seq, c, 0)
	synctest.Wait()
	return c
}

func (b *bench) group(ctx context.Context, ns string, beats registry.Beats) <-chan answer {
	return b.call(func() answer {
		r, commit, err := b.Beats(ctx, ns, beats)
		return answer{beats: r, commit: commit, err: err}
	})
}

func (b *bench) do(ctx context.Context, cmd registry.Command) <-chan answer {
	return b.call(func() answer {
		r, commit, err := b.Do(ctx, cmd)
		return answer{result: r, commit: commit, err: err}
	})
}

func (b *bench) await(ctx context.Context) <-chan answer {
	return b.call(func() answer {
		index, err := b.Barrier(ctx)
		return answer{commit: Commit{Index: index}, err: err}
	})
}

func (b *bench) forward(commands ...registry.Command) <-chan answer {
	c := make(chan answer, 2)
	b.Forwarded(commands, func(r []registry.Result, commit Commit, err error) {
		a := answer{commit: commit, err: err}
		for _, one := range r {
			a.beats = append(a.beats, one.Beats...)
			a.result = one
		}
		c <- a
	})
	synctest.Wait()
	return c
}

// got returns the answer of a call that must have returned.
func got(t *testing.T, c <-chan answer) answer {
	t.Helper()
	synctest.Wait()
	select {
	case a := <-c:
		return a
	default:
		t.Fatal("not answered")
		return answer{}
	}
}

func blocked(t *testing.T, c <-chan answer) {
	t.Helper()
	synctest.Wait()
	select {
	case a := <-c:
		t.Fatalf("answered too early: %+v", a)
	default:
	}
}

func checkBeats(t *testing.T, a answer, pairs ...uint64) {
	t.Helper()
	if a.err != nil {
		t.Fatal(a.err)
	}
	want := pack(pairs...)
	if len(a.beats) != want.Len() {
		t.Fatalf("%d results for %d beats", len(a.beats), want.Len())
	}
	for i, r := range a.beats {
		if r != echoBeat(want.At(i)) {
			t.Errorf("beat %d: got %+v", i, r)
		}
	}
}
