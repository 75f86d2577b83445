package outbox

import (
	"encoding/binary"
	"fmt"
	"runtime/debug"
	"strings"

	"go.etcd.io/bbolt"
)

// count notes a try that counts, and sets the message aside where it was the
// last.
func (o *Outbox) count(key uint64, r *record, cause error) error {
	r.Tries++
	text := cause.Error()
	r.Err = strings.ToValidUTF8(text[:min(len(text), maxError)], "")
	aside := r.Tries >= o.config.MaxTries
	value, err := r.encode()
	if err != nil {
		return err
	}
	if err := o.rewrite(key, r, value, aside); err != nil {
		return err
	}
	if aside {
		o.report(r)
	}
	return nil
}

// rewrite stores a record anew, where it waits or among those set aside.
func (o *Outbox) rewrite(key uint64, r *record, value []byte, aside bool) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	into := bucketPending
	if aside {
		into = bucketAside
	}
	size, err := o.take(key, func(tx *bbolt.Tx) error { return tx.Bucket(into).Put(keyOf(key), value) })
	if err != nil {
		return err
	}
	o.counts.Bytes += int64(len(value)) - size
	if aside {
		o.counts.Pending--
		o.counts.SetAside++
		o.lines.leave(r.To, key)
	}
	return nil
}

// report tells of a message that was set aside.
func (o *Outbox) report(r *record) {
	o.config.Logger.Warn("a message was refused too often and set aside",
		"to", r.To, "message", r.Payload.ID, "tries", r.Tries, "error", r.Err)
	if o.config.OnSetAside == nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			o.config.Logger.Error("a callback panicked", "callback", "OnSetAside", "panic", v, "stack", string(debug.Stack()))
		}
	}()
	o.config.OnSetAside(r.entry())
}

// SetAside lists what was set aside, the oldest first.
func (o *Outbox) SetAside() (list []Entry, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil, ErrClosed
	}
	err = o.db.View(func(tx *bbolt.Tx) error {
		return walkBucket(tx, bucketAside, func(_ []byte, _ uint64, value []byte) error {
			r, err := decode(value)
			if err == nil {
				list = append(list, r.entry())
			}
			return err
		})
	})
	return list, err
}

// Retry puts a message that was set aside behind all that wait, with no tries.
func (o *Outbox) Retry(id string) error {
	return o.release(id, func(tx *bbolt.Tx, r *record) (uint64, []byte, error) {
		r.Tries, r.Err = 0, ""
		value, err := r.encode()
		if err != nil {
			return 0, nil, err
		}
		key, err := appendTo(tx, value)
		return key, value, err
	})
}

// Discard forgets a message that was set aside.
func (o *Outbox) Discard(id string) error {
	return o.release(id, func(*bbolt.Tx, *record) (uint64, []byte, error) { return 0, nil, nil })
}

// release takes a message out of those set aside. f may give it a new place
// among those that wait.
func (o *Outbox) release(id string, f func(*bbolt.Tx, *record) (key uint64, value []byte, err error)) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return ErrClosed
	}
	var key uint64
	var grown int
	var r *record
	err := o.db.Update(func(tx *bbolt.Tx) error {
		from, size, found, err := find(tx, id)
		if err != nil {
			return err
		}
		if err := tx.Bucket(bucketAside).Delete(keyOf(from)); err != nil {
			return err
		}
		var value []byte
		r = found
		key, value, err = f(tx, r)
		grown = len(value) - size
		return err
	})
	if err != nil {
		return fmt.Errorf("message %s: %w", id, err)
	}
	o.counts.SetAside--
	o.counts.Bytes += int64(grown)
	if key != 0 {
		o.counts.Pending++
		o.lines.join(r.To, key)
		nudge(o.wake)
	}
	return nil
}

// find looks for a message among those set aside.
func find(tx *bbolt.Tx, id string) (key uint64, size int, r *record, err error) {
	c := tx.Bucket(bucketAside).Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if r, err = decode(v); err != nil {
			return 0, 0, nil, err
		}
		if r.Payload.ID == id {
			return binary.BigEndian.Uint64(k), len(v), r, nil
		}
	}
	return 0, 0, nil, ErrNotFound
}
