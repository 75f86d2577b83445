// Command rollcall is the presence registry: the node, its clients and its
// tools in one binary. Each subcommand has a file of its own.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() { os.Exit(program(os.Args[1:], os.Stdout, os.Stderr)) }

// program runs one command line and returns its exit code. The first SIGINT or
// SIGTERM ends the command's context, a second one the process.
func program(args []string, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errOut)
	return report(errOut, root.ExecuteContext(ctx))
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "rollcall",
		Short: "Who is alive: a registry of leases that a cluster keeps",
		Long: "rollcall tells who is alive. What is present holds a lease and renews it; a Raft cluster keeps the leases,\n" +
			"buries the silent on time and never the living.\n\n" +
			"Clients find the cluster by ROLLCALL_ADDR (comma-separated endpoints, http://127.0.0.1:7700 unless set).\n" +
			"Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found or not alive, 4 no quorum.",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	group(root)
	root.AddCommand(
		newDev(), newServer(), newRun(),
		newAlive(), newServices(), newWatch(), newWhy(), newHistory(),
		newRegister(), newHeartbeat(), newLeave(), newDrain(), newEvict(),
		newSend(), newRecv(), newMailbox(),
		newCluster(), newDoctor(), newBench(), newHealthcheck(), newVersion(),
	)
	return root
}
