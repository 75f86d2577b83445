package main

import (
	"fmt"
	"io"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func newCluster() *cobra.Command {
	cmd := &cobra.Command{Use: "cluster", Short: "Look at the cluster, change its membership, save and restore it"}
	group(cmd)
	cmd.AddCommand(newClusterStatus(), newClusterRemove(), newClusterTransfer(), newClusterRelease(),
		newClusterBackup(), newClusterRestore(), newClusterRecover())
	return cmd
}

// clusterCommand is what the subcommands share.
type clusterCommand struct {
	connection
	output
}

func (c *clusterCommand) command(use, short string, args cobra.PositionalArgs, run func(*cobra.Command, *remote, []string) error) *cobra.Command {
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  args,
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := c.open()
			if err != nil {
				return err
			}
			defer r.close()
			return run(cmd, r, args)
		},
	}
	c.connection.flags(cmd)
	c.output.flag(cmd)
	return cmd
}

func newClusterStatus() *cobra.Command {
	c := &clusterCommand{}
	return c.command("status", "Show the nodes, who leads, and what gossip and Raft think of each", arguments(0, 0, ""),
		func(cmd *cobra.Command, r *remote, _ []string) error {
			status, body, err := askFor[wire.Cluster](cmd.Context(), r, request{path: wire.PathCluster})
			if err != nil {
				return err
			}
			if c.json() {
				printBody(cmd.OutOrStdout(), body)
				return nil
			}
			return printCluster(cmd.OutOrStdout(), status)
		})
}

func printCluster(w io.Writer, c *wire.Cluster) error {
	leader := c.Leader
	if leader == "" {
		leader = "none known"
	}
	fmt.Fprintf(w, "cluster %s, leader %s, term %d, revision %d\n\n", printable(c.ClusterID), printable(leader), c.Term, c.Revision)
	t := newTable(w, "NODE", "ROLE", "GOSSIP", "HTTP", "RAFT", "APPLIED", "LAST CONTACT", "VERSION")
	for _, n := range c.Nodes {
		t.row(n.ID, n.Role, n.Gossip, n.HTTPAddr, n.RaftAddr, strconv.FormatUint(n.Applied, 10), contact(n.LastContactMS), n.Version)
	}
	if err := t.print(); err != nil {
		return err
	}
	return printHolds(w, c.Protection.Holds)
}

// printHolds tells who is held, if anybody is.
func printHolds(w io.Writer, holds []wire.Held) error {
	if len(holds) == 0 {
		return nil
	}
	fmt.Fprint(w, "\nheld, not buried, because too many fell silent at once (rollcall cluster release ends it):\n\n")
	t := newTable(w, "NAMESPACE", "SERVICE", "HELD", "SINCE", "ENDS IN", "REASON")
	for _, h := range holds {
		t.row(h.NS, h.Service, strconv.Itoa(h.Held), milliseconds(h.SinceMS)+" ago", milliseconds(h.EndsMS), h.Reason)
	}
	return t.print()
}

func contact(ms int64) string {
	if ms >= wire.Unknown {
		return "unknown"
	}
	return milliseconds(ms) + " ago"
}

func newClusterRemove() *cobra.Command {
	c := &clusterCommand{}
	return c.command("remove NODE", "Take a node that will not come back out of the cluster", arguments(1, 1, "NODE"),
		func(cmd *cobra.Command, r *remote, args []string) error {
			body, _, err := r.ask(cmd.Context(), request{method: "DELETE", path: wire.PathCluster + "/nodes/" + url.PathEscape(args[0])})
			return c.done(cmd, body, err, "%s is removed.\n", args[0])
		})
}

func newClusterTransfer() *cobra.Command {
	c := &clusterCommand{}
	return c.command("transfer", "Let another voter lead", arguments(0, 0, ""),
		func(cmd *cobra.Command, r *remote, _ []string) error {
			body, _, err := r.ask(cmd.Context(), request{method: "POST", path: wire.PathCluster + "/transfer"})
			return c.done(cmd, body, err, "Leadership is handed over.\n")
		})
}

func newClusterRelease() *cobra.Command {
	c := &clusterCommand{}
	var service string
	cmd := c.command("release", "Bury the held leases of a namespace (--ns) or a service as others are", arguments(0, 0, ""),
		func(cmd *cobra.Command, r *remote, _ []string) error {
			query := url.Values{}
			setUnlessEmpty(query, "service", service)
			released, body, err := askFor[wire.Released](cmd.Context(), r, request{method: "POST", path: wire.PathRelease, query: query})
			if err != nil {
				return err
			}
			return c.done(cmd, body, nil, "Leases that are held no longer: %d.\n", released.Released)
		})
	cmd.Flags().StringVar(&service, "service", "", "only of this service")
	return cmd
}

func (c *clusterCommand) done(cmd *cobra.Command, body []byte, err error, said string, args ...any) error {
	if err != nil {
		return err
	}
	if c.json() {
		printBody(cmd.OutOrStdout(), body)
		return nil
	}
	fmt.Fprintf(cmd.OutOrStdout(), said, args...)
	return nil
}
