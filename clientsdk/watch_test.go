package clientsdk

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// told is a Change in a word.
func told(c Change) string {
	var b strings.Builder
	if c.Restarted {
		b.WriteString("anew ")
	}
	fmt.Fprintf(&b, "%d %s", c.Revision, c.Type)
	if c.ID != "" {
		b.WriteString(" " + c.ID)
	}
	for _, l := range c.Leases {
		b.WriteString(" " + l.ID)
	}
	if c.More {
		b.WriteString(" …")
	}
	return b.String()
}

// hear watches until n changes have come, or the watch has ended.
func hear(ctx context.Context, c *Client, q WatchQuery, n int) (list []string, err error) {
	for change, err := range c.Watch(ctx, q) {
		if err != nil {
			return list, err
		}
		if list = append(list, told(change)); len(list) == n {
			break
		}
	}
	return list, nil
}

func wantHeard(t *testing.T, got []string, err error, want ...string) {
	t.Helper()
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("heard %q, %v\nwant  %q", got, err, want)
	}
}

// asked are the questions of watches, in a word each.
func asked(r *http.Request) string {
	return r.URL.Path + "?" + r.URL.RawQuery + " " + r.Header.Get("Last-Event-ID")
}

// scripted answers one request after the other with the next of the parts; the
// last one stands for all after it. A part that returns closes its stream.
func scripted(questions *journal[string], parts ...streams) streams {
	return func(w http.ResponseWriter, r *http.Request) {
		questions.add(asked(r))
		n := len(questions.all())
		parts[min(n, len(parts))-1](w, r)
	}
}

func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func TestWatchDeliversASnapshotAndThenEvents(t *testing.T) {
	node := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept") != wire.TypeEvents {
			t.Errorf("accepts %q", r.Header.Get("Accept"))
		}
		emitSnapshot(w, 9, true, "a", "b")
		emitSnapshot(w, 9, false, "c")
		emit(w, "registered", wire.Event{Revision: 10, Type: "registered", ID: "d", Epoch: 10, Lease: &wire.Lease{ID: "d", Epoch: 10}})
		emit(w, wire.EventBookmark, wire.Bookmark{Revision: 15, Type: wire.EventBookmark})
		emit(w, "expired", wire.Event{Revision: 16, Type: "expired", ID: "a", Certificate: &wire.Certificate{Cause: "expired"}, LeavesFilter: true})
		hang(w, r)
	}
	inBubble(t, node, func(t *testing.T, c *Client) {
		got, err := hear(t.Context(), c, WatchQuery{}, 4)
		wantHeard(t, got, err, "9 snapshot a b …", "9 snapshot c", "10 registered d", "16 expired a")
		var last Change
		for change := range c.Watch(t.Context(), WatchQuery{Bookmarks: true}) {
			if last = change; change.Type == "expired" {
				break
			}
			if change.Type == "registered" && change.Lease.Epoch != 10 {
				t.Errorf("the lease is missing: %+v", change)
			}
		}
		if !last.LeavesFilter || last.Certificate.Cause != "expired" {
			t.Errorf("%+v", last)
		}
		got, err = hear(t.Context(), c, WatchQuery{Bookmarks: true}, 5)
		wantHeard(t, got, err, "9 snapshot a b …", "9 snapshot c", "10 registered d", "15 bookmark", "16 expired a")
	})
}

func TestWatchIsSpelledAsInTheContract(t *testing.T) {
	questions := new(journal[string])
	node := scripted(questions, func(w http.ResponseWriter, r *http.Request) { emitEvent(w, 1, "left", "a") })
	inBubble(t, node, func(t *testing.T, c *Client) {
		_, _ = hear(t.Context(), c, WatchQuery{
			Service: "web", ID: "web-1", Prefix: "web-", Tags: []string{"v2", "eu"}, After: new(uint64(0)),
		}, 1)
		if want := []string{"/v1/watch?after=0&id=web-1&prefix=web-&service=web&tag=v2&tag=eu "}; !slices.Equal(questions.all(), want) {
			t.Errorf("asked %q", questions.all())
		}
	})
}

func TestWatchGoesOnWhereItWas(t *testing.T) {
	questions := new(journal[string])
	nodes := new(journal[string])
	node := scripted(questions,
		func(w http.ResponseWriter, r *http.Request) {
			emitSnapshot(w, 9, false, "a")
			emitEvent(w, 10, "registered", "b")
		},
		func(w http.ResponseWriter, r *http.Request) { refuse(w, wire.CodeTooStale) },
		func(w http.ResponseWriter, r *http.Request) {
			emitEvent(w, 10, "registered", "b") // it should not, and this must not be seen
			emitEvent(w, 11, "left", "b")
			emit(w, wire.EventBookmark, wire.Bookmark{Revision: 20, Type: wire.EventBookmark})
		},
		func(w http.ResponseWriter, r *http.Request) {
			emitEvent(w, 21, "left", "a")
			hang(w, r)
		},
	)
	inBubble(t, func(w http.ResponseWriter, r *http.Request) { nodes.add(r.URL.Host); node(w, r) }, func(t *testing.T, c *Client) {
		got, err := hear(t.Context(), c, WatchQuery{}, 4)
		wantHeard(t, got, err, "9 snapshot a", "10 registered b", "11 left b", "21 left a")
		want := []string{"/v1/watch? ", "/v1/watch? 10", "/v1/watch? 10", "/v1/watch? 20"}
		if !slices.Equal(questions.all(), want) {
			t.Errorf("asked %q", questions.all())
		}
		for i, host := range nodes.all()[1:] {
			if host == nodes.all()[i] {
				t.Errorf("after a failure the same node again: %v", nodes.all())
			}
		}
	})
}

func TestWatchSaysWhenItBeginsAnew(t *testing.T) {
	questions := new(journal[string])
	node := scripted(questions,
		func(w http.ResponseWriter, r *http.Request) {
			emitSnapshot(w, 9, true, "a")
			emitSnapshot(w, 9, false, "b")
			emitEvent(w, 12, "left", "a")
		},
		func(w http.ResponseWriter, r *http.Request) { refuse(w, wire.CodeCompacted) },
		func(w http.ResponseWriter, r *http.Request) { emitSnapshot(w, 11, true, "c") }, // cut off
		func(w http.ResponseWriter, r *http.Request) {
			emitSnapshot(w, 30, true, "c")
			emitSnapshot(w, 30, false, "d")
			emitEvent(w, 31, "left", "c")
			hang(w, r)
		},
	)
	inBubble(t, node, func(t *testing.T, c *Client) {
		got, err := hear(t.Context(), c, WatchQuery{}, 7)
		wantHeard(t, got, err, "9 snapshot a …", "9 snapshot b", "12 left a",
			"anew 11 snapshot c …", "anew 30 snapshot c …", "30 snapshot d", "31 left c")
		if want := []string{"/v1/watch? ", "/v1/watch? 12", "/v1/watch? ", "/v1/watch? "}; !slices.Equal(questions.all(), want) {
			t.Errorf("asked %q", questions.all())
		}
	})
}

func TestWatchFromACompactedRevisionBeginsAnew(t *testing.T) {
	node := scripted(new(journal[string]),
		func(w http.ResponseWriter, r *http.Request) { refuse(w, wire.CodeCompacted) },
		func(w http.ResponseWriter, r *http.Request) { emitSnapshot(w, 9, false) })
	inBubble(t, node, func(t *testing.T, c *Client) {
		got, err := hear(t.Context(), c, WatchQuery{After: new(uint64(3))}, 1)
		wantHeard(t, got, err, "anew 9 snapshot")
	})
}

func TestWatchLeavesASilentNode(t *testing.T) {
	node := scripted(new(journal[string]),
		func(w http.ResponseWriter, r *http.Request) {
			emitSnapshot(w, 9, false)
			hang(w, r)
		},
		hang, // not even headers
		func(w http.ResponseWriter, r *http.Request) {
			emit(w, wire.EventBookmark, wire.Bookmark{Revision: 9, Type: wire.EventBookmark})
			for range 10 {
				_ = sleep(r.Context(), silence-time.Second)
				_, _ = w.Write([]byte(": still here\n\n"))
			}
			emitEvent(w, 10, "left", "a")
			hang(w, r)
		})
	inBubble(t, node, func(t *testing.T, c *Client) {
		start := time.Now()
		got, err := hear(t.Context(), c, WatchQuery{}, 2)
		wantHeard(t, got, err, "9 snapshot", "10 left a")
		least := silence + c.config.RequestTimeout + 10*(silence-time.Second)
		if took := time.Since(start); took < least || took > least+time.Second {
			t.Errorf("took %v, want about %v", took, least)
		}
	})
}

func TestASlowReaderIsNoSilence(t *testing.T) {
	questions := new(journal[string])
	node := scripted(questions, func(w http.ResponseWriter, r *http.Request) {
		for i := range uint64(5) {
			emitEvent(w, i+1, "left", "a")
		}
		hang(w, r)
	})
	inBubble(t, node, func(t *testing.T, c *Client) {
		n := 0
		for _, err := range c.Watch(t.Context(), WatchQuery{}) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n == 5 {
				break
			}
			pass(10 * silence)
		}
		if len(questions.all()) != 1 {
			t.Errorf("%d connections", len(questions.all()))
		}
	})
}

func TestWatchEndsWithADefiniteRefusal(t *testing.T) {
	for _, code := range []wire.Code{wire.CodeInvalidRequest, wire.CodeUnauthenticated, wire.CodeForbidden} {
		node := scripted(new(journal[string]),
			func(w http.ResponseWriter, r *http.Request) { emitSnapshot(w, 9, false) },
			func(w http.ResponseWriter, r *http.Request) { refuse(w, code) })
		inBubble(t, node, func(t *testing.T, c *Client) {
			if got, err := hear(t.Context(), c, WatchQuery{}, 2); CodeOf(err) != code || len(got) != 1 {
				t.Errorf("%s: %q, %v", code, got, err)
			}
		})
	}
}

func TestWhatIsNoNodeIsToldAtFirstAndThenOutlasted(t *testing.T) {
	portal := func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNotFound) }
	inBubble(t, portal, func(t *testing.T, c *Client) {
		_, err := hear(t.Context(), c, WatchQuery{}, 1)
		if s, ok := errors.AsType[*StatusError](err); !ok || s.Status != 404 {
			t.Errorf("at first: %v", err)
		}
	})
	node := scripted(new(journal[string]),
		func(w http.ResponseWriter, r *http.Request) { emitSnapshot(w, 9, false) }, portal,
		func(w http.ResponseWriter, r *http.Request) { respond(w, 200, "log in here") },
		func(w http.ResponseWriter, r *http.Request) { emit(w, "left", "no event") },
		func(w http.ResponseWriter, r *http.Request) { emitEvent(w, 10, "left", "a") })
	inBubble(t, node, func(t *testing.T, c *Client) {
		got, err := hear(t.Context(), c, WatchQuery{}, 2)
		wantHeard(t, got, err, "9 snapshot", "10 left a")
	})
}

func TestWatchTriesOnWithPauses(t *testing.T) {
	questions := new(journal[string])
	node := scripted(questions, func(w http.ResponseWriter, r *http.Request) { refuse(w, wire.CodeOverloaded) })
	inBubble(t, node, func(t *testing.T, c *Client) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err := hear(ctx, c, WatchQuery{}, 1)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("ended with %v", err)
		}
		if n := len(questions.all()); n < 1800 || n > 3700 {
			t.Errorf("%d tries in an hour, want one every 1 to 2 s", n)
		}
	})
}

func TestWatchEndsWithItsClient(t *testing.T) {
	inBubble(t, hang, func(t *testing.T, c *Client) {
		timer := time.AfterFunc(time.Second, func() { _ = c.Close() })
		defer timer.Stop()
		if _, err := hear(t.Context(), c, WatchQuery{}, 1); !errors.Is(err, ErrClosed) {
			t.Errorf("ended with %v", err)
		}
	})
}
