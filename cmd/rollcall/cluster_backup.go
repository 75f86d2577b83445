package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/cmd/internal/node"
)

// standardOutput stands for it as a file.
const standardOutput = "-"

// backupCommand is rollcall cluster backup.
type backupCommand struct {
	clusterCommand
	verify      bool
	consistency string
}

func newClusterBackup() *cobra.Command {
	c := &backupCommand{}
	cmd := c.command("backup FILE|-", "Save all that the cluster has in a file, or check such a file", arguments(1, 1, "FILE, or - for standard output"),
		func(cmd *cobra.Command, r *remote, args []string) error {
			if c.verify {
				return c.check(cmd, args[0])
			}
			return c.save(cmd, r, args[0])
		})
	cmd.Long = "Save a consistent copy of all that the cluster has: leases, certificates, events and messages. The file appears\n" +
		"under its name when it is whole, on the disk and checked."
	cmd.Flags().BoolVar(&c.verify, "verify", false, "only check a file, wholly and without a cluster")
	cmd.Flags().StringVar(&c.consistency, "consistency", "linearizable", "local takes what a node has that reaches no quorum")
	return cmd
}

func (c *backupCommand) check(cmd *cobra.Command, name string) error {
	b, err := checkBackupFile(name)
	if err != nil {
		return err
	}
	return c.tell(cmd, &b)
}

// tell says what a backup holds.
func (c *clusterCommand) tell(cmd *cobra.Command, b *wire.Backup) error {
	if c.json() {
		return printJSON(cmd.OutOrStdout(), b)
	}
	return printBackup(cmd.OutOrStdout(), b)
}

func printBackup(w io.Writer, b *wire.Backup) error {
	t := newTable(w, "CLUSTER", "MADE", "BY", "REVISION", "LEASES", "MESSAGES", "SIZE")
	t.row(b.ClusterID, b.MadeAt.Time().Format(time.RFC3339), b.Node, strconv.FormatUint(b.Revision, 10),
		strconv.FormatUint(b.Leases, 10), strconv.FormatUint(b.Messages, 10), byteSize(b.Bytes))
	return t.print()
}

func byteSize(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}

// checkBackupFile reads all of a backup.
func checkBackupFile(name string) (wire.Backup, error) {
	f, err := os.Open(name)
	if err != nil {
		return wire.Backup{}, err
	}
	defer f.Close()
	b, err := node.CheckBackup(f)
	if err != nil {
		return wire.Backup{}, fmt.Errorf("%s: %w", name, err)
	}
	return b, nil
}

func (c *backupCommand) save(cmd *cobra.Command, r *remote, name string) error {
	query := url.Values{"consistency": {c.consistency}}
	body, header, err := r.Bulk(cmd.Context(), "GET", wire.PathSnapshot, query, nil)
	if err != nil {
		return err
	}
	defer body.Close()
	size, _ := strconv.ParseInt(header.Get("Content-Length"), 10, 64)
	if name == standardOutput {
		return copyAll(cmd, cmd.OutOrStdout(), body, size)
	}
	b, err := saveBackup(cmd, name, body, size)
	if err != nil {
		return err
	}
	return c.tell(cmd, &b)
}

// saveBackup writes a backup beside its name, and gives it that when it is on the
// disk and whole.
func saveBackup(cmd *cobra.Command, name string, body io.Reader, size int64) (wire.Backup, error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*.part")
	if err != nil {
		return wire.Backup{}, err
	}
	b, err := fillBackup(cmd, f, body, size)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return b, errors.Join(fmt.Errorf("no backup was saved: %w", err), os.Remove(f.Name()))
	}
	return b, syncDirectory(filepath.Dir(name))
}

func fillBackup(cmd *cobra.Command, f *os.File, body io.Reader, size int64) (wire.Backup, error) {
	if err := copyAll(cmd, f, body, size); err != nil {
		return wire.Backup{}, err
	}
	if err := f.Sync(); err != nil {
		return wire.Backup{}, err
	}
	return node.CheckBackup(f)
}

// syncDirectory makes the names in a directory durable, where the system can.
func syncDirectory(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

// copyAll copies a stream of a known size and shows how far it is.
func copyAll(cmd *cobra.Command, w io.Writer, r io.Reader, size int64) error {
	p := newTransferProgress(cmd.ErrOrStderr(), size)
	n, err := io.Copy(w, io.TeeReader(r, p))
	p.end()
	if cause := context.Cause(cmd.Context()); cause != nil && err != nil {
		return cause
	}
	if err == nil && n != size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return fmt.Errorf("after %d of %d bytes: %w", n, size, err)
	}
	return nil
}
