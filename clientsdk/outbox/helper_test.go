package outbox

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/clientsdk"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	errAway = &clientsdk.NoAnswerError{Endpoint: "n1", Err: errors.New("connection refused")}
	errBad  = wire.NewProblem(wire.CodeInvalidRequest, "as the test says")
	errFull = wire.NewProblem(wire.CodeMailboxFull, "as the test says")
)

// cluster is a sender that keeps what it was sent, once for each UUID.
type cluster struct {
	mu     sync.Mutex
	arrive []string // mailbox and body, in order, duplicates left out
	seen   map[string]bool
	tries  []time.Time
	answer func(to string, m clientsdk.Message) error // nil: it is taken
	after  error                                      // what the sender hears although it was taken
}

func (c *cluster) Send(_ context.Context, to string, m clientsdk.Message) (*wire.Sent, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tries = append(c.tries, time.Now())
	if c.answer != nil {
		if err := c.answer(to, m); err != nil {
			return nil, err
		}
	}
	if !c.seen[m.ID] {
		if c.seen == nil {
			c.seen = map[string]bool{}
		}
		c.seen[m.ID] = true
		c.arrive = append(c.arrive, to+" "+content(m))
	}
	return &wire.Sent{ID: m.ID}, c.after
}

func content(m clientsdk.Message) string {
	if m.Binary != nil {
		return string(m.Binary)
	}
	return fmt.Sprintf("%s", m.Body)
}

// say sets how the cluster answers from now on.
func (c *cluster) say(answer func(to string, m clientsdk.Message) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = answer
}

func (c *cluster) arrived() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.arrive)
}

func (c *cluster) tried() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.tries)
}

func always(err error) func(string, clientsdk.Message) error {
	return func(string, clientsdk.Message) error { return err }
}

func newPath(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "outbox.db")
}

func open(t *testing.T, path string, config Config) *Outbox {
	t.Helper()
	o, err := Open(path, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Close() })
	return o
}

func put(t *testing.T, o *Outbox, to string, bodies ...any) {
	t.Helper()
	for _, body := range bodies {
		if err := o.Put(t.Context(), to, clientsdk.Message{Body: body}); err != nil {
			t.Fatal(err)
		}
	}
}

// run runs an outbox in virtual time.
func run(t *testing.T, config Config, f func(t *testing.T, o *Outbox, c *cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := new(cluster)
		config.Sender = c
		o := open(t, newPath(t), config)
		ended := make(chan error, 1)
		go func() { ended <- o.Run(t.Context()) }()
		f(t, o, c)
		if err := o.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, ErrClosed) {
			t.Errorf("run ended with %v", err)
		}
	})
}

// pass lets virtual time go by.
func pass(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
	synctest.Wait()
}

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
