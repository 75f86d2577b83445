package main

import (
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"
)

// consistency is how fresh an answer has to be.
type consistency struct {
	level       string
	minRevision uint64
	maxStale    time.Duration
}

func (c *consistency) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&c.level, "consistency", "", "local (unless set), leader or linearizable")
	f.Uint64Var(&c.minRevision, "min-revision", 0, "wait until the answering node has applied this revision")
	f.DurationVar(&c.maxStale, "max-stale", 0, "refuse an answer that is older")
}

func (c *consistency) set(q url.Values) {
	setUnlessEmpty(q, "consistency", c.level)
	if c.minRevision != 0 {
		q.Set("min_revision", strconv.FormatUint(c.minRevision, 10))
	}
	if c.maxStale != 0 {
		q.Set("max_stale_ms", fmt.Sprint(c.maxStale.Milliseconds()))
	}
}
