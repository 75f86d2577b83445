package outbox

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"
)

// visitor gets a record that was found; its value holds during the call only.
type visitor func(bucket []byte, key uint64, value []byte) error

// walk checks that a file is an outbox, and hands every record to visit.
func walk(tx *bbolt.Tx, visit visitor) error {
	meta := tx.Bucket(bucketMeta)
	if meta == nil {
		return fmt.Errorf("%w: another program's database", ErrDamaged)
	}
	if found := meta.Get(keyFormat); !bytes.Equal(found, format) {
		return fmt.Errorf("%w: its format is %.40q, not %q", ErrDamaged, found, format)
	}
	for _, name := range [][]byte{bucketPending, bucketAside} {
		if err := walkBucket(tx, name, visit); err != nil {
			return err
		}
	}
	return nil
}

func walkBucket(tx *bbolt.Tx, name []byte, visit visitor) error {
	bucket := tx.Bucket(name)
	if bucket == nil {
		return fmt.Errorf("%w: bucket %s is missing", ErrDamaged, name)
	}
	var last uint64
	c := bucket.Cursor()
	for key, value := c.First(); key != nil; key, value = c.Next() {
		if len(key) != 8 || binary.BigEndian.Uint64(key) <= last {
			return fmt.Errorf("%w: bucket %s has the key %x after %d", ErrDamaged, name, key, last)
		}
		last = binary.BigEndian.Uint64(key)
		if err := visit(name, last, value); err != nil {
			return fmt.Errorf("%w: record %d of %s: %w", ErrDamaged, last, name, err)
		}
	}
	return nil
}
