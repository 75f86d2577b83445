package main

import (
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

type whyCommand struct {
	connection
	output
	consistency
}

func newWhy() *cobra.Command {
	var c whyCommand
	cmd := &cobra.Command{
		Use:   "why ID",
		Short: "Say in plain words why an id is alive, or why it is not",
		Long: "Say in plain words why an id is alive, or why it is not: from the lease, or from the certificate of its end for\n" +
			"as long as that is kept, and how it fared of late from its history. Exit code 3 when nothing is known of the id.",
		Example: "  rollcall why web-1",
		Args:    arguments(1, 1, "ID"),
		RunE:    func(cmd *cobra.Command, args []string) error { return c.run(cmd, args[0]) },
	}
	c.connection.flags(cmd)
	c.output.flag(cmd)
	c.consistency.flags(cmd)
	return cmd
}

func (c *whyCommand) run(cmd *cobra.Command, id string) error {
	r, err := c.open()
	if err != nil {
		return err
	}
	defer r.close()
	query := url.Values{}
	c.consistency.set(query)
	l, body, err := askFor[wire.Lease](cmd.Context(), r, request{path: leasePath(id, ""), query: query})
	if err != nil {
		return err
	}
	if c.json() {
		printBody(cmd.OutOrStdout(), body)
		return nil
	}
	explain(cmd.OutOrStdout(), l, c.past(cmd, r, id))
	return nil
}

// past returns what is known of earlier events. A token that may not read them
// is no reason to say nothing.
func (c *whyCommand) past(cmd *cobra.Command, r *remote, id string) []wire.Event {
	query := url.Values{"limit": {strconv.Itoa(whyEvents)}}
	page, _, err := askFor[wire.HistoryPage](cmd.Context(), r, request{path: leasePath(id, "/history"), query: query})
	if err != nil {
		return nil
	}
	return page.Events
}

func explain(w io.Writer, l *wire.Lease, past []wire.Event) {
	lines := explainLife(l)
	if l.Certificate != nil {
		lines = explainEnd(l.Certificate)
	}
	lines = append(lines, explainPast(past)...)
	fmt.Fprintln(w, printable(lines[0]))
	for _, line := range lines[1:] {
		fmt.Fprintln(w, " ", printable(line))
	}
}

func explainLife(l *wire.Lease) []string {
	lines := []string{l.ID + " is " + l.State + "."}
	if l.HeldReason != "" {
		lines = append(lines, "It is past its TTL, but the cluster does not bury it now: "+l.HeldReason+".")
	}
	lines = append(lines,
		fmt.Sprintf("Epoch %d was granted at %s with a TTL of %s.", l.Epoch, instant(l.GrantedAt), milliseconds(l.TTLMS)),
		lastRenewal(l))
	if l.Missed > 0 {
		lines = append(lines, fmt.Sprintf("It left out %s.", count(l.Missed, "sequence number")))
	}
	if l.Late {
		lines = append(lines, "On the answering node its TTL has passed; only the leader decides.")
	}
	if l.Flapping {
		lines = append(lines, "It has come and gone often of late.")
	}
	return lines
}

func lastRenewal(l *wire.Lease) string {
	if l.Renewals == 0 {
		return "It was not renewed yet; " + unlessRenewed(l, "it is")
	}
	return fmt.Sprintf("It was renewed %s, last with seq %d %s ago; %s",
		times(l.Renewals), l.Seq, milliseconds(sinceRenewal(l)), unlessRenewed(l, "it is again"))
}

func unlessRenewed(l *wire.Lease, renewed string) string {
	if l.ExpiresInMS < 0 {
		return "its TTL was over " + milliseconds(-l.ExpiresInMS) + " ago."
	}
	return fmt.Sprintf("unless %s, it ends in %s.", renewed, milliseconds(l.ExpiresInMS))
}

func explainEnd(c *wire.Certificate) []string {
	lines := []string{c.ID + " is not alive: " + causes[c.Cause] + "."}
	if causes[c.Cause] == "" {
		lines[0] = c.ID + " is not alive: " + c.Cause + "."
	}
	lines = append(lines, fmt.Sprintf("Epoch %d ended at %s, revision %d.", c.Epoch, instant(c.At), c.Revision))
	if c.LastSeq == 0 {
		lines = append(lines, fmt.Sprintf("It was never renewed in the %s since its grant.", milliseconds(int64(c.LastRenewalAgeMS))))
	} else {
		lines = append(lines, fmt.Sprintf("Its last renewal, seq %d, was %s before that.", c.LastSeq, milliseconds(int64(c.LastRenewalAgeMS))))
	}
	if c.Cause == "expired" {
		lines = append(lines, explainExpiry(c)...)
	}
	if c.Missed > 0 {
		lines = append(lines, fmt.Sprintf("It had left out %s before.", count(c.Missed, "sequence number")))
	}
	return lines
}

func explainExpiry(c *wire.Certificate) []string {
	lines := []string{fmt.Sprintf("Its TTL was %s; node %s, leader of term %d, buried it %s after that had passed.",
		milliseconds(c.TTLMS), c.Judge, c.Term, milliseconds(int64(c.OverdueMS)))}
	if c.JudgeStallMS == 0 {
		return append(lines, "That node itself had run without a stall meanwhile.")
	}
	return append(lines, fmt.Sprintf("That node had itself not run for %s, which was not counted against the lease.", milliseconds(int64(c.JudgeStallMS))))
}

var causes = map[string]string{
	"expired":  "it fell silent and expired",
	"left":     "it left by itself",
	"evicted":  "an operator evicted it",
	"replaced": "a newer registration of the same id replaced it",
}

// instantLayout is how a time is told, which is UTC always.
const instantLayout = "2006-01-02 15:04:05.000"

func instant(t wire.Time) string {
	return t.Time().Format(instantLayout) + " " + time.UTC.String()
}

// times says how often something was.
func times(n uint64) string {
	if n == 1 {
		return "once"
	}
	return count(n, "times")
}

func count(n uint64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %s", n, strings.TrimSuffix(noun, "s")+"s")
}
