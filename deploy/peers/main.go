// Command peers does the same work against rollcall, etcd and Redis, one after
// another on this machine, and writes what it measured into the table of
// docs/benchmarks.md.
//
// It is a module of its own, so that rollcall does not depend on the clients of
// others. It starts and ends every server itself, knows nothing about how
// rollcall is built, and runs on Linux only: it reads /proc.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == yardArgument {
		serveYardsticks(os.Args[2])
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case err == nil:
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}
