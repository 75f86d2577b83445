package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// servicesCommand counts who is alive in each service.
type servicesCommand struct {
	connection
	output
	consistency
	watch bool
}

func newServices() *cobra.Command {
	var c servicesCommand
	cmd := &cobra.Command{
		Use:   "services",
		Short: "List the services and how many of each are alive",
		Long: "List the services and how many of each are alive.\n" +
			"With --watch it goes on until Ctrl-C: a terminal shows the table as it changes, else each change prints it.",
		Example: "  rollcall services\n  rollcall services --watch",
		Args:    arguments(0, 0, ""),
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.run(cmd) },
	}
	c.connection.flags(cmd)
	c.output.flag(cmd)
	c.consistency.flags(cmd)
	cmd.Flags().BoolVar(&c.watch, "watch", false, "go on until Ctrl-C, and show what changes")
	return cmd
}

func (c *servicesCommand) run(cmd *cobra.Command) error {
	r, err := c.open()
	if err != nil {
		return err
	}
	defer r.close()
	query := url.Values{"limit": {strconv.Itoa(wire.MaxLimit)}}
	c.consistency.set(query)
	text, revision, err := c.ask(cmd.Context(), r, query)
	if err != nil {
		return err
	}
	if c.watch {
		return c.follow(cmd, r, query, text, revision)
	}
	_, err = cmd.OutOrStdout().Write(text)
	return err
}

// ask returns what is to be printed, all pages as one, and the revision from
// which on it may be out of date.
func (c *servicesCommand) ask(ctx context.Context, r *remote, query url.Values) (text []byte, revision uint64, err error) {
	var all wire.ServicesPage
	query.Del("cursor")
	for first := true; first || all.NextCursor != ""; first = false {
		setUnlessEmpty(query, "cursor", all.NextCursor)
		body, header, err := r.ask(ctx, request{path: wire.PathServices, query: query})
		if err != nil {
			return nil, 0, err
		}
		var page wire.ServicesPage
		if err := json.Unmarshal(body, &page); err != nil {
			return nil, 0, fmt.Errorf("read the answer: %w", err)
		}
		if first && c.json() && page.NextCursor == "" {
			return append(bytes.TrimSpace(body), '\n'), revisionOf(header), nil
		}
		if first {
			revision = revisionOf(header)
		}
		all.Services, all.NextCursor = append(all.Services, page.Services...), page.NextCursor
	}
	var b bytes.Buffer
	err = c.print(&b, &all)
	return b.Bytes(), revision, err
}

// revisionOf is that of a read's answer, 0 where something in between lost it.
func revisionOf(header http.Header) uint64 {
	revision, _ := strconv.ParseUint(header.Get(wire.HeaderRevision), 10, 64)
	return revision
}

func (c *servicesCommand) print(w io.Writer, all *wire.ServicesPage) error {
	if c.json() {
		return printJSON(w, all)
	}
	t := newTable(w, "SERVICE", "ALIVE", "DRAINING", "HELD")
	for _, s := range all.Services {
		t.row(s.Service, strconv.Itoa(s.Alive), strconv.Itoa(s.Draining), strconv.Itoa(s.Held))
	}
	return t.print()
}
