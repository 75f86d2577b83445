package raftstore

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"github.com/seed-b4c92e43/rollcall/registry"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if child := os.Getenv(childEnv); child != "" {
		os.Exit(writeUntilKilled(child))
	}
	goleak.VerifyTestMain(m)
}

func openDir(t testing.TB, path string) *Dir {
	t.Helper()
	d, err := OpenDir(path, "n1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refused asserts that err is a refusal that names the file.
func refused(t testing.TB, err error, file string) {
	t.Helper()
	d, ok := errors.AsType[*DamageError](err)
	if !ok {
		t.Fatalf("got %v, want a DamageError of %s", err, file)
	}
	if filepath.Base(d.Path) != file || d.Remedy == "" {
		t.Fatalf("refused %q with remedy %q, want %s", d.Path, d.Remedy, file)
	}
}

func entry(commands ...registry.Command) []byte {
	e := registry.Entry{Wall: time.Now().UnixMilli(), Advance: 10, Proposer: "n1", Commands: commands}
	return e.Append(nil)
}

func grant(id string) *registry.Grant {
	return &registry.Grant{NS: "default", ID: id, TTL: 10_000, Spec: registry.Spec{Service: "web", Address: "10.0.0.1"}}
}

func renew(epoch, seq uint64) *registry.Renew {
	return &registry.Renew{Beats: registry.Beats(nil).Append(epoch, seq)}
}

// option changes a store's configuration.
type option func(*Config)

// openSingle opens a store and, on its first start, makes it a cluster of one.
func openSingle(t testing.TB, path string, options ...option) *Store {
	t.Helper()
	d, err := OpenDir(path, "n1")
	must(t, err)
	_, transport := raft.NewInmemTransport("n1")
	cfg := Config{Dir: d, Transport: transport, Logger: slog.New(slog.DiscardHandler)}
	for _, o := range options {
		o(&cfg)
	}
	fresh := d.Fresh()
	s, err := Open(cfg)
	if err != nil {
		d.Close()
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if fresh {
		must(t, s.Bootstrap("n1"))
	}
	lead(t, s)
	return s
}

// lead waits until s leads and has applied all that was in its log.
func lead(t testing.TB, s *Store) {
	t.Helper()
	select {
	case l := <-s.Leadership():
		if !l.Leading {
			t.Fatal("told that it does not lead")
		}
	case <-time.After(time.Minute):
		t.Fatal("no leadership")
	}
	must(t, s.AwaitIndex(t.Context(), s.raft.LastIndex()))
}

func propose(t testing.TB, s *Store, commands ...registry.Command) registry.Outcome {
	t.Helper()
	out, err := s.Propose(entry(commands...)).Wait()
	must(t, err)
	return out
}

// fill grants and renews n leases, each entry one command.
func fill(t testing.TB, s *Store, n int) (epochs []uint64) {
	t.Helper()
	for i := range n {
		out := propose(t, s, grant(fmt.Sprintf("web-%d", i)))
		epochs = append(epochs, out.Results[0].Lease.Epoch)
		propose(t, s, renew(epochs[i], uint64(i)+1))
	}
	return epochs
}

func digest(s *Store) (d uint64, index uint64) {
	s.View(func(r *registry.Replica, _ time.Duration) { d, index = r.Digest(), r.Index() })
	return d, index
}

func isNotLeader(err error) bool     { return errors.Is(err, ErrNotLeader) }
func isIndeterminate(err error) bool { return errors.Is(err, ErrIndeterminate) }
