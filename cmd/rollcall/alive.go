package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// aliveCommand lists who is alive.
type aliveCommand struct {
	connection
	output
	consistency
	tags, meta    []string
	prefix, state string
	limit         int
	cursor        string
}

func newAlive() *cobra.Command {
	var c aliveCommand
	cmd := &cobra.Command{
		Use:     "alive [SERVICE]",
		Short:   "List who is alive; exit code 3 when nobody is",
		Example: "  rollcall alive web\n  rollcall alive web --tag eu --meta zone=a -o json",
		Args:    arguments(0, 1, "[SERVICE]"),
		RunE:    func(cmd *cobra.Command, args []string) error { return c.run(cmd, args) },
	}
	c.connection.flags(cmd)
	c.output.flag(cmd)
	c.consistency.flags(cmd)
	f := cmd.Flags()
	f.StringArrayVar(&c.tags, "tag", nil, "only those with this tag; repeat for more")
	f.StringArrayVar(&c.meta, "meta", nil, "only those with this KEY=VALUE; repeat for more")
	f.StringVar(&c.prefix, "prefix", "", "only ids that begin so")
	f.StringVar(&c.state, "state", "", "only this state: alive, draining or held")
	f.IntVar(&c.limit, "limit", 0, "one page of at most so many, 1 to 1000, instead of all")
	f.StringVar(&c.cursor, "cursor", "", "the page at this next_cursor, instead of all")
	return cmd
}

func (c *aliveCommand) run(cmd *cobra.Command, args []string) error {
	r, err := c.open()
	if err != nil {
		return err
	}
	defer r.close()
	query, err := c.query(args)
	if err != nil {
		return err
	}
	page, body, err := c.collect(cmd.Context(), r, query)
	if err != nil {
		return err
	}
	if err := c.print(cmd.OutOrStdout(), page, body); err != nil {
		return err
	}
	if len(page.Alive) == 0 {
		return notAlive("nobody is alive%s", inService(args))
	}
	return nil
}

func inService(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return " in " + args[0]
}

func (c *aliveCommand) query(args []string) (url.Values, error) {
	q := url.Values{}
	for _, pair := range c.meta {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, wrongUsage("meta %q: want KEY=VALUE", pair)
		}
		q.Add("meta."+key, value)
	}
	for _, tag := range c.tags {
		q.Add("tag", tag)
	}
	if len(args) > 0 {
		q.Set("service", args[0])
	}
	setUnlessEmpty(q, "prefix", c.prefix)
	setUnlessEmpty(q, "state", c.state)
	setUnlessEmpty(q, "cursor", c.cursor)
	if c.limit != 0 {
		q.Set("limit", strconv.Itoa(c.limit))
	}
	c.consistency.set(q)
	return q, nil
}

func setUnlessEmpty(q url.Values, key, value string) {
	if value != "" {
		q.Set(key, value)
	}
}

// collect reads one page if one was asked for, else all. The body is that of
// the only page, or nil where there were more.
func (c *aliveCommand) collect(ctx context.Context, r *remote, query url.Values) (*wire.AlivePage, []byte, error) {
	onePage := c.limit != 0 || c.cursor != ""
	if !onePage {
		query.Set("limit", strconv.Itoa(wire.MaxLimit))
	}
	all, body, err := askFor[wire.AlivePage](ctx, r, request{path: wire.PathAlive, query: query})
	if err != nil {
		return nil, nil, err
	}
	if onePage || all.NextCursor == "" {
		return all, body, nil
	}
	for all.NextCursor != "" {
		query.Set("cursor", all.NextCursor)
		page, _, err := askFor[wire.AlivePage](ctx, r, request{path: wire.PathAlive, query: query})
		if err != nil {
			return nil, nil, err
		}
		all.Alive = append(all.Alive, page.Alive...)
		all.Count += page.Count
		all.NextCursor = page.NextCursor
	}
	return all, nil, nil
}

func (c *aliveCommand) print(w io.Writer, page *wire.AlivePage, body []byte) error {
	switch {
	case c.json() && body != nil:
		printBody(w, body)
		return nil
	case c.json():
		return printJSON(w, page)
	case len(page.Alive) == 0:
		return nil
	default:
		return printLeases(w, page.Alive)
	}
}

func printLeases(w io.Writer, leases []wire.Lease) error {
	t := newTable(w, "ID", "SERVICE", "ADDRESS", "STATE", "EPOCH", "SEQ", "RENEWED", "EXPIRES IN", "TAGS")
	for i := range leases {
		l := &leases[i]
		t.row(l.ID, l.Service, hostPort(l.Address, l.Port), stateOf(l), strconv.FormatUint(l.Epoch, 10),
			strconv.FormatUint(l.Seq, 10), milliseconds(sinceRenewal(l))+" ago", milliseconds(l.ExpiresInMS), strings.Join(l.Tags, ","))
	}
	return t.print()
}

// sinceRenewal is counted on the answering node, so that clocks do not matter.
func sinceRenewal(l *wire.Lease) int64 { return max(l.TTLMS-l.ExpiresInMS, 0) }

// stateOf adds the answering node's hints to a state.
func stateOf(l *wire.Lease) string {
	state := l.State
	if l.HeldReason != "" {
		state += " (" + l.HeldReason + ")"
	}
	if l.Late {
		state += ", late"
	}
	if l.Flapping {
		state += ", flapping"
	}
	return state
}

func hostPort(host string, port int) string {
	if port == 0 {
		return host
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

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
