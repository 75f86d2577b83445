package node

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// onlooker watches through a storm, now from one node and now from another, by
// streams and by long polls, and gathers what it is told.
type onlooker struct {
	*witness
	filter string // of the query
	after  uint64
	seen   []uint64 // revisions
}

func (o *onlooker) run(ctx context.Context) {
	for ctx.Err() == nil {
		o.look(ctx)
		pass(time.Duration(o.rnd.IntN(100)) * time.Millisecond)
	}
}

func (o *onlooker) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(200+o.rnd.IntN(4000))*time.Millisecond)
	defer cancel()
	url := "http://" + o.hosts[o.rnd.IntN(len(o.hosts))] + ":7700/v1/watch?" + o.filter
	streamed := o.rnd.IntN(3) > 0
	if !streamed {
		url += fmt.Sprintf("&after=%d&wait_ms=%d", o.after, o.rnd.IntN(2000))
	}
	req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		o.t.Fatal(err)
	}
	if streamed {
		req.Header.Set("Accept", wire.TypeEvents)
		req.Header.Set("Last-Event-ID", fmt.Sprint(o.after))
	}
	resp, err := o.c.client.Do(req)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusServiceUnavailable:
	case resp.StatusCode != http.StatusOK:
		body, _ := io.ReadAll(resp.Body)
		o.t.Errorf("watch after %d: %d %s", o.after, resp.StatusCode, body)
	case streamed:
		o.stream(resp.Body)
	default:
		o.poll(resp.Body)
	}
}

// poll takes the answer to a long poll, if it comes whole.
func (o *onlooker) poll(body io.Reader) {
	var page struct {
		Events []json.RawMessage `json:"events"`
		Next   uint64            `json:"next"`
	}
	if json.NewDecoder(body).Decode(&page) != nil {
		return
	}
	for _, e := range page.Events {
		o.event(e)
	}
	o.position(page.Next)
}

// stream takes events until the connection breaks.
func (o *onlooker) stream(body io.Reader) {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 1<<20)
	var data string
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			data = text
		} else if lines.Text() == "" && data != "" {
			o.event([]byte(data))
			data = ""
		}
	}
}

func (o *onlooker) event(data []byte) {
	var e wire.Event
	if err := json.Unmarshal(data, &e); err != nil {
		o.t.Errorf("event %s: %v", data, err)
		return
	}
	if e.Type == wire.EventBookmark {
		o.position(e.Revision)
		return
	}
	if e.Revision <= o.after {
		o.t.Errorf("revision %d came after %d", e.Revision, o.after)
	}
	o.after = e.Revision
	o.seen = append(o.seen, e.Revision)
}

func (o *onlooker) position(revision uint64) {
	if revision < o.after {
		o.t.Errorf("a watch that stood at %d was put back to %d", o.after, revision)
	}
	o.after = revision
}

// finish looks on to the end, and compares what was seen with all that happened.
func (o *onlooker) finish(c *cluster) {
	var all []registry.Event
	var end uint64
	kept := false
	c.leader().View(func(r *registry.Replica, _ time.Duration) {
		all, kept = r.EventsAfter(0, 1<<20)
		end = r.Revision()
	})
	for range 1000 {
		if o.after >= end {
			break
		}
		o.look(c.t.Context())
	}
	var want []uint64
	for i := range all {
		if o.filter != "id=witness-0" || all[i].ID == "witness-0" {
			want = append(want, all[i].Revision)
		}
	}
	seen := o.seen
	if n := len(want); n < len(seen) {
		seen = seen[:n] // what happened since
	}
	if !kept || len(want) == 0 || !slices.Equal(seen, want) {
		c.t.Errorf("a watch of %q saw %v, want %v", o.filter, seen, want)
	}
}
