package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/clientsdk"
)

// restoreCommand is rollcall cluster restore.
type restoreCommand struct {
	clusterCommand
	confirmation
	force bool
}

func newClusterRestore() *cobra.Command {
	c := &restoreCommand{}
	cmd := c.command("restore FILE", "Make a backup the state of the cluster, in place of all that it has", arguments(1, 1, "FILE"),
		func(cmd *cobra.Command, r *remote, args []string) error { return c.run(cmd, r, args[0]) })
	cmd.Long = "Make a backup the state of the cluster. Everybody in it is alive again, with a fresh TTL, under the epoch of then;\n" +
		"what came after it is gone. Revisions, epochs and offsets go on beyond all that were ever given, and every watch\n" +
		"begins anew. The file is checked first, here and by the node, and nothing changes if it is not whole."
	c.confirmation.flag(cmd)
	cmd.Flags().BoolVar(&c.force, "force", false, "take a backup of another cluster")
	return cmd
}

func (c *restoreCommand) run(cmd *cobra.Command, r *remote, name string) error {
	b, err := checkBackupFile(name)
	if err != nil {
		return err
	}
	if err := printBackup(cmd.ErrOrStderr(), &b); err != nil {
		return err
	}
	now, _, err := askFor[wire.Cluster](cmd.Context(), r, request{path: wire.PathCluster})
	if err != nil {
		return err
	}
	err = c.ask(cmd, "\nThis takes the place of all that cluster %s has, which is at revision %d on %d nodes.", printable(now.ClusterID), now.Revision, len(now.Nodes))
	if err != nil {
		return err
	}
	body, err := c.send(cmd, r, name, b.Bytes)
	if err != nil {
		return err
	}
	var got wire.Restored
	if err := json.Unmarshal(body, &got); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return c.done(cmd, body, nil, "Restored: %d leases and %d messages; the cluster goes on at revision %d.\n",
		got.Backup.Leases, got.Backup.Messages, got.Revision)
}

// send uploads a file and returns the answer's body.
func (c *restoreCommand) send(cmd *cobra.Command, r *remote, name string, size int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	query := url.Values{}
	if c.force {
		query.Set("force", "true")
	}
	p := newTransferProgress(cmd.ErrOrStderr(), size)
	open := func() (io.Reader, error) {
		p.done = 0
		return io.TeeReader(io.NewSectionReader(f, 0, size), p), nil
	}
	answer, _, err := r.Bulk(cmd.Context(), "POST", wire.PathRestore, query, &clientsdk.Body{Media: wire.TypeBackup, Size: size, Open: open})
	p.end()
	if cause := context.Cause(cmd.Context()); cause != nil {
		return nil, fmt.Errorf("%w: the backup may yet be restored", cause)
	}
	if err != nil {
		return nil, err
	}
	defer answer.Close()
	return io.ReadAll(answer)
}
