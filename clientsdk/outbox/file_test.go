package outbox

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-b4c92e43/rollcall/clientsdk"
	"go.etcd.io/bbolt"
)

// copyFile is what a crash leaves: the file as it is now.
func copyFile(t *testing.T, from string) string {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	to := newPath(t)
	if err := os.WriteFile(to, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}

// drain sends all that waits.
func drain(t *testing.T, path string, c *cluster) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o := open(t, path, Config{Sender: c})
		ended := make(chan error, 1)
		go func() { ended <- o.Run(t.Context()) }()
		synctest.Wait()
		if n := o.Counts(); n.Pending != 0 {
			t.Errorf("%+v", n)
		}
		if err := errors.Join(o.Close(), <-ended); !errors.Is(err, ErrClosed) {
			t.Errorf("run ended with %v", err)
		}
	})
}

func TestWhatWasPutSurvivesACrash(t *testing.T) {
	path := newPath(t)
	o := open(t, path, Config{})
	ids := map[string]bool{}
	var crashed []string
	for i := range 20 {
		m := clientsdk.Message{ID: fmt.Sprintf("00000000-0000-4000-8000-%012d", i), From: "me", Body: i, TTL: time.Hour}
		if err := o.Put(t.Context(), fmt.Sprint(i%2), m); err != nil {
			t.Fatal(err)
		}
		crashed = append(crashed, copyFile(t, path))
	}
	for n, file := range crashed {
		c := new(cluster)
		c.say(func(_ string, m clientsdk.Message) error {
			ids[m.ID] = true
			if m.From != "me" || m.TTL != time.Hour {
				t.Errorf("%+v", m)
			}
			return nil
		})
		drain(t, file, c)
		if len(c.arrived()) != n+1 || c.arrived()[n] != fmt.Sprintf("%d %d", n%2, n) {
			t.Errorf("after %d puts arrived %q", n+1, c.arrived())
		}
	}
	if len(ids) != 20 {
		t.Errorf("%d ids for 20 messages", len(ids))
	}
}

func TestSentBeforeACrashIsSentAgainAsADuplicate(t *testing.T) {
	path := newPath(t)
	o := open(t, path, Config{})
	put(t, o, "a", 1, 2, 3)
	c := new(cluster)
	before := copyFile(t, path) // the noting of what is sent now is lost
	_ = o.Close()
	drain(t, path, c)
	drain(t, before, c)
	want(t, c.arrived(), "a 1", "a 2", "a 3")
	if c.tried() != 6 {
		t.Errorf("%d tries", c.tried())
	}
	drain(t, before, c)
	if c.tried() != 6 {
		t.Errorf("%d tries: what was noted is sent once more", c.tried())
	}
}

func TestWhatWasSetAsideSurvives(t *testing.T) {
	path := newPath(t)
	var id string
	run := func(f func(o *Outbox)) {
		o := open(t, path, Config{MaxTries: 2})
		f(o)
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
	}
	run(func(o *Outbox) {
		put(t, o, "a", 1)
		key, _ := o.lines.next(time.Now())
		for range 2 {
			r, err := o.read(key)
			if err != nil {
				t.Fatal(err)
			}
			if err := o.failed(key, r, errBad); err != nil {
				t.Fatal(err)
			}
		}
	})
	run(func(o *Outbox) {
		list, err := o.SetAside()
		if err != nil || len(list) != 1 || list[0].Tries != 2 || o.Counts().SetAside != 1 {
			t.Fatalf("%+v, %v, %+v", list, err, o.Counts())
		}
		id = list[0].Message.ID
		if err := o.Retry(id); err != nil {
			t.Fatal(err)
		}
	})
	run(func(o *Outbox) {
		key, _ := o.lines.next(time.Now())
		r, err := o.read(key)
		if err != nil || r.Payload.ID != id || r.Tries != 0 || o.Counts().Pending != 1 || o.Counts().SetAside != 0 {
			t.Errorf("%+v, %v, %+v", r, err, o.Counts())
		}
	})
}

func TestPutIsBounded(t *testing.T) {
	o := open(t, newPath(t), Config{MaxMessages: 3})
	put(t, o, "a", 1, 2, 3)
	if err := o.Put(t.Context(), "a", clientsdk.Message{}); !errors.Is(err, ErrFull) {
		t.Errorf("a fourth of three: %v", err)
	}
	o = open(t, newPath(t), Config{MaxBytes: 1000})
	n := 0
	for ; n < 1000; n++ {
		if err := o.Put(t.Context(), "a", clientsdk.Message{Body: "xxxxxxxxxxxxxxxxxxxx"}); errors.Is(err, ErrFull) {
			break
		}
	}
	if got := o.Counts(); n < 3 || got.Bytes > 1000 || got.Pending != n {
		t.Errorf("%d messages, %+v", n, got)
	}
}

func TestPutRefuses(t *testing.T) {
	o := open(t, newPath(t), Config{})
	if err := o.Put(t.Context(), "", clientsdk.Message{}); err == nil {
		t.Error("to nobody")
	}
	if err := o.Put(t.Context(), "a", clientsdk.Message{Body: 1, Binary: []byte{1}}); !clientsdk.IsInvalid(err) {
		t.Errorf("a body and bytes: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := o.Put(ctx, "a", clientsdk.Message{}); !errors.Is(err, context.Canceled) {
		t.Errorf("after its context: %v", err)
	}
	_ = o.Close()
	for name, err := range map[string]error{
		"put": o.Put(t.Context(), "a", clientsdk.Message{}), "retry": o.Retry("x"), "close": o.Close(),
	} {
		if wanted := ErrClosed; name != "close" && !errors.Is(err, wanted) || name == "close" && err != nil {
			t.Errorf("%s after the end: %v", name, err)
		}
	}
	if _, err := o.SetAside(); !errors.Is(err, ErrClosed) {
		t.Errorf("set aside after the end: %v", err)
	}
}

func TestPutFromManySides(t *testing.T) {
	path := newPath(t)
	o := open(t, path, Config{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 20 {
				if err := o.Put(context.Background(), "a", clientsdk.Message{Body: i}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	_ = o.Close()
	again := open(t, path, Config{})
	if again.Counts().Pending != 160 || again.Counts() != o.Counts() {
		t.Errorf("%+v, then %+v", o.Counts(), again.Counts())
	}
}

func TestOneOutboxAtATime(t *testing.T) {
	path := newPath(t)
	o := open(t, path, Config{})
	if _, err := Open(path, Config{}); !errors.Is(err, ErrInUse) {
		t.Errorf("got %v", err)
	}
	put(t, o, "a", 1)
	_ = o.Close()
	if n := open(t, path, Config{}).Counts(); n.Pending != 1 {
		t.Errorf("%+v", n)
	}
}

func TestManyMakeOneFile(t *testing.T) {
	path := newPath(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := create(path); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	open(t, path, Config{})
	if names, _ := filepath.Glob(path + "*"); len(names) != 1 {
		t.Errorf("left behind: %v", names)
	}
}

func TestForeignAndDamagedFilesAreRefused(t *testing.T) {
	whole := newPath(t)
	o := open(t, whole, Config{})
	for range 50 {
		put(t, o, "a", string(make([]byte, 200)))
	}
	_ = o.Close()
	content, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{
		"empty": {}, "text": []byte("hello"), "zeros": make([]byte, 1<<16),
		"three pages": content[:3*os.Getpagesize()], "two pages": content[:2*os.Getpagesize()],
	}
	for name, damaged := range files {
		path := newPath(t)
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, Config{}); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
		if after, _ := os.ReadFile(path); string(after) != string(damaged) {
			t.Errorf("%s: the file was changed", name)
		}
	}
	if _, err := Open(t.TempDir(), Config{}); err == nil || errors.Is(err, ErrDamaged) {
		t.Errorf("a directory: %v", err)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "no", "outbox.db"), Config{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
}

func TestAFlippedByteIsNeverSent(t *testing.T) {
	whole := newPath(t)
	o := open(t, whole, Config{})
	put(t, o, "a", 1, 2, 3, 4, 5, 6, 7, 8, 9)
	_ = o.Close()
	content, _ := os.ReadFile(whole)
	noticed := 0
	for range 300 {
		damaged := append([]byte{}, content...)
		damaged[rand.N(len(damaged))] ^= 1 << rand.N(8)
		path := newPath(t)
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		o, err := Open(path, Config{})
		if err != nil {
			noticed++
			continue
		}
		for key := uint64(1); key <= 9; key++ {
			if r, err := o.read(key); err == nil && string(r.Payload.Body) != fmt.Sprint(key) {
				t.Errorf("record %d holds %s", key, r.Payload.Body)
			}
		}
		_ = o.Close()
	}
	t.Logf("%d of 300 flips were noticed, the others changed nothing", noticed)
}

func TestAnotherProgramsDatabaseIsRefused(t *testing.T) {
	path := newPath(t)
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = db.Close()
	if _, err := Open(path, Config{}); !errors.Is(err, ErrDamaged) {
		t.Errorf("no bucket: %v", err)
	}
	for name, change := range map[string]func(tx *bbolt.Tx) error{
		"format": func(tx *bbolt.Tx) error { return tx.Bucket(bucketMeta).Put(keyFormat, []byte("rollcall outbox 2")) },
		"bucket": func(tx *bbolt.Tx) error { return tx.DeleteBucket(bucketAside) },
		"key":    func(tx *bbolt.Tx) error { return tx.Bucket(bucketPending).Put([]byte("x"), nil) },
		"record": func(tx *bbolt.Tx) error { return tx.Bucket(bucketPending).Put(keyOf(1), []byte("xxxx{}")) },
	} {
		path := newPath(t)
		if err := fill(path); err != nil {
			t.Fatal(err)
		}
		db, err := bbolt.Open(path, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(db.Update(change), db.Close()); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, Config{}); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
