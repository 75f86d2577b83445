package main

import (
	"fmt"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/clientsdk"
)

// healthcheckCommand asks the node beside it, for containers that have no
// other program to do so.
type healthcheckCommand struct {
	connection
	ready, live bool
}

func newHealthcheck() *cobra.Command {
	var c healthcheckCommand
	cmd := &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask the node on this host whether it is ready (or, with --live, whether it answers); exit code 0 or 1",
		Args:  arguments(0, 0, ""),
		RunE:  func(cmd *cobra.Command, _ []string) error { return c.run(cmd) },
	}
	c.connection.flags(cmd)
	f := cmd.Flags()
	f.BoolVar(&c.ready, "ready", false, "ask /readyz: a leader is known and this node has caught up (the default)")
	f.BoolVar(&c.live, "live", false, "ask /healthz: the process answers")
	c.timeout = 2 * time.Second
	f.Lookup("timeout").DefValue = c.timeout.String()
	return cmd
}

func (c *healthcheckCommand) run(cmd *cobra.Command) error {
	if c.ready && c.live {
		return wrongUsage("--ready and --live exclude each other")
	}
	if own := ownEndpoint(os.Getenv("ROLLCALL_HTTP_ADDR")); own != "" && !cmd.Flags().Changed("addr") {
		c.addr = []string{own}
	}
	config := c.config()
	config.Retry.Tries = 1
	config.DialTimeout = c.timeout
	return c.ask(cmd, config)
}

func (c *healthcheckCommand) ask(cmd *cobra.Command, config clientsdk.Config) error {
	r, err := openRemote(config)
	if err != nil {
		return err
	}
	defer r.close()
	path := "/readyz"
	if c.live {
		path = "/healthz"
	}
	if _, _, err := r.ask(cmd.Context(), request{path: path}); err != nil {
		// One code for every failure: a container engine knows no others.
		return &exitError{exitFailed, err}
	}
	fmt.Fprintln(cmd.OutOrStdout(), "ok")
	return nil
}

// ownEndpoint turns the address that the node beside was told to bind into one
// that reaches it.
func ownEndpoint(bound string) string {
	host, port, err := net.SplitHostPort(bound)
	if err != nil {
		return ""
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}
