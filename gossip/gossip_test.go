package gossip

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"
	"go.uber.org/goleak"
)

// journal is a log that can be read while it is written.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(b)
}

func (j *journal) count(part string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.buf.String(), part)
}

func (j *journal) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func openLoopback(t *testing.T, node string, join ...string) *Gossip {
	t.Helper()
	g, err := Open(Config{Bind: "localhost:0", Advertise: "localhost", Join: join, Local: Local{Node: node}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	return g
}

func TestRealSockets(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	a := openLoopback(t, "a")
	b := openLoopback(t, "b", a.Addr(), "127.0.0.1:1")
	for view(a) != "a=alive b=alive" || view(b) != "a=alive b=alive" {
		select {
		case <-a.Changed():
		case <-b.Changed():
		case <-time.After(10 * time.Second):
			t.Fatalf("a sees %q, b sees %q", view(a), view(b))
		}
	}
	if err := b.Leave(2 * time.Second); err != nil {
		t.Error(err)
	}
	if err := b.Leave(time.Second); err != nil {
		t.Errorf("leaving twice: %v", err)
	}
	for _, g := range []*Gossip{a, b, b} {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := b.Leave(time.Second); err != nil {
		t.Errorf("leaving after Close: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	long := strings.Repeat("x", MaxMeta)
	for want, config := range map[string]Config{
		"no node id":             {Bind: "127.0.0.1:0"},
		"no address":             {Local: Local{Node: "a"}},
		"address already in use": {Bind: taken.Addr().String(), Local: Local{Node: "a"}},
		"does not resolve":       {Bind: "127.0.0.1:0", Advertise: "nowhere.invalid", Local: Local{Node: "a"}},
		"is not a number":        {Bind: "127.0.0.1:http", Local: Local{Node: "a"}},
		"at most 512":            {Bind: "127.0.0.1:0", Local: Local{Node: long}},
	} {
		config.Resolver = &names{}
		g, err := Open(config)
		if err == nil {
			g.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "open gossip: ") {
			t.Errorf("%s: got %v", want, err)
		}
	}
}

func TestBridgeKeepsLevels(t *testing.T) {
	var j journal
	var seen []string
	l := newBridge(j.logger(), func(line string) { seen = append(seen, line) })
	for _, line := range []string{"[DEBUG] memberlist: one", "[INFO] two", "[WARN] memberlist: three", "[ERR] memberlist: four", "five"} {
		l.Print(line)
	}
	for _, want := range []string{"DEBUG msg=one", "INFO msg=two", "WARN msg=three", "ERROR msg=four", "INFO msg=five"} {
		if j.count("level="+want) != 1 {
			t.Errorf("no %q in\n%s", want, j.buf.String())
		}
	}
	if len(seen) != 5 || seen[0] != "[DEBUG] memberlist: one" {
		t.Errorf("observed %q", seen)
	}
}

func TestForeignMetadataIsIgnoredAndToldOncePerMinute(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var j journal
		d := &delegate{self: "me", table: newTable(), logger: j.logger(), warn: newLimiter()}
		for i := range 10 {
			d.NotifyJoin(&memberlist.Node{Name: fmt.Sprint(i), Addr: net.IP{10, 0, 0, 1}, Meta: []byte("consul")})
			d.NotifyLeave(&memberlist.Node{Name: fmt.Sprint(i)})
		}
		if got := d.table.members(); len(got) > 0 {
			t.Errorf("members: %+v", got)
		}
		if n := j.count("is ignored"); n != 1 {
			t.Errorf("told %d times", n)
		}
		pass(sayEvery)
		d.NotifyUpdate(&memberlist.Node{Name: "x"})
		if n := j.count("is ignored"); n != 2 {
			t.Errorf("told %d times after a minute", n)
		}
	})
}

func TestUnresolvedNameIsToldOncePerMinute(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var j journal
		n := &names{}
		g, err := Open(Config{
			Join: []string{"one.example", "bad:port:7702"}, Resolver: n, Logger: j.logger(),
			Transport: NewMemory().Transport(addr(1)), Local: Local{Node: "n1"},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer pass(time.Minute)
		defer g.Close()
		pass(30 * time.Second)
		for _, name := range []string{"join=one.example", "join=bad:port:7702"} {
			if got := j.count(name); got != 1 {
				t.Errorf("%s was told %d times in 30 s", name, got)
			}
		}
		pass(10 * time.Minute)
		if got := j.count("join=one.example"); got < 9 || got > 11 {
			t.Errorf("told %d times in 10 minutes", got)
		}
	})
}

func TestTheDeadAreBounded(t *testing.T) {
	table := newTable()
	for i := range 2 * maxGone {
		name := fmt.Sprint("node", i)
		table.alive(name, addr(1), meta{Local: Local{Node: name}})
		table.status(name, StatusDead)
	}
	if got := len(table.members()); got != maxGone {
		t.Errorf("%d dead are remembered, want %d", got, maxGone)
	}
	for i := range 10 { // ten starts of one node
		name := fmt.Sprint("again", i)
		table.alive(name, addr(i), meta{Local: Local{Node: "again"}, Started: int64(i)})
		table.status(name, StatusSuspect)
		table.status(name, StatusDead)
		table.status(name, StatusSuspect) // too late to matter
	}
	for _, m := range table.members() {
		if m.Node == "again" && (m.GossipAddr != addr(9) || m.Status != StatusDead) {
			t.Errorf("the last start should speak for the node: %+v", m)
		}
	}
	if got := len(table.processes); got != maxGone {
		t.Errorf("%d processes are remembered, want %d", got, maxGone)
	}
}

func TestSplitAddr(t *testing.T) {
	for in, want := range map[string]string{
		"n1": "n1 7702", "n1:1": "n1 1", "10.0.0.1": "10.0.0.1 7702", "::1": "::1 7702", "[::1]:5": "::1 5", ":9": " 9",
	} {
		host, port, err := splitAddr(in, DefaultPort)
		if got := fmt.Sprint(host, " ", port); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"n1:99999", "n1:x", "a:b:c"} {
		if _, _, err := splitAddr(in, DefaultPort); err == nil {
			t.Errorf("%q was accepted", in)
		}
	}
}

func TestLookupPrefersIPv4(t *testing.T) {
	n := &names{}
	n.set("both", "fd00::1", "10.0.0.1", "rubbish")
	n.set("none", "rubbish")
	ips, err := lookup(context.Background(), n, "both")
	if err != nil || len(ips) != 2 || ips[0].String() != "10.0.0.1" {
		t.Errorf("%v, %v", ips, err)
	}
	if _, err := lookup(context.Background(), n, "none"); err == nil {
		t.Error("a name without an address resolved")
	}
}
