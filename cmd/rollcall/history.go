package main

import (
	"io"
	"net/url"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// historyCommand lists what happened to an id.
type historyCommand struct {
	connection
	output
	consistency
	limit int
}

func newHistory() *cobra.Command {
	var c historyCommand
	cmd := &cobra.Command{
		Use:   "history ID",
		Short: "List what happened to an id, newest first, over all its epochs",
		Long: "List what happened to an id, newest first, over all its epochs, with the cause of each end and how late it was\n" +
			"noticed, for as far back as the cluster keeps events. Exit code 3 when nothing is known of the id.",
		Example: "  rollcall history web-1\n  rollcall history web-1 --limit 1000 -o json",
		Args:    arguments(1, 1, "ID"),
		RunE:    func(cmd *cobra.Command, args []string) error { return c.run(cmd, args[0]) },
	}
	c.connection.flags(cmd)
	c.output.flag(cmd)
	c.consistency.flags(cmd)
	cmd.Flags().IntVar(&c.limit, "limit", wire.DefaultLimit, "at most so many events, 1 to 1000")
	return cmd
}

func (c *historyCommand) run(cmd *cobra.Command, id string) error {
	r, err := c.open()
	if err != nil {
		return err
	}
	defer r.close()
	query := url.Values{"limit": {strconv.Itoa(c.limit)}}
	c.consistency.set(query)
	page, body, err := askFor[wire.HistoryPage](cmd.Context(), r, request{path: leasePath(id, "/history"), query: query})
	if err != nil {
		return err
	}
	if c.json() {
		printBody(cmd.OutOrStdout(), body)
		return nil
	}
	return printHistory(cmd.OutOrStdout(), page.Events)
}

// printHistory has a column for the service only where it is not the same in
// all events.
func printHistory(w io.Writer, events []wire.Event) error {
	columns := []string{"AT (UTC)", "EVENT", "EPOCH", "TTL", "SILENT", "LATE", "JUDGE", "REVISION"}
	moved := slices.ContainsFunc(events, func(e wire.Event) bool { return e.Service != events[0].Service })
	if moved {
		columns = append(columns, "SERVICE")
	}
	t := newTable(w, columns...)
	for i := range events {
		row := historyRow(&events[i])
		if moved {
			row = append(row, events[i].Service)
		}
		t.row(row...)
	}
	return t.print()
}

// historyRow tells of an end how long nothing had been heard, and of an expiry
// how late it was and by whom.
func historyRow(e *wire.Event) []string {
	ttl, silent, late, judge := "", "", "", ""
	switch c := e.Certificate; {
	case c != nil:
		ttl, silent = milliseconds(c.TTLMS), milliseconds(int64(c.LastRenewalAgeMS))
		if c.Cause == "expired" {
			late, judge = milliseconds(int64(c.OverdueMS)), c.Judge
		}
	case e.Lease != nil:
		ttl = milliseconds(e.Lease.TTLMS)
	}
	return []string{
		e.At.Time().Format(instantLayout), e.Type, strconv.FormatUint(e.Epoch, 10),
		ttl, silent, late, judge, strconv.FormatUint(e.Revision, 10),
	}
}
