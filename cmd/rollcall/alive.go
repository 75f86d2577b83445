package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// aliveCommand lists who is alive.
type aliveCommand struct {
	connection
	output
	consistency
	moment
	tags, meta    []string
	prefix, state string
	flapping      bool
	limit         int
	cursor        string
	watch         bool
}

func newAlive() *cobra.Command {
	var c aliveCommand
	cmd := &cobra.Command{
		Use:   "alive [SERVICE]",
		Short: "List who is alive; exit code 3 when nobody is",
		Long: "List who is alive, now or as of another time; exit code 3 when nobody is.\n" +
			"With --watch it goes on until Ctrl-C: a terminal shows the list as it changes, else each change is a line.",
		Example: "  rollcall alive web\n  rollcall alive web --tag eu --meta zone=a -o json\n  rollcall alive web --watch\n" +
			"  rollcall alive web --at 2026-11-22T10:00:00Z\n  rollcall alive web --at 10m",
		Args: arguments(0, 1, "[SERVICE]"),
		RunE: func(cmd *cobra.Command, args []string) error { return c.run(cmd, args) },
	}
	c.connection.flags(cmd)
	c.output.flag(cmd)
	c.consistency.flags(cmd)
	c.moment.flags(cmd)
	f := cmd.Flags()
	f.StringArrayVar(&c.tags, "tag", nil, "only those with this tag; repeat for more")
	f.StringArrayVar(&c.meta, "meta", nil, "only those with this KEY=VALUE; repeat for more")
	f.StringVar(&c.prefix, "prefix", "", "only ids that begin so")
	f.StringVar(&c.state, "state", "", "only this state: alive, draining or held")
	f.BoolVar(&c.flapping, "flapping", false, "only those that come and go often of late; --flapping=false: only the others")
	f.IntVar(&c.limit, "limit", 0, "one page of at most so many, 1 to 1000, instead of all")
	f.StringVar(&c.cursor, "cursor", "", "the page at this next_cursor, instead of all")
	f.BoolVar(&c.watch, "watch", false, "go on until Ctrl-C, and show what changes")
	return cmd
}

func (c *aliveCommand) run(cmd *cobra.Command, args []string) error {
	if c.watch {
		if err := c.checkWatch(cmd); err != nil {
			return err
		}
	}
	r, err := c.open()
	if err != nil {
		return err
	}
	defer r.close()
	query, err := c.query(args)
	if err != nil {
		return err
	}
	if cmd.Flags().Changed("flapping") {
		query.Set("flapping", strconv.FormatBool(c.flapping))
	}
	if c.watch {
		return c.follow(cmd, r, args, query)
	}
	page, body, err := c.collect(cmd.Context(), r, query)
	if err != nil {
		return err
	}
	if err := c.print(cmd.OutOrStdout(), page, body); err != nil {
		return err
	}
	if len(page.Alive) == 0 {
		return notAlive("nobody %s alive%s", c.tense(), inService(args))
	}
	return nil
}

func (c *aliveCommand) tense() string {
	if c.moment.given() {
		return "was"
	}
	return "is"
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
	return q, c.moment.set(q)
}

func setUnlessEmpty(q url.Values, key, value string) {
	if value != "" {
		q.Set(key, value)
	}
}

// collect reads one page if one was asked for, else all. The body is that of
// the only page, or made of all of them.
func (c *aliveCommand) collect(ctx context.Context, r *remote, query url.Values) (*wire.AlivePage, []byte, error) {
	onePage := c.limit != 0 || c.cursor != ""
	if !onePage {
		query.Set("limit", strconv.Itoa(wire.MaxLimit))
	}
	all, body, err := askFor[wire.AlivePage](ctx, r, request{path: wire.PathAlive, query: query})
	if err != nil || onePage || all.NextCursor == "" {
		return all, body, err
	}
	raw := new(rawPage)
	if err := raw.add(body); err != nil {
		return nil, nil, err
	}
	for all.NextCursor != "" {
		query.Set("cursor", all.NextCursor)
		page, body, err := askFor[wire.AlivePage](ctx, r, request{path: wire.PathAlive, query: query})
		if err != nil {
			return nil, nil, err
		}
		if err := raw.add(body); err != nil {
			return nil, nil, err
		}
		all.Alive, all.NextCursor = append(all.Alive, page.Alive...), page.NextCursor
	}
	body, err = json.Marshal(raw)
	return all, body, err
}

// rawPage are all pages as one, each lease with the fields that the node gave.
type rawPage struct {
	Revision uint64            `json:"revision"`
	Count    int               `json:"count"`
	Alive    []json.RawMessage `json:"alive"`
}

// add appends a page; the revision stays that of the first.
func (p *rawPage) add(body []byte) error {
	var next rawPage
	if err := json.Unmarshal(body, &next); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if p.Alive == nil {
		p.Revision = next.Revision
	}
	p.Count += next.Count
	p.Alive = append(p.Alive, next.Alive...)
	return nil
}
