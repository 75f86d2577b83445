package outbox

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seed-b4c92e43/rollcall/clientsdk"
	"go.etcd.io/bbolt"
)

// Outbox is an open file of messages. It is safe for concurrent use.
type Outbox struct {
	config Config
	base   context.Context // ends with Close, and Run with it
	stop   context.CancelCauseFunc
	wake   chan struct{} // level-triggered: something was put away

	mu      sync.Mutex // guards what follows, held over the writes so that lines and file agree
	db      *bbolt.DB
	lines   lines
	counts  Counts
	running chan struct{} // closed when Run has ended; nil where there is none
	closed  bool
}

// Counts is how much an outbox holds.
type Counts struct {
	Pending  int
	SetAside int
	Bytes    int64 // of the records of both
}

// Open opens an outbox, and makes it where there is no file at path, whose
// directory must exist. It waits a second for another process that has it, and
// then fails with ErrInUse. Close it when done.
func Open(path string, config Config) (*Outbox, error) {
	o := &Outbox{
		config: config.withDefaults(), wake: make(chan struct{}, 1),
		lines: lines{byTo: map[string]*line{}},
	}
	db, err := openFile(path, o.load)
	if err != nil {
		return nil, fmt.Errorf("open outbox %s: %w", path, err)
	}
	o.db = db
	o.base, o.stop = context.WithCancelCause(context.Background())
	return o, nil
}

// load takes note of a record that is in the file.
func (o *Outbox) load(bucket []byte, key uint64, value []byte) error {
	r, err := decode(value)
	if err != nil {
		return err
	}
	o.counts.Bytes += int64(len(value))
	if string(bucket) == string(bucketAside) {
		o.counts.SetAside++
		return nil
	}
	o.counts.Pending++
	o.lines.join(r.To, key)
	return nil
}

// Put puts a message away, and returns when it is on disk. A message without
// an ID gets one now, and keeps it. Errors: ErrFull, ErrClosed, a message that
// cannot be encoded, and the disk's.
func (o *Outbox) Put(ctx context.Context, to string, m clientsdk.Message) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if to == "" {
		return errors.New("put into outbox: the mailbox is empty")
	}
	payload, err := m.Wire()
	if err != nil {
		return fmt.Errorf("put into outbox: %w", err)
	}
	r := record{To: to, Payload: payload, QueuedMS: time.Now().UnixMilli()}
	value, err := r.encode()
	if err != nil {
		return fmt.Errorf("put into outbox: %w", err)
	}
	return o.put(to, value)
}

func (o *Outbox) put(to string, value []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch size := int64(len(value)); {
	case o.closed:
		return ErrClosed
	case o.counts.Pending+o.counts.SetAside >= o.config.MaxMessages, o.counts.Bytes+size > o.config.MaxBytes:
		return fmt.Errorf("%w: %d messages and %d bytes wait, %d were set aside",
			ErrFull, o.counts.Pending, o.counts.Bytes, o.counts.SetAside)
	}
	var key uint64
	err := o.db.Update(func(tx *bbolt.Tx) (err error) {
		key, err = appendTo(tx, value)
		return err
	})
	if err != nil {
		return fmt.Errorf("put into outbox: %w", err)
	}
	o.counts.Pending++
	o.counts.Bytes += int64(len(value))
	o.lines.join(to, key)
	nudge(o.wake)
	return nil
}

// nudge wakes who waits on a channel that holds one.
func nudge(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// appendTo puts a record behind all others that wait.
func appendTo(tx *bbolt.Tx, value []byte) (uint64, error) {
	pending := tx.Bucket(bucketPending)
	key, err := pending.NextSequence()
	if err != nil {
		return 0, err
	}
	return key, pending.Put(keyOf(key), value)
}

// Counts returns how much the outbox holds.
func (o *Outbox) Counts() Counts {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.counts
}

// Close ends Run, waits for it, and closes the file. Not to be called from
// OnSetAside. Again it does nothing.
func (o *Outbox) Close() error {
	o.mu.Lock()
	running := o.running
	again := o.closed
	o.closed = true
	o.mu.Unlock()
	o.stop(ErrClosed)
	if running != nil {
		<-running
	}
	if again {
		return nil
	}
	return o.db.Close()
}
