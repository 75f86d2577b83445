package peer

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestCall(t *testing.T) {
	_, n1, n2 := pair(t)
	n2.HandleCall("echo", echoCall)
	var answer struct{ From, Body string }
	if err := n1.Call(t.Context(), n2.Addr(), identity("n2").ServerID(), "echo", "hello", &answer); err != nil {
		t.Fatal(err)
	}
	if answer.Body != "hello" || answer.From != identity("n1").ServerID() {
		t.Errorf("got %+v", answer)
	}
}

func TestCallOverTCP(t *testing.T) {
	n1, n2 := open(t, TCP{}, identity("n1")), open(t, nil, identity("n2"))
	n2.HandleCall("echo", echoCall)
	if err := n1.Call(t.Context(), n2.Addr(), "", "echo", 1, nil); err != nil {
		t.Fatal(err)
	}
}

func TestCallBetweenClusters(t *testing.T) {
	m := NewMemory()
	n1 := open(t, m.Host("h1"), identity("n1"))
	n1.HandleCall("echo", echoCall)
	fresh := open(t, m.Host("h2"), Identity{Node: "n2", Incarnation: "x"})
	if err := fresh.Call(t.Context(), n1.Addr(), "", "echo", 1, nil); err != nil {
		t.Errorf("a node without a cluster: %v", err)
	}
	foreign := open(t, m.Host("h3"), Identity{Node: "n3", Incarnation: "x", ClusterID: "other"})
	err := foreign.Call(t.Context(), n1.Addr(), "", "echo", 1, nil)
	if err == nil || !strings.Contains(err.Error(), "other") || !strings.Contains(err.Error(), cluster) {
		t.Errorf("a node of another cluster: %v does not name both", err)
	}
}

func TestCallErrors(t *testing.T) {
	_, n1, n2 := pair(t)
	n2.HandleCall("fail", func(context.Context, Identity, []byte) (any, error) { return nil, errors.New("the reason") })
	n2.HandleCall("huge", func(context.Context, Identity, []byte) (any, error) { return strings.Repeat("x", callMax), nil })
	n2.HandleCall("odd", func(context.Context, Identity, []byte) (any, error) { return make(chan int), nil })
	tests := []struct{ method, want string }{
		{"fail", "remote fail: the reason"},
		{"unknown", `method "unknown" is not known`},
		{"huge", "EOF"},
		{"odd", "encode answer"},
	}
	for _, test := range tests {
		err := n1.Call(t.Context(), n2.Addr(), "", test.method, nil, nil)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.method, err)
		}
	}
	if err := n1.Call(t.Context(), n2.Addr(), "", "echo", strings.Repeat("x", callMax), nil); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a huge request: %v", err)
	}
	if err := n1.Call(t.Context(), "h9:1", "", "echo", 1, nil); err == nil || !strings.Contains(err.Error(), "h9:1") {
		t.Errorf("nobody there: %v", err)
	}
}

func TestCallEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, n1, n2 := pair(t)
		n2.HandleCall("slow", func(ctx context.Context, _ Identity, _ []byte) (any, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		err := n1.Call(ctx, n2.Addr(), "", "slow", nil, nil)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 3*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

func TestCloseEndsHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, n1, n2 := pair(t)
		n2.HandleCall("slow", func(ctx context.Context, _ Identity, _ []byte) (any, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		failed := make(chan error)
		go func() { failed <- n1.Call(t.Context(), n2.Addr(), "", "slow", nil, nil) }()
		synctest.Wait()
		start := time.Now()
		if err := n2.Close(); err != nil {
			t.Error(err)
		}
		if err := <-failed; err == nil || time.Since(start) > 0 {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

func TestCallHandlersSeeTheBody(t *testing.T) {
	_, n1, n2 := pair(t)
	n2.HandleCall("sum", func(_ context.Context, _ Identity, body []byte) (any, error) {
		var numbers []int
		if err := json.Unmarshal(body, &numbers); err != nil {
			return nil, err
		}
		return numbers[0] + numbers[1], nil
	})
	var sum int
	if err := n1.Call(t.Context(), n2.Addr(), "", "sum", []int{2, 3}, &sum); err != nil || sum != 5 {
		t.Error(sum, err)
	}
}
