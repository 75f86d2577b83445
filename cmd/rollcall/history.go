package main

import (
	"io"
	"net/url"
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

func printHistory(w io.Writer, events []wire.Event) error {
	t := newTable(w, "AT", "EVENT", "SERVICE", "EPOCH", "TTL", "LAST RENEWAL", "LATE BY", "JUDGE", "REVISION")
	for i := range events {
		e := &events[i]
		ttl, renewal, late, judge := "", "", "", ""
		if c := e.Certificate; c != nil {
			ttl, renewal = milliseconds(c.TTLMS), milliseconds(int64(c.LastRenewalAgeMS))+" before"
			if c.Cause == "expired" {
				late, judge = milliseconds(int64(c.OverdueMS)), c.Judge
			}
		} else if e.Lease != nil {
			ttl = milliseconds(e.Lease.TTLMS)
		}
		t.row(instant(e.At), e.Type, e.Service, strconv.FormatUint(e.Epoch, 10), ttl, renewal, late, judge, strconv.FormatUint(e.Revision, 10))
	}
	return t.print()
}
