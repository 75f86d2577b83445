//go:build e2e && linux

package e2e_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

const (
	powerCuts = 12 // unless ROLLCALL_POWERCUTS says
	powerSeed = 1  // unless ROLLCALL_POWERCUT_SEED says
	diskMiB   = 64
)

// fallible builds the binary that can be made to fail, once.
var fallible = sync.OnceValues(func() (string, error) {
	path := filepath.Join(filepath.Dir(rollcall), "rollcall-failpoint")
	out, err := exec.Command("go", "build", "-tags", "failpoint", "-o", path, "github.com/seed-b4c92e43/rollcall/cmd/rollcall").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return path, err
})

// powered is a cluster each of whose nodes has a disk of its own.
type powered struct {
	cluster
	disks []*disk // as the nodes
	rng   *rand.Rand

	mu     sync.Mutex // guards what the clients note at their end
	leases map[string]*written
	boxes  map[string]*box
}

// startPowered starts three nodes that take a snapshot every 20 KB of log: by
// default there would be none in so short a time.
func startPowered(t *testing.T, seed uint64) *powered {
	t.Helper()
	p := &powered{rng: rand.New(rand.NewPCG(seed, 0)), leases: make(map[string]*written), boxes: make(map[string]*box)}
	for range 3 {
		p.disks = append(p.disks, newDisk(t, diskMiB))
	}
	binary, err := fallible()
	if err != nil {
		t.Fatal(err)
	}
	p.cluster = newCluster(t, 3, 3)
	for i, n := range p.cluster {
		n.dir, n.binary, n.env = p.disks[i].dir(), binary, []string{"ROLLCALL_FAIL=snapshot-bytes=20000,snapshot-half=0"}
		n.start()
	}
	p.awaitReady(t, 30*time.Second)
	return p
}

// TestPowerCuts cuts the power of one, two or all nodes again and again while
// clients write, and starts them on what their disks then hold.
func TestPowerCuts(t *testing.T) {
	cuts, seed := fromEnv(t, "ROLLCALL_POWERCUTS", powerCuts), fromEnv(t, "ROLLCALL_POWERCUT_SEED", powerSeed)
	t.Logf("seed %d", seed)
	p := startPowered(t, seed)
	sizes := make(map[int]int)
	for i := range cuts {
		victims := p.victims()
		sizes[len(victims)]++
		leases, boxes := p.writeAndCut(int(i), victims)
		if err := p.comeBack(victims, leases, boxes); err != nil {
			t.Fatalf("seed %d, cut %d of %d: %v", seed, i, len(victims), err)
		}
	}
	if err := p.compare(p.cluster[0], p.leases, p.boxes); err != nil {
		t.Errorf("seed %d, at the end: %v", seed, err)
	}
	t.Logf("%d cuts, of one node %d, of two %d, of all %d; acknowledged were %s", cuts, sizes[1], sizes[2], sizes[3], p.counts())
	if found, _ := filepath.Glob(filepath.Join(p.disks[0].dir(), "snapshots", "*")); len(found) == 0 {
		t.Error("no snapshot was taken")
	}
	if len(p.leases) < 10*int(cuts) {
		t.Errorf("only %d leases were acknowledged", len(p.leases))
	}
}

// TestPowerCutsBite lets the nodes not sync: the same cuts must be noticed.
func TestPowerCutsBite(t *testing.T) {
	p := startPowered(t, 1)
	for _, n := range p.cluster {
		n.kill()
		n.env = []string{"ROLLCALL_FAIL=sync=0"}
		n.start()
	}
	p.awaitReady(t, 30*time.Second)
	all := []int{0, 1, 2}
	leases, boxes := p.writeAndCut(0, all)
	if len(leases) < 10 {
		t.Fatalf("only %d leases were acknowledged", len(leases))
	}
	err := p.comeBack(all, leases, boxes)
	if err == nil {
		t.Fatal("nodes that do not sync lost nothing")
	}
	t.Logf("noticed: %.300s", err.Error())
}

func fromEnv(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// victims draws whose power is cut, in an order of its own.
func (p *powered) victims() []int {
	return p.rng.Perm(3)[:1+p.rng.IntN(3)]
}

// writeAndCut lets clients write to all nodes until the power of some is cut. It
// returns what was acknowledged since it began.
func (p *powered) writeAndCut(round int, victims []int) (map[string]*written, map[string]*box) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	leases, boxes := make(map[string]*written), make(map[string]*box)
	var clients sync.WaitGroup
	for i := range 12 {
		clients.Go(func() {
			acked := write(ctx, p.cluster[i%3].endpoint(), fmt.Sprintf("p%d-%d", round, i))
			p.note(func() { maps.Copy(leases, acked) })
		})
		clients.Go(func() {
			name := fmt.Sprintf("box%d-%d", round, i)
			b := correspond(ctx, p.cluster[i%3].endpoint(), name)
			p.note(func() { boxes[name] = b })
		})
	}
	pass(ctx, time.Duration(200+p.rng.IntN(1000))*time.Millisecond)
	p.cut(victims)
	pass(ctx, 200*time.Millisecond) // those who still can go on writing
	cancel()
	clients.Wait()
	maps.Copy(p.leases, leases)
	maps.Copy(p.boxes, boxes)
	return leases, boxes
}

func (p *powered) note(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

// cut takes the power from some nodes within a few milliseconds. Of some the disk
// goes first, of others the process.
func (p *powered) cut(victims []int) {
	var cutting sync.WaitGroup
	for _, v := range victims {
		late, diskFirst := time.Duration(p.rng.IntN(8_000))*time.Microsecond, p.rng.IntN(3) > 0
		cutPower := p.disks[v].fuse()
		cutting.Go(func() {
			pass(context.Background(), late)
			if diskFirst {
				cutPower()
			}
			p.cluster[v].kill()
			if !diskFirst {
				cutPower()
			}
		})
	}
	cutting.Wait()
	for _, v := range victims {
		p.disks[v].detach()
		p.disks[v].attach()
	}
}

// comeBack starts nodes again and compares. A cut of more than one is looked at
// by two nodes alone, of which at least one was cut: whatever two there are, they
// have all that was acknowledged.
func (p *powered) comeBack(victims []int, leases map[string]*written, boxes map[string]*box) error {
	waits := -1
	if len(victims) > 1 {
		waits = p.rng.IntN(3)
		p.cluster[waits].kill()
	}
	for i, n := range p.cluster {
		if n.cmd == nil && i != waits {
			n.start()
		}
	}
	if err := p.backWithin(20 * time.Second); err != nil {
		return err
	}
	asked := p.cluster[victims[0]]
	if waits == victims[0] {
		asked = p.cluster[victims[1]]
	}
	if err := p.compare(asked, leases, boxes); err != nil {
		return err
	}
	if waits >= 0 {
		p.cluster[waits].start()
	}
	return p.backWithin(20 * time.Second)
}

// backWithin waits until every node that was started is ready.
func (p *powered) backWithin(limit time.Duration) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(limit); time.Now().Before(end); <-tick.C {
		unready := 0
		for _, n := range p.cluster {
			if n.cmd != nil && n.hasEnded() {
				return fmt.Errorf("%s ended instead of coming back: %s", n.id, lastLine(n.log()))
			}
			if n.cmd != nil && !n.ready() {
				unready++
			}
		}
		if unready == 0 {
			return nil
		}
	}
	return fmt.Errorf("not ready within %v", limit)
}

// compare holds what a node says against what was acknowledged, and returns the
// first few differences.
func (p *powered) compare(asked *process, leases map[string]*written, boxes map[string]*box) error {
	var (
		asking sync.WaitGroup
		slots  = make(chan struct{}, 32)
		lost   []string
	)
	look := func(f func() string) {
		slots <- struct{}{}
		asking.Go(func() {
			defer func() { <-slots }()
			if l := f(); l != "" {
				p.note(func() { lost = append(lost, l) })
			}
		})
	}
	for id, w := range leases {
		look(func() string { return w.lost(asked.endpoint(), id) })
	}
	for id, b := range boxes {
		look(func() string { return b.lost(asked.endpoint(), id) })
	}
	asking.Wait()
	if len(lost) == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d leases and %d mailboxes differ: %s", len(lost), len(leases), len(boxes),
		strings.Join(lost[:min(3, len(lost))], "; "))
}

func (p *powered) counts() string {
	var renewals uint64
	var messages, acks int
	for _, w := range p.leases {
		renewals += w.seq
	}
	for _, b := range p.boxes {
		messages += len(b.sent)
		acks += b.acked
	}
	return fmt.Sprintf("%d leases, %d renewals, %d messages, %d acks", len(p.leases), renewals, messages, acks)
}

// box is what was acknowledged to the one who sends to a mailbox and reads it.
type box struct {
	sent   []wire.Sent // in order
	acked  int         // so many of them
	unsure bool        // the last request was not answered
}

// correspond sends to a mailbox of its own, and after every third message acknowledges
// the two oldest, until ctx ends or an answer does not come.
func correspond(ctx context.Context, endpoint, name string) *box {
	b := &box{}
	g, a := register(endpoint, name, wire.Registration{TTLMS: 600_000})
	if !a.ok() {
		return b
	}
	for n := 0; ctx.Err() == nil; n++ {
		m, a := post(endpoint, name, message(n), time.Second)
		if b.unsure = !a.ok(); b.unsure {
			return b
		}
		b.sent = append(b.sent, m)
		if n%3 != 2 {
			continue
		}
		body := wire.Ack{Epoch: g.Epoch, UpTo: b.sent[b.acked+1].Offset}
		a = ask("POST", endpoint, mailPath(name, "/ack"), body, nil, time.Second)
		if b.unsure = !a.ok(); b.unsure {
			return b
		}
		b.acked += 2
	}
	return b
}

// lost says what of a mailbox is not as it was acknowledged: all messages beyond
// the acknowledged ones wait in order; where the last request is in doubt there
// may be one more, or two fewer.
func (b *box) lost(endpoint, name string) string {
	if len(b.sent) == 0 {
		return ""
	}
	var page wire.MessagesPage
	a := get(endpoint, mailPath(name, "/messages?limit=1000&consistency=linearizable"), &page)
	if !a.ok() || len(b.sent) > 1000 {
		return fmt.Sprintf("%s: %s", name, a)
	}
	for _, from := range []int{b.acked, b.acked + 2} {
		if from == b.acked || b.unsure && from <= len(b.sent) {
			if b.waits(page.Messages, from) {
				return ""
			}
		}
	}
	return fmt.Sprintf("%s: %d messages wait, of %d sent %d were acknowledged (in doubt: %v)", name, len(page.Messages), len(b.sent), b.acked, b.unsure)
}

func (b *box) waits(got []wire.Message, from int) bool {
	want := b.sent[from:]
	more := len(got) - len(want)
	if more < 0 || more > 1 || more == 1 && !b.unsure {
		return false
	}
	for i, s := range want {
		if got[i].ID != s.ID || got[i].Offset != s.Offset {
			return false
		}
	}
	return true
}
