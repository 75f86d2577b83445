package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/collector"
	"github.com/seed-b4c92e43/rollcall/registry"
)

func TestForwardBatches(t *testing.T) {
	linkBubble(t, func(t *testing.T, l *linked) {
		beats := registry.Beats(nil).Append(7, 1).Append(8, 2)
		first := l.send(&registry.Renew{Beats: beats}, &registry.Evict{NS: "n", ID: "x"})
		second := l.send()
		one, two := now(t, l.leader.batches), now(t, l.leader.batches)
		if got := one.commands[0].(*registry.Renew); !bytes.Equal(got.Beats, beats) || len(one.commands) != 2 {
			t.Errorf("the leader got %+v", one.commands)
		}
		if len(two.commands) != 0 {
			t.Errorf("a barrier has %d commands", len(two.commands))
		}
		two.done(nil, collector.Commit{Index: 5, Revision: 6}, nil)
		results := []registry.Result{{Beats: []registry.BeatResult{{TTL: 1}, {TTL: 2}}}, {Code: registry.NotFound}}
		if a := now(t, second); a.err != nil || a.at != (collector.Commit{Index: 5, Revision: 6}) {
			t.Errorf("barrier: %+v", a)
		}
		one.done(results, collector.Commit{Index: 4, Revision: 3}, nil)
		if a := now(t, first); a.err != nil || a.at.Index != 4 || !reflect.DeepEqual(a.results, results) {
			t.Errorf("batch: %+v", a)
		}
	})
}

// TestForwardRefusals: what the leader's collector says comes out as the same
// kind of error.
func TestForwardRefusals(t *testing.T) {
	broken := errors.New("broken")
	for _, test := range []struct {
		err                           error
		notSent, noLeader, overloaded bool
	}{
		{fmt.Errorf("why: %w", collector.ErrNotSent), true, true, false},
		{fmt.Errorf("why: %w", collector.ErrNoLeader), false, true, false},
		{collector.ErrOverloaded, false, false, true},
		{broken, false, false, false},
	} {
		linkBubble(t, func(t *testing.T, l *linked) {
			answer := l.send()
			now(t, l.leader.batches).done(nil, collector.Commit{}, test.err)
			err := now(t, answer).err
			if err == nil || !strings.Contains(err.Error(), test.err.Error()) {
				t.Errorf("%v came as %v", test.err, err)
			}
			for sentinel, want := range map[error]bool{
				collector.ErrNotSent: test.notSent, collector.ErrNoLeader: test.noLeader, collector.ErrOverloaded: test.overloaded,
			} {
				if errors.Is(err, sentinel) != want {
					t.Errorf("%v came as %v", test.err, err)
				}
			}
		})
	}
}

// TestForwardCut: what was written is indeterminate, what comes later was not
// sent; nobody waits on.
func TestForwardCut(t *testing.T) {
	linkBubble(t, func(t *testing.T, l *linked) {
		batch := l.send()
		held := now(t, l.leader.batches)
		read, asked := make(chan error, 1), make(chan error, 1)
		go func() { _, err := l.ReadIndex(t.Context(), true); read <- err }()
		l.leader.asked = func(ctx context.Context, _ string, _ []byte) (any, error) { <-ctx.Done(); return nil, ctx.Err() }
		go func() { asked <- l.Ask(t.Context(), "q", nil, nil) }()
		synctest.Wait()
		_ = l.stream.Close()
		for _, err := range []error{now(t, batch).err, now(t, read), now(t, asked)} {
			if !errors.Is(err, collector.ErrNoLeader) || errors.Is(err, collector.ErrNotSent) {
				t.Errorf("got %v", err)
			}
		}
		if err := now(t, l.send()).err; !errors.Is(err, collector.ErrNotSent) {
			t.Errorf("got %v", err)
		}
		held.done(nil, collector.Commit{}, nil) // nobody listens any more
		if _, err := l.ReadIndex(t.Context(), true); !errors.Is(err, collector.ErrNotSent) {
			t.Errorf("got %v", err)
		}
	})
}

func TestForwardSilence(t *testing.T) {
	linkBubble(t, func(t *testing.T, l *linked) {
		for range 3 {
			<-time.After(leaderSilence - time.Millisecond)
			l.leader.pulse([]byte("here"))
			now(t, l.leader.acks)
		}
		batch := l.send()
		<-time.After(leaderSilence)
		if err := now(t, batch).err; !errors.Is(err, collector.ErrNoLeader) || !strings.Contains(err.Error(), "silent") {
			t.Errorf("got %v", err)
		}
	})
}

func TestForwardPulses(t *testing.T) {
	linkBubble(t, func(t *testing.T, l *linked) {
		l.leader.pulse([]byte("one"))
		if got := now(t, l.leader.acks); got != "n2/00 ack one" {
			t.Errorf("got %q", got)
		}
		l.leader.pulse(nil) // malformed: the follower ends the stream
		synctest.Wait()
		if err := now(t, l.send()).err; !errors.Is(err, collector.ErrNotSent) || !errors.Is(err, errFrame) {
			t.Errorf("got %v", err)
		}
		l.leader.mu.Lock()
		defer l.leader.mu.Unlock()
		if n := len(l.leader.each); n != 0 {
			t.Errorf("%d followers are left", n)
		}
	})
}

// TestPulseWaitsForNobody: a follower that does not read gets the newest pulse
// when it does, and delays no other.
func TestPulseWaitsForNobody(t *testing.T) {
	f := &follower{pulses: make(chan []byte, 1)}
	var all followers
	left := all.add(f)
	for i := range 10 {
		all.pulse([]byte{byte(i)})
	}
	if got := <-f.pulses; got[0] != 9 {
		t.Errorf("got pulse %d", got[0])
	}
	left()
	all.pulse([]byte{10})
	if len(f.pulses) != 0 {
		t.Error("a follower that has left got a pulse")
	}
}

// TestReadsShare: two questions are on their way at most; what comes later
// shares the next, and never one that was asked before it came.
func TestReadsShare(t *testing.T) {
	linkBubble(t, func(t *testing.T, l *linked) {
		answers := make([]chan uint64, 6)
		for i := range answers {
			answers[i] = make(chan uint64, 1)
			go func() {
				index, err := l.ReadIndex(t.Context(), true)
				if err != nil && !errors.Is(err, collector.ErrNotSent) {
					t.Errorf("read %d: %v", i, err)
				}
				answers[i] <- index
			}()
			synctest.Wait()
		}
		first, second := now(t, l.leader.reads), now(t, l.leader.reads)
		if len(l.leader.reads) != 0 || !first.linearizable {
			t.Errorf("%d more questions", len(l.leader.reads))
		}
		second.answer <- 0
		shared := now(t, l.leader.reads)
		shared.answer <- 9
		synctest.Wait()
		first.answer <- 5
		for i, want := range []uint64{5, 0, 9, 9, 9, 9} {
			if got := now(t, answers[i]); got != want {
				t.Errorf("read %d got %d, want %d", i, got, want)
			}
		}
		go func() { _, _ = l.ReadIndex(t.Context(), false) }()
		if r := now(t, l.leader.reads); r.linearizable {
			t.Error("the mode was lost")
		} else {
			r.answer <- 1
		}
		synctest.Wait()
		if l.reads[readLeader].busy != 0 || l.reads[readLinearizable].busy != 0 {
			t.Error("a question is still counted")
		}
	})
}

func TestAsk(t *testing.T) {
	linkBubble(t, func(t *testing.T, l *linked) {
		l.leader.asked = func(_ context.Context, method string, body []byte) (any, error) {
			if method == "bad" {
				return nil, errors.New("cannot")
			}
			return map[string]string{"method": method, "body": string(body)}, nil
		}
		var answer struct{ Method, Body string }
		if err := l.Ask(t.Context(), "cluster", []int{1}, &answer); err != nil || answer.Method != "cluster" || answer.Body != "[1]" {
			t.Errorf("%+v, %v", answer, err)
		}
		if err := l.Ask(t.Context(), "bad", nil, &answer); err == nil || !strings.Contains(err.Error(), "cannot") {
			t.Errorf("got %v", err)
		}
		if err := l.Ask(t.Context(), strings.Repeat("x", 256), nil, nil); err == nil {
			t.Error("a method of 256 letters was sent")
		}
	})
}

// TestAskGivenUp: a caller that leaves takes its place with it.
func TestAskGivenUp(t *testing.T) {
	linkBubble(t, func(t *testing.T, l *linked) {
		release := make(chan struct{})
		l.leader.asked = func(context.Context, string, []byte) (any, error) { <-release; return nil, nil }
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := l.Ask(ctx, "q", nil, nil); !errors.Is(err, collector.ErrNoLeader) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if len(l.calls) != 0 {
			t.Errorf("%d calls are left", len(l.calls))
		}
		close(release)
		synctest.Wait() // the late answer finds nobody, and harms nothing
		l.leader.pulse([]byte("x"))
		now(t, l.leader.acks)
	})
}

func TestTooManyCalls(t *testing.T) {
	linkBubble(t, func(t *testing.T, l *linked) {
		ctx, cancel := context.WithCancel(t.Context())
		l.leader.asked = func(ctx context.Context, _ string, _ []byte) (any, error) { <-ctx.Done(); return nil, ctx.Err() }
		for range callsMax {
			go func() { _ = l.Ask(ctx, "q", nil, nil) }()
		}
		synctest.Wait()
		if err := l.Ask(ctx, "q", nil, nil); !errors.Is(err, collector.ErrOverloaded) {
			t.Errorf("got %v", err)
		}
		cancel()
	})
}

// TestBackPressure: beyond so many batches a follower's stream is not read, and
// goes on when one is answered.
func TestBackPressure(t *testing.T) {
	linkBubble(t, func(t *testing.T, l *linked) {
		var answers []<-chan sinkAnswer
		for range followerBatches + 3 {
			answers = append(answers, l.send())
		}
		if n := len(l.leader.batches); n != followerBatches {
			t.Errorf("the leader took %d batches", n)
		}
		for i, answer := range answers {
			now(t, l.leader.batches).done(nil, collector.Commit{Index: uint64(i)}, nil)
			if a := now(t, answer); a.err != nil || a.at.Index != uint64(i) {
				t.Errorf("batch %d: %+v", i, a)
			}
		}
	})
}

// TestMalformed: either side ends the stream at a frame that does not fit, with
// a reason, and answers whoever waits.
func TestMalformed(t *testing.T) {
	toLeader := map[string]memFrame{
		"unknown":        {99, 1, nil},
		"an answer":      {frameResults, 1, nil},
		"batch":          {frameBatch, 1, []byte{7}},
		"empty batch":    {frameBatch, 1, nil},
		"barrier and":    {frameBatch, 1, []byte{batchBarrier, 0}},
		"no commands":    {frameBatch, 1, registry.AppendCommands([]byte{0}, nil)},
		"torn commands":  {frameBatch, 1, appendBatch(nil, []registry.Command{&registry.Check{}})[:4]},
		"mode":           {frameReadIndex, 1, []byte{readModes}},
		"no mode":        {frameReadIndex, 1, nil},
		"method":         {frameAsk, 1, []byte{5, 'x'}},
		"without method": {frameAsk, 1, nil},
	}
	for name, f := range toLeader {
		t.Run("to leader/"+name, func(t *testing.T) {
			linkBubble(t, func(t *testing.T, l *linked) {
				_ = l.forwarder.stream.Write(f.typ, f.id, f.payload)
				if err := now(t, l.served); !errors.Is(err, errFrame) {
					t.Errorf("got %v", err)
				}
				l.served <- nil
			})
		})
	}
	toFollower := map[string]memFrame{
		"unknown":         {99, 1, nil},
		"a question":      {frameAsk, 1, nil},
		"short results":   {frameResults, 1, make([]byte, 15)},
		"results":         {frameResults, 1, make([]byte, 17)},
		"another answer":  {frameReadAnswer, 1, make([]byte, 8)},
		"refusal":         {frameRefused, 1, []byte{0}},
		"unknown refusal": {frameRefused, 1, []byte{causeFailed + 1}},
		"empty refusal":   {frameRefused, 1, nil},
	}
	for name, f := range toFollower {
		t.Run("to follower/"+name, func(t *testing.T) {
			linkBubble(t, func(t *testing.T, l *linked) {
				batch := l.send()
				_ = l.stream.Write(f.typ, f.id, f.payload)
				if err := now(t, l.ran); !errors.Is(err, errFrame) {
					t.Errorf("got %v", err)
				}
				if a := now(t, batch); !errors.Is(a.err, collector.ErrNoLeader) || errors.Is(a.err, collector.ErrNotSent) {
					t.Errorf("got %v", a.err)
				}
				if len(batch) != 0 {
					t.Error("answered twice")
				}
				l.ran <- nil
			})
		})
	}
}

// TestStrayAnswer: an answer that nobody waits for is no fault.
func TestStrayAnswer(t *testing.T) {
	linkBubble(t, func(t *testing.T, l *linked) {
		_ = l.stream.Write(frameReadAnswer, 77, make([]byte, 8))
		batch := l.send()
		now(t, l.leader.batches).done(nil, collector.Commit{Index: 1}, nil)
		if a := now(t, batch); a.err != nil {
			t.Error(a.err)
		}
	})
}

// FuzzFrames feeds both ends what any peer could send: no crash, and what is
// understood is what would be sent.
func FuzzFrames(f *testing.F) {
	renew := &registry.Renew{NS: "n", Beats: registry.Beats(nil).Append(1, 2)}
	f.Add(frameBatch, appendBatch(nil, []registry.Command{renew}))
	f.Add(frameBatch, appendBatch(nil, nil))
	f.Add(frameResults, appendResults(nil, []registry.Result{{Revision: 3, Beats: make([]registry.BeatResult, 2)}}, collector.Commit{Index: 1, Revision: 2}))
	f.Add(frameRefused, appendRefused(nil, collector.ErrOverloaded))
	f.Add(frameReadIndex, appendReadIndex(nil, readLinearizable))
	f.Add(frameReadAnswer, appendReadAnswer(nil, 12))
	f.Add(frameAsk, appendAsk(nil, "cluster", []byte("null")))
	f.Fuzz(func(t *testing.T, typ byte, b []byte) {
		again, err := reencode(typ, b)
		if err != nil {
			if !errors.Is(err, errFrame) {
				t.Errorf("type %d: %v", typ, err)
			}
			return
		}
		if third, err := reencode(typ, again); err != nil || !bytes.Equal(again, third) {
			t.Errorf("type %d: %x became %x, then %x (%v)", typ, b, again, third, err)
		}
	})
}

// reencode parses a frame and makes it anew.
func reencode(typ byte, b []byte) ([]byte, error) {
	switch typ {
	case frameBatch:
		commands, err := parseBatch(b)
		return appendBatch(nil, commands), err
	case frameResults:
		results, at, err := parseResults(b)
		return appendResults(nil, results, at), err
	case frameRefused:
		_, err := parseRefused(b)
		return b, err
	case frameReadIndex:
		_, err := parseReadIndex(b)
		return b, err
	case frameReadAnswer:
		index, err := parseReadAnswer(b)
		return appendReadAnswer(nil, index), err
	case frameAsk:
		method, body, err := parseAsk(b)
		return appendAsk(nil, method, body), err
	}
	return nil, errFrame
}
