//go:build e2e

package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/clientsdk"
	"github.com/seed-b4c92e43/rollcall/clientsdk/outbox"
)

// programs are what this test binary becomes where a variable is set, so that
// a test can kill a process with the client in it.
var programs = map[string]func(value string) error{outboxVariable: outboxProgram}

// outboxVariable makes it the program with an outbox: with this variable, the
// path of its file, it puts numbered messages away and sends them until it is
// killed.
const outboxVariable = "ROLLCALL_E2E_OUTBOX"

func outboxProgram(path string) error {
	client, err := clientsdk.New(clientsdk.ConfigFromEnv())
	if err != nil {
		return err
	}
	defer client.Close()
	box, err := outbox.Open(path, outbox.Config{Sender: client, Pause: 50 * time.Millisecond, MaxPause: 200 * time.Millisecond})
	if err != nil {
		return err
	}
	defer box.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	sent := make(chan error, 1)
	go func() { sent <- box.Run(ctx) }()
	if err := putMessages(ctx, box); err != nil {
		return err
	}
	return <-sent
}

// putMessages puts away as many messages as the environment says, and tells of
// each on standard output once it is on this machine's disk.
func putMessages(ctx context.Context, box *outbox.Outbox) error {
	var first, last int
	if _, err := fmt.Sscan(os.Getenv(outboxVariable+"_RANGE"), &first, &last); err != nil {
		return err
	}
	for n := first; n < last; n++ {
		m := clientsdk.Message{From: "outbox", Body: map[string]int{"n": n}}
		if err := box.Put(ctx, "far", m); err != nil {
			return err
		}
		fmt.Println("put", n)
	}
	fmt.Println("all put")
	return nil
}

// startOutbox starts the program and returns when all its messages are put away.
func startOutbox(t *testing.T, c cluster, path string, first, last int) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), outboxVariable+"="+path, fmt.Sprintf("%s_RANGE=%d %d", outboxVariable, first, last),
		"ROLLCALL_ADDR="+strings.Join(c.endpoints(), ","))
	out := new(transcript)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	eventually(t, 20*time.Second, "all messages are put away", func() bool { return strings.Contains(out.String(), "all put") })
	return cmd
}

// transcript is what a process wrote so far.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *transcript) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *transcript) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// TestOutboxOutlivesItsProgram: a program with an outbox is killed while the
// cluster is down and started again after; every message arrives, in order, and
// each once.
func TestOutboxOutlivesItsProgram(t *testing.T) {
	c := startCluster(t, 3)
	path := filepath.Join(t.TempDir(), "outbox.db")
	first := startOutbox(t, c, path, 0, 20) // the cluster is there
	awaitMail(t, c, 20)
	_ = first.Process.Kill()
	_ = first.Wait()
	for _, p := range c {
		p.kill()
	}
	second := startOutbox(t, c, path, 20, 60) // nobody is there
	_ = second.Process.Kill()
	_ = second.Wait()
	for _, p := range c {
		p.start()
	}
	c.awaitReady(t, 20*time.Second)
	startOutbox(t, c, path, 60, 70)
	for i, m := range awaitMail(t, c, 70) {
		if want := fmt.Sprintf(`{"n":%d}`, i); string(m.Body) != want || m.From != "outbox" {
			t.Errorf("message %d is %s from %q, want %s", i, m.Body, m.From, want)
		}
	}
}

// awaitMail waits until the mailbox holds that many messages, and returns them.
func awaitMail(t *testing.T, c cluster, n int) []wire.Message {
	t.Helper()
	var box wire.Mailbox
	eventually(t, 30*time.Second, fmt.Sprintf("%d messages have arrived", n), func() bool {
		return get(c[0].endpoint(), mailPath("far", ""), &box).ok() && box.Pending >= n
	})
	got := read(t, c[0].endpoint(), "far")
	if len(got) != n {
		t.Fatalf("%d messages are there, want %d", len(got), n)
	}
	return got
}
