package main

import (
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

type servicesCommand struct {
	connection
	output
	consistency
}

func newServices() *cobra.Command {
	var c servicesCommand
	cmd := &cobra.Command{
		Use:   "services",
		Short: "List the services and how many of each are alive",
		Args:  arguments(0, 0, ""),
		RunE:  func(cmd *cobra.Command, _ []string) error { return c.run(cmd) },
	}
	c.connection.flags(cmd)
	c.output.flag(cmd)
	c.consistency.flags(cmd)
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
	var all wire.ServicesPage
	for first := true; first || all.NextCursor != ""; first = false {
		setUnlessEmpty(query, "cursor", all.NextCursor)
		page, body, err := askFor[wire.ServicesPage](cmd.Context(), r, request{path: wire.PathServices, query: query})
		if err != nil {
			return err
		}
		if first && c.json() && page.NextCursor == "" {
			printBody(cmd.OutOrStdout(), body)
			return nil
		}
		all.Services, all.NextCursor = append(all.Services, page.Services...), page.NextCursor
	}
	if c.json() {
		return printJSON(cmd.OutOrStdout(), all)
	}
	t := newTable(cmd.OutOrStdout(), "SERVICE", "ALIVE", "DRAINING", "HELD")
	for _, s := range all.Services {
		t.row(s.Service, strconv.Itoa(s.Alive), strconv.Itoa(s.Draining), strconv.Itoa(s.Held))
	}
	return t.print()
}
