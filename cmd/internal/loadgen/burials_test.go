package loadgen

import (
	"fmt"
	"testing"
	"time"
)

// told feeds events to burials of three silent leases and a live one, whose last
// renewals were sent at the start and answered 10 ms after it.
func told(t *testing.T, events ...string) (*burials, *StormResult) {
	t.Helper()
	b := newBurials("b-", 4, 3, time.Second)
	start := time.Now()
	batch := []lease{{id: "b-0", number: 0}, {id: "b-1", number: 1}, {id: "b-2", number: 2}}
	b.expect(batch, nil, start, start.Add(10*time.Millisecond))
	for _, e := range events {
		var (
			n    int
			kind string
			ms   int
		)
		if _, err := fmt.Sscanf(e, "%d %s %d", &n, &kind, &ms); err != nil {
			t.Fatal(e, err)
		}
		data := fmt.Sprintf(`{"revision":5,"type":%q,"id":"b-%d","certificate":{"id":"b-%d","overdue_ms":40}}`, kind, n, n)
		b.note(heard{}, []byte(data), start.Add(time.Duration(ms)*time.Millisecond))
	}
	var out StormResult
	b.sum(&out)
	return b, &out
}

func isDone(b *burials) bool {
	select {
	case <-b.all:
		return true
	default:
		return false
	}
}

func TestBurialsOfTheSilent(t *testing.T) {
	b, got := told(t, "2 expired 1100", "0 expired 1200", "0 expired 1300", "1 expired 1400")
	if got.Buried != 3 || got.Unburied+got.Early+got.LiveDied+got.Held != 0 || !isDone(b) {
		t.Errorf("got %+v", got)
	}
	if got.SpreadMS != 300 || got.SilenceMS != 10 || got.Seconds < 1.389 || got.Seconds > 1.391 {
		t.Errorf("spread %v, silence %v, %v s", got.SpreadMS, got.SilenceMS, got.Seconds)
	}
	near := func(got, want float64) bool { return got >= want && got < want*1.02 }
	if !near(got.Late.P50, 200) || !near(got.Late.Max, 400) || !near(got.LateLeast.Max, 390) || !near(got.Overdue.P50, 40) {
		t.Errorf("late %+v, at least %+v, overdue %+v", got.Late, got.LateLeast, got.Overdue)
	}
}

func TestBurialsThatMustNotBe(t *testing.T) {
	b, got := told(t, "2 expired 999", "3 expired 1500")
	if got.Early != 1 || got.LiveDied != 1 || got.Buried != 1 || got.Unburied != 2 || isDone(b) || got.Failed() == nil {
		t.Errorf("got %+v", got)
	}
}

func TestBurialsBeforeTheLastRenewal(t *testing.T) {
	b := newBurials("b-", 2, 2, time.Second)
	b.note(heard{}, []byte(`{"type":"expired","id":"b-1"}`), time.Now())
	var got StormResult
	b.sum(&got)
	if got.Early != 0 || got.Buried != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestBurialsOfWhatWasRefusedAreNotEarly(t *testing.T) {
	b := newBurials("b-", 2, 2, time.Second)
	now := time.Now()
	b.expect([]lease{{number: 0, epoch: 5}, {number: 1, epoch: 6}}, map[uint64]bool{6: true}, now, now)
	b.note(heard{}, []byte(`{"type":"expired","id":"b-1"}`), now)
	var got StormResult
	b.sum(&got)
	if got.Early != 0 || got.Refused != 1 || got.Buried != 1 || got.Late.Max != 0 || got.Failed() == nil {
		t.Errorf("got %+v", got)
	}
}

func TestBurialsThatAreHeld(t *testing.T) {
	b, got := told(t, "0 held 1100", "1 expired 1100", "2 held 1200", "2 held 1200", "3 held 1300")
	if got.Held != 2 || got.Buried != 1 || got.Unburied != 0 || !isDone(b) || got.Failed() != nil {
		t.Errorf("got %+v", got)
	}
	_, got = told(t, "0 held 1100", "0 released 1200", "1 held 1100", "1 expired 1300")
	if got.Held != 0 || got.Buried != 1 || got.Unburied != 2 {
		t.Errorf("released: got %+v", got)
	}
}

func TestBurialsOfOthersDoNotCount(t *testing.T) {
	b, got := told(t, "7 expired 1100", "0 registered 1100")
	b.note(heard{}, []byte(`{"type":"expired","id":"c-0"}`), time.Now())
	b.note(heard{}, []byte(`{"type":"expired","id":"b-"}`), time.Now())
	b.note(heard{}, nil, time.Now())
	if b.known() != 0 || got.Unburied != 3 {
		t.Errorf("got %+v", got)
	}
}

func TestTheDeadHaveNothingToEnd(t *testing.T) {
	b, _ := told(t, "1 expired 1100")
	leases := []lease{{number: 0, epoch: 5}, {number: 1, epoch: 6}}
	b.forget(leases)
	if leases[0].epoch != 5 || leases[1].epoch != 0 {
		t.Errorf("got %+v", leases)
	}
}
