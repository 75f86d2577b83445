package outbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

var (
	bucketMeta    = []byte("outbox")
	bucketPending = []byte("pending_msgs")
	bucketAside   = []byte("set_aside")
	keyFormat     = []byte("format")
	format        = []byte("rollcall outbox 1")
)

// lockTimeout is how long Open waits for another process to let go.
const lockTimeout = time.Second

func options(readOnly bool) *bbolt.Options {
	return &bbolt.Options{
		Timeout: lockTimeout, ReadOnly: readOnly, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType,
	}
}

// openFile opens an outbox's file, which is made where there is none. It is
// read to the end first, so that damage is found now and not in the middle of
// sending; visit gets every record.
func openFile(path string, visit visitor) (*bbolt.DB, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = create(path)
	case err == nil && !info.Mode().IsRegular():
		err = errors.New("no regular file")
	case err == nil && info.Size() == 0: // which bbolt would take for a new one
		err = fmt.Errorf("%w: it is empty", ErrDamaged)
	}
	if err != nil {
		return nil, err
	}
	if err := verify(path, visit); err != nil {
		return nil, err
	}
	var db *bbolt.DB
	err = guard(func() (err error) {
		db, err = bbolt.Open(path, 0o600, options(false))
		return known(err)
	})
	return db, err
}

// create makes an empty outbox under another name and then links it, so that
// there is a whole one or none, and never one above another process's.
func create(path string) error {
	dir, name := filepath.Split(path)
	f, err := os.CreateTemp(filepath.Clean(dir+"."), name+".new-*")
	if err != nil {
		return err
	}
	made := f.Name()
	defer os.Remove(made)
	if err := f.Close(); err != nil {
		return err
	}
	if err := fill(made); err != nil {
		return err
	}
	if err := os.Link(made, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func fill(path string) error {
	db, err := bbolt.Open(path, 0o600, options(false))
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{bucketMeta, bucketPending, bucketAside} {
			if _, err := tx.CreateBucket(name); err != nil {
				return err
			}
		}
		return tx.Bucket(bucketMeta).Put(keyFormat, format)
	})
	return errors.Join(err, db.Close())
}

// syncDir makes the names in a directory durable, where the system can.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

// verify reads the whole file without the right to write.
func verify(path string, visit visitor) error {
	return guard(func() error {
		db, err := bbolt.Open(path, 0o600, options(true))
		if err != nil {
			return known(err)
		}
		err = db.View(func(tx *bbolt.Tx) error { return walk(tx, visit) })
		return errors.Join(err, db.Close())
	})
}

// guard turns a panic of bbolt over a file that is not what it seems, and a
// fault in its mapping, into an error.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrDamaged, p)
		}
	}()
	return f()
}

// known gives bbolt's errors their names here. What is neither the lock's nor
// the system's is the file's.
func known(err error) error {
	_, errno := errors.AsType[syscall.Errno](err)
	switch {
	case err == nil || errno:
		return err
	case errors.Is(err, berrors.ErrTimeout):
		return ErrInUse
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}
