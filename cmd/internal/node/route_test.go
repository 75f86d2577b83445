package node

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/collector"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// namedSink answers at once with its number as the index.
type namedSink uint64

func (s *namedSink) Send(b *collector.Batch, done func([]registry.Result, collector.Commit, error)) {
	done(make([]registry.Result, len(b.Commands)), collector.Commit{Index: uint64(*s)}, nil)
}

// TestRoute tells for each order of events where a batch goes; 0 is nowhere.
func TestRoute(t *testing.T) {
	var own, link, next namedSink = 1, 2, 3
	cases := []struct {
		name string
		do   func(r *route)
		want uint64
	}{
		{"nothing", func(*route) {}, 0},
		{"a link", func(r *route) { r.forward(&link) }, 2},
		{"a link that ended", func(r *route) { r.forward(&link); r.end(&link) }, 0},
		{"another link", func(r *route) { r.forward(&link); r.end(&link); r.forward(&next) }, 3},
		{"the end of an older link", func(r *route) { r.forward(&link); r.forward(&next); r.end(&link) }, 3},
		{"its own log", func(r *route) { r.forward(&link); r.lead(&own) }, 1},
		{"a link cannot displace it", func(r *route) { r.lead(&own); r.forward(&link) }, 1},
		{"nor its end", func(r *route) { r.forward(&link); r.lead(&own); r.end(&link) }, 1},
		{"deposed", func(r *route) { r.lead(&own); r.end(&own) }, 0},
		{"a log that never led", func(r *route) { r.forward(&link); r.end(&own) }, 2},
		// The link to the next leader may be up before the judge has heard that
		// this node leads no longer.
		{"deposed with the link there already", func(r *route) { r.lead(&own); r.forward(&link); r.end(&own) }, 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &route{collector: collector.New(collector.Config{Patience: patience})}
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				go r.collector.Run(ctx)
				c.do(r)
				got, err := r.collector.Barrier(ctx)
				if got != c.want || (err == nil) != (c.want != 0) {
					t.Errorf("a batch went to %d (%v), want %d", got, err, c.want)
				}
			})
		})
	}
}
