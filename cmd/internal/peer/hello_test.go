package peer

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestHelloTravels(t *testing.T) {
	want := hello{kind: kindStream, helloBody: helloBody{From: identity("n1"), Want: "n2/b"}}
	encoded, err := want.append(nil)
	if err != nil {
		t.Fatal(err)
	}
	rest := bytes.NewReader(append(encoded, "what follows"...))
	got, err := readHello(rest)
	if err != nil || got != want {
		t.Fatalf("got %+v, %v", got, err)
	}
	if after, _ := io.ReadAll(rest); string(after) != "what follows" {
		t.Errorf("the hello took bytes of what follows: %q is left", after)
	}
}

func TestClusterObjection(t *testing.T) {
	const a, b, none = "ca", "cb", ""
	tests := []struct {
		kind       kind
		from, self string
		want       string // part of the reason
	}{
		{kindRaft, a, a, ""},
		{kindStream, a, a, ""},
		{kindCall, a, a, ""},
		{kindCall, none, a, ""},
		{kindCall, a, none, ""},
		{kindCall, none, none, ""},
		{kindRaft, a, b, "n1/i belongs to cluster ca, but n2/i to cluster cb"},
		{kindStream, a, b, "cluster ca"},
		{kindCall, a, b, "cluster cb"},
		{kindRaft, none, a, "you (n1/i) belong to no cluster"},
		{kindRaft, a, none, "n2/i belongs to no cluster"},
		{kindStream, none, none, "n2/i belongs to no cluster"},
	}
	for _, test := range tests {
		got := clusterObjection(test.kind,
			Identity{Node: "n1", Incarnation: "i", ClusterID: test.from},
			Identity{Node: "n2", Incarnation: "i", ClusterID: test.self})
		if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s from %q to %q: %q, want %q", test.kind, test.from, test.self, got, test.want)
		}
	}
}

func TestDialFindsAnotherIncarnation(t *testing.T) {
	_, n1, n2 := pair(t)
	n2.HandleStream(echo)
	_, err := n1.DialStream(t.Context(), n2.Addr(), "n2/of-before-the-disk-was-wiped")
	var refused *RefusedError
	if !errors.As(err, &refused) {
		t.Fatalf("got %v", err)
	}
	if refused.By != identity("n2") || !strings.Contains(refused.Reason, "of-before-the-disk-was-wiped") {
		t.Errorf("got %+v", refused)
	}
}

func TestAnAcceptanceByAnotherIsNotBelieved(t *testing.T) {
	h := hello{kind: kindRaft, helloBody: helloBody{From: identity("n1"), Want: identity("n2").ServerID()}}
	other := identity("n2")
	other.ClusterID = "c2"
	for name, from := range map[string]Identity{"server": identity("n3"), "cluster": other} {
		err := checkAnswer(answer{accepted: true, answerBody: answerBody{From: from}}, h, "addr")
		var refused *RefusedError
		if !errors.As(err, &refused) {
			t.Errorf("another %s: got %v", name, err)
		}
	}
}

func TestVersionsThatDiffer(t *testing.T) {
	m, n1, _ := pair(t)
	conn := raw(t, m.Host("h3"), n1.Addr())
	encoded, _ := hello{kind: kindCall, helloBody: helloBody{From: identity("n3")}}.append(nil)
	encoded[4] = 9
	if _, err := conn.Write(encoded); err != nil {
		t.Fatal(err)
	}
	a, err := readAnswer(conn)
	if err != nil || a.accepted || !strings.Contains(a.Reason, "version 9") {
		t.Errorf("got %+v, %v", a, err)
	}
}

func TestGarbageIsClosed(t *testing.T) {
	m, n1, _ := pair(t)
	for _, said := range []string{"GET / HTTP/1.1\r\n\r\n", helloMagic + "\x02C\xff\xff", helloMagic + "\x02C\x00\x02[]", helloMagic + "\x02C\x00\x02{}"} {
		conn := raw(t, m.Host("h3"), n1.Addr())
		if _, err := conn.Write([]byte(said)); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(conn); len(got) > 0 {
			t.Errorf("%q was answered with %q, %v", said, got, err)
		}
	}
}

func TestSilentDiallersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, n1, n2 := pair(t)
		n1.HandleCall("echo", echoCall)
		for range handshakesMax {
			raw(t, m.Host("h3"), n1.Addr())
		}
		synctest.Wait()
		if err := n2.Call(t.Context(), n1.Addr(), "", "echo", nil, nil); err == nil {
			t.Error("one more hello was heard")
		}
		<-time.After(helloTimeout)
		synctest.Wait()
		if err := n2.Call(t.Context(), n1.Addr(), "", "echo", nil, nil); err != nil {
			t.Errorf("silent diallers still hold their places: %v", err)
		}
		if left := n1.conns.len(); left != 0 {
			t.Errorf("%d connections are left", left)
		}
	})
}

func TestDialGivesUpOnASilentAcceptor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, n1, _ := pair(t)
		silent, err := m.Host("h3").Listen(":1")
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
		start := time.Now()
		if _, err := n1.DialStream(t.Context(), "h3:1", ""); err == nil {
			t.Fatal("nobody answered, yet there is a stream")
		}
		if took := time.Since(start); took != helloTimeout {
			t.Errorf("gave up after %v", took)
		}
	})
}

func TestSplitRaftAddress(t *testing.T) {
	id, addr, ok := SplitRaftAddress(RaftAddress("n1/0a", "h:1"))
	if id != "n1/0a" || addr != "h:1" || !ok {
		t.Error(id, addr, ok)
	}
	for _, bad := range []string{"", "h:1", "@h:1", "n1/0a@"} {
		if _, _, ok := SplitRaftAddress(bad); ok {
			t.Errorf("%q passed", bad)
		}
	}
}

func FuzzHello(f *testing.F) {
	good, _ := hello{kind: kindRaft, helloBody: helloBody{From: identity("n1"), Want: "n2/x"}}.append(nil)
	refusal, _ := answer{answerBody: answerBody{From: identity("n1"), Reason: "no"}}.append(nil)
	f.Add(good)
	f.Add(refusal)
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = readAnswer(bytes.NewReader(b))
		h, err := readHello(bytes.NewReader(b))
		if err != nil {
			return
		}
		again, err := h.append(nil)
		if err != nil {
			return // JSON escapes may make it longer than allowed
		}
		second, err := readHello(bytes.NewReader(again))
		if err != nil || !reflect.DeepEqual(h, second) {
			t.Errorf("%+v became %+v, %v", h, second, err)
		}
	})
}
