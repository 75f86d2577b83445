package history

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestViolationHasAPicture checks that what is shown ends with what cannot be.
func TestViolationHasAPicture(t *testing.T) {
	s := &script{New(), t}
	s.granted(s.ask(), 5, 0)
	s.renew(5, 1)
	s.sees(5, 0)
	s.sees(5, 1)
	dir := filepath.Join(t.TempDir(), "pictures")
	err := s.Check(dir, time.Minute)
	path := filepath.Join(dir, "lease-a.html")
	if !errors.Is(err, ErrViolation) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "after 3 operations") {
		t.Errorf("got %v", err)
	}
	html, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(html), "renew a epoch 5 seq 1") {
		t.Errorf("picture of %d bytes: %v", len(html), err)
	}
}

func TestAnswerThatIsNoAnswer(t *testing.T) {
	h := New()
	h.Get(0, "a").Answer(200, []byte("<html>"))
	h.Renew(0, "a", 1, 1).Answer(409, []byte("no"))
	if err := h.Check(t.TempDir(), time.Minute); err == nil || errors.Is(err, ErrViolation) || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("got %v, want two faults", err)
	}
}

// TestAnswerCountsOnce checks that what an operation was told first stays.
func TestAnswerCountsOnce(t *testing.T) {
	s := &script{New(), t}
	o := s.ask()
	s.granted(o, 5, 0)
	s.granted(o, 6, 0)
	o.Drop()
	s.Renew(0, "a", 5, 1)
	if begun, undecided := s.Len(); begun != 2 || undecided != 1 {
		t.Errorf("%d begun, %d open", begun, undecided)
	}
	if err := s.Check(t.TempDir(), time.Minute); err != nil {
		t.Error(err)
	}
}

// TestLostAnswersAreCheap checks histories in which every other answer is lost,
// legal and with a violation at the end.
func TestLostAnswersAreCheap(t *testing.T) {
	for _, stale := range []bool{false, true} {
		s := &script{New(), t}
		s.granted(s.ask(), 5, 0)
		for seq := uint64(1); seq <= 500; seq++ {
			s.Renew(0, "a", 5, seq)
			s.Renew(1, "a", 5, seq)
			s.renewed(s.Renew(0, "a", 5, seq), seq%2 == 0)
			s.sees(5, seq)
		}
		if stale {
			s.sees(5, 499)
		}
		began := time.Now()
		err := s.Check(t.TempDir(), time.Minute)
		if errors.Is(err, ErrViolation) != stale || (err != nil) != stale {
			t.Errorf("got %v", err)
		}
		t.Logf("%v", time.Since(began))
	}
}

func TestTimeIsOver(t *testing.T) {
	s := &script{New(), t}
	for i := range uint64(30) {
		s.Grant(int(i), "a", Terms{TTL: time.Second})
	}
	s.sees(100, 1)
	if err := s.Check(t.TempDir(), time.Millisecond); !errors.Is(err, ErrUndecided) {
		t.Errorf("got %v", err)
	}
}
