package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/node"
)

// recoverCommand is rollcall cluster recover, which speaks to no cluster.
type recoverCommand struct {
	output
	confirmation
	dataDir string
}

// recovered is what it prints as JSON.
type recovered struct {
	Node         string `json:"node"`
	ClusterID    string `json:"cluster_id"`
	OldClusterID string `json:"old_cluster_id"`
	Index        uint64 `json:"index"` // of the last entry that was there
	Leases       uint64 `json:"leases"`
	Messages     uint64 `json:"messages"`
}

func newClusterRecover() *cobra.Command {
	c := &recoverCommand{}
	cmd := &cobra.Command{
		Use:   "recover --data-dir DIR",
		Short: "Make a stopped node the only voter, when a majority is lost for ever",
		Long: "Make a stopped node the only voter of a new cluster that has what the node had, when most voters of the old one\n" +
			"are lost for ever. Run it where the node's data directory is, on the node that has most (it says how far it is).\n" +
			"What only the lost ones had is gone. The others must never be started with their old data directories: empty\n" +
			"them, and they join as new. It is refused while the node runs, where its directory is damaged, and where it\n" +
			"is not needed: when a majority of the voters answers.",
		Example: "  rollcall cluster recover --data-dir /var/lib/rollcall",
		Args:    arguments(0, 0, ""),
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.run(cmd) },
	}
	c.output.flag(cmd)
	c.confirmation.flag(cmd)
	cmd.Flags().StringVar(&c.dataDir, "data-dir", "", "data directory of the stopped node")
	return cmd
}

func (c *recoverCommand) run(cmd *cobra.Command) (err error) {
	if c.dataDir == "" {
		return wrongUsage("--data-dir is not set: say whose node is to go on alone")
	}
	r, err := node.OpenRecovery(cmd.Context(), c.dataDir, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	describeRecovery(cmd.ErrOrStderr(), r)
	err = c.ask(cmd, "\nIt becomes the only voter of a new cluster. What only the others had is lost; start none of them again with its old data.")
	if err != nil {
		return err
	}
	id, err := r.Commit()
	if err != nil {
		return err
	}
	had := r.Info()
	if c.json() {
		return printJSON(cmd.OutOrStdout(), recovered{
			Node: had.Node, ClusterID: id, OldClusterID: had.ClusterID, Index: had.Index, Leases: had.Leases, Messages: had.Messages,
		})
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s is the only voter of cluster %s. Start it; then start others with empty data directories.\n", printable(had.Node), id)
	return nil
}

// describeRecovery says what a node has, and what may be lost.
func describeRecovery(w io.Writer, r *node.Recovery) {
	had := r.Info()
	last := "unknown"
	if !had.LastEntry.IsZero() {
		last = had.LastEntry.UTC().Format(time.RFC3339)
	}
	answers := "none of the others answers"
	if len(r.Answers) > 0 {
		answers = "of the others only " + strings.Join(r.Answers, ", ") + " answers: stop it"
	}
	fmt.Fprintf(w, "Node %s of cluster %s, whose voters are %s; %s.\n", printable(had.Node), printable(had.ClusterID), strings.Join(r.Voters, ", "), answers)
	fmt.Fprintf(w, "It has %d leases and %d messages at revision %d; the last entry of its log is %d of term %d, appended %s.\n",
		had.Leases, had.Messages, had.Revision, had.Index, had.Term, last)
	fmt.Fprintln(w, "Whatever was acknowledged after that entry is lost.")
}
