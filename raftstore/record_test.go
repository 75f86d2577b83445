package raftstore

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
	bolt "go.etcd.io/bbolt"
)

func messageID(n int) (id registry.MessageID) {
	copy(id[:], fmt.Sprintf("%016d", n))
	return id
}

// send is message n for the mailbox "m"; its body says so.
func send(n int) *registry.Send {
	return &registry.Send{
		NS: "default", ID: "m", Message: messageID(n), TTL: 3_600_000,
		Body: registry.Body{Data: fmt.Appendf(nil, "body of %d", n)},
	}
}

func ack(n int) *registry.Ack {
	return &registry.Ack{NS: "default", ID: "m", Messages: []registry.MessageID{messageID(n)}}
}

// bodyOf reads the body of message n, "" if there is none.
func bodyOf(m *machine, n int) (string, error) {
	var message registry.Message
	m.view(func(r *registry.Replica, _ time.Duration) { message, _ = r.Message("default", "m", messageID(n)) })
	record, err := m.record(registry.KindBody, message.Key)
	if err != nil || record == nil {
		return "", err
	}
	b, err := registry.DecodeBody(record)
	return string(b.Data), err
}

func (m *machine) hasBody(t *testing.T, n int, want bool) {
	t.Helper()
	body, err := bodyOf(m, n)
	must(t, err)
	if body != "" != want || want && body != fmt.Sprintf("body of %d", n) {
		t.Fatalf("the body of message %d is %q", n, body)
	}
}

// TestRecordIsFoundOnItsWay: in the replica, in the queue, while it is being
// written, and in the file; and when it is gone, at none of them.
func TestRecordIsFoundOnItsWay(t *testing.T) {
	m := newMachine(t)
	m.apply(t, 1, send(1))
	m.hasBody(t, 1, true)
	m.capture(nil)
	m.hasBody(t, 1, true)
	seen := false
	m.image.disk.inject = func(op string) error {
		if op == "image write" {
			m.hasBody(t, 1, true)
			seen = true
		}
		return nil
	}
	must(t, m.image.drain())
	m.image.disk.inject = nil
	if !seen || len(m.image.queue.list) != 0 {
		t.Fatalf("seen while it was written: %v; %d captures are left", seen, len(m.image.queue.list))
	}
	m.hasBody(t, 1, true)

	m.apply(t, 2, &registry.Nack{NS: "default", ID: "m", Messages: []registry.MessageID{messageID(1)}, Reason: "busy"})
	must(t, m.flush())
	m.apply(t, 3, ack(1))
	m.capture(nil)
	m.hasBody(t, 1, false)
	must(t, m.image.drain())
	m.hasBody(t, 1, false)
}

// TestFailedFlushIsMadeUpFor: what could not be written for lack of space is
// written by the next flush, and can be read meanwhile.
func TestFailedFlushIsMadeUpFor(t *testing.T) {
	m := newMachine(t)
	m.apply(t, 1, send(1), grant("a"))
	full := &seam{op: "image write", err: &fs.PathError{Op: "write", Path: imageName, Err: syscall.ENOSPC}}
	m.image.disk.inject = full.inject
	if err := m.flush(); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("got %v", err)
	}
	m.hasBody(t, 1, true)
	if m.image.queue.size() == 0 {
		t.Fatal("nothing waits to be written")
	}
	m.image.disk.inject = nil
	m.apply(t, 2, send(2))
	must(t, m.flush())
	r := registry.NewReplica("n1")
	must(t, load(m.image.db, r))
	if r.Digest() != m.replica.Digest() || m.image.queue.size() != 0 {
		t.Fatalf("the image is another state; %d bytes wait", m.image.queue.size())
	}
}

func TestDamagedRecordIsFatal(t *testing.T) {
	m := newMachine(t)
	m.apply(t, 1, send(1))
	must(t, m.flush())
	must(t, m.image.db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(kindBucket(registry.KindBody)))
		key, stored := b.Cursor().First()
		stored = bytes.Clone(stored)
		stored[0] ^= 1
		return b.Put(key, stored)
	}))
	var fatal error
	m.image.disk.onFatal = func(err error) { fatal = err }
	if _, err := bodyOf(m, 1); !errors.Is(err, errCorrupt) || !errors.Is(fatal, ErrDisk) {
		t.Fatalf("got %v, fatal %v", err, fatal)
	}
}

// TestRecordsAreReadWhileEverythingMoves: readers, flushes, endings and restores
// side by side. A message that waits has its body at every moment.
func TestRecordsAreReadWhileEverythingMoves(t *testing.T) {
	m, source := newMachine(t), newMachine(t)
	const n = 300
	for i := range n {
		source.apply(t, uint64(i)+1, send(i))
	}
	snapshot, err := source.Snapshot()
	must(t, err)
	defer snapshot.Release()
	var stream sink
	must(t, snapshot.Persist(&stream))

	done := make(chan struct{})
	var others sync.WaitGroup
	for range 2 {
		others.Go(func() { readAll(t, m, done) })
	}
	others.Go(func() {
		for running(done) {
			if err := m.flush(); err != nil {
				t.Error(err)
			}
		}
	})
	for i := range n {
		m.apply(t, uint64(i)+1, send(i), ack(i-5))
		if i%100 == 99 {
			must(t, m.Restore(io.NopCloser(bytes.NewReader(stream.Bytes()))))
			r := registry.NewReplica("n1")
			must(t, load(m.image.db, r))
			if r.Digest() != source.replica.Digest() {
				t.Fatal("the image is not that of the snapshot")
			}
			m.put(registry.NewReplica("n1"), 0, 0, nil)
		}
	}
	close(done)
	others.Wait()
}

// TestRecordsAmidARestore: until the new replica is seen, a message that waits
// by the old one has its body, though it ended before the snapshot.
func TestRecordsAmidARestore(t *testing.T) {
	m, source := newMachine(t), newMachine(t)
	source.apply(t, 1, send(1))
	source.apply(t, 2, ack(1))
	snapshot, err := source.Snapshot()
	must(t, err)
	defer snapshot.Release()
	var stream sink
	must(t, snapshot.Persist(&stream))

	m.apply(t, 1, send(1))
	must(t, m.flush())
	looked := false
	m.image.disk.observe = func(op string, _ time.Duration) {
		if op != "install snapshot" {
			return
		}
		looked = true
		m.view(func(r *registry.Replica, _ time.Duration) {
			page := r.Messages("default", "m", 0, 1, 0)
			if len(page.Messages) > 0 {
				t.Errorf("it waits still, and its body is no more")
			}
		})
	}
	must(t, m.Restore(io.NopCloser(&stream)))
	if !looked {
		t.Error("nothing was installed")
	}
}

func running(done <-chan struct{}) bool {
	select {
	case <-done:
		return false
	default:
		return true
	}
}

// readAll reads the messages that wait until done. One of which there is no body
// must have ended since.
func readAll(t *testing.T, m *machine, done <-chan struct{}) {
	for running(done) {
		var page registry.MessagePage
		m.view(func(r *registry.Replica, _ time.Duration) { page = r.Messages("default", "m", 0, 100, 0) })
		for _, message := range page.Messages {
			record, err := m.record(registry.KindBody, message.Key)
			if err != nil {
				t.Error(err)
			}
			if record == nil && m.waits(message) {
				t.Errorf("the body of %+v is not there", message)
			}
		}
	}
}

func (m *machine) waits(message registry.Message) (waits bool) {
	m.view(func(r *registry.Replica, _ time.Duration) {
		now, ok := r.Message("default", "m", message.ID)
		waits = ok && now == message
	})
	return waits
}

func TestRecordOfAStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := t.TempDir()
		s := openSingle(t, path)
		key := propose(t, s, send(1)).Results[0].Mail.Message.Key
		must(t, s.Close())
		s = openSingle(t, path)
		record, ok, err := s.Record(registry.KindBody, key[:])
		if b, _ := registry.DecodeBody(record); !ok || err != nil || string(b.Data) != "body of 1" {
			t.Errorf("after a restart: %q, %v, %v", record, ok, err)
		}
		for _, none := range [][]byte{nil, make([]byte, 16)} {
			if record, ok, err := s.Record(registry.KindReason, none); record != nil || ok || err != nil {
				t.Errorf("of nothing: %q, %v, %v", record, ok, err)
			}
		}
		must(t, s.Close())
		if _, _, err := s.Record(registry.KindBody, key[:]); !errors.Is(err, ErrClosed) {
			t.Errorf("of a closed store: %v", err)
		}
	})
}
