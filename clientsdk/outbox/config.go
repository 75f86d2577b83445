package outbox

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/clientsdk"
)

var (
	// ErrFull is returned by Put where the bounds leave no room for the message.
	ErrFull = errors.New("the outbox is full")
	// ErrInUse is returned by Open when another process, or another Outbox of
	// this one, has the file.
	ErrInUse = errors.New("the outbox is in use")
	// ErrDamaged is returned when the file is not an outbox, or no longer one.
	// It is left as it was found.
	ErrDamaged = errors.New("not an outbox, or damaged")
	// ErrClosed is returned after Close.
	ErrClosed = errors.New("the outbox is closed")
	// ErrRunning is returned by Run while another Run is under way.
	ErrRunning = errors.New("the outbox runs already")
	// ErrNotFound is returned for a message that was not set aside.
	ErrNotFound = errors.New("no such message was set aside")
)

// Sender sends a message; a *clientsdk.Client is one.
type Sender interface {
	Send(ctx context.Context, to string, m clientsdk.Message) (*wire.Sent, error)
}

// Config says how to send, and bounds what waits.
type Config struct {
	Sender Sender // only Run needs it

	MaxMessages int   // most messages, those set aside included (default 10,000); 8 bytes of memory each
	MaxBytes    int64 // most bytes of all their records (default 64 MiB); the file takes up to twice that

	// MaxTries is how often the cluster may definitely refuse a message before
	// it is set aside (default 5). Only what is wrong with the message counts:
	// not an unreachable cluster, a full mailbox or a token that is not known.
	MaxTries int
	// CountAll counts every failed try. A message is then set aside too when
	// the cluster was away for long enough: MaxTries pauses of up to MaxPause.
	CountAll bool

	Pause    time.Duration // after the first failure, doubled by each further one, half of it chance (default 500 ms)
	MaxPause time.Duration // at most (default 30 s)

	// OnSetAside hears of each message that is set aside, on Run's goroutine,
	// which waits for it. A panic in it is contained. Where the process dies in
	// that moment it is not called; SetAside lists them all. nil: not called.
	OnSetAside func(Entry)

	// Logger hears of messages set aside and of panics. nil: nobody.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	orDefault(&c.MaxMessages, 10_000)
	orDefault(&c.MaxBytes, 64<<20)
	orDefault(&c.MaxTries, 5)
	orDefault(&c.Pause, 500*time.Millisecond)
	orDefault(&c.MaxPause, 30*time.Second)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func orDefault[T int | int64 | time.Duration](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}
