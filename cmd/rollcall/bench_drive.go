package main

import (
	"crypto/rand"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/clientsdk"
	"github.com/seed-b4c92e43/rollcall/cmd/internal/loadgen"
)

// drive is what every kind of load has in common: where it goes, and how its
// result is told.
type drive struct {
	connection
	output
	endpoints []string
}

func (d *drive) flags(cmd *cobra.Command) {
	d.connection.flags(cmd)
	d.output.flag(cmd)
	cmd.Flags().StringSliceVar(&d.endpoints, "endpoints", nil, "endpoints to spread the connections over (those of --addr unless set)")
}

func (d *drive) target() loadgen.Target {
	t := loadgen.Target{Endpoints: d.endpoints, NS: d.ns, Timeout: d.timeout, Token: os.Getenv(clientsdk.EnvToken)}
	if len(t.Endpoints) == 0 {
		t.Endpoints = d.addr
	}
	t.Prefix = benchPrefix()
	return t
}

// benchPrefix is one of a run's own: two runs at once do not meet.
func benchPrefix() string { return "bench-" + strings.ToLower(rand.Text()[:8]) + "-" }

// driven runs a load with its progress on standard error, prints what it
// measured, and fails where that was no success.
func driven[R interface{ Failed() error }](cmd *cobra.Command, d *drive, run func(loadgen.Target) (R, error), print func(io.Writer, R) error) error {
	return shown(cmd, &d.output, func(watch func(loadgen.Progress)) (R, error) {
		target := d.target()
		target.Watch = watch
		return run(target)
	}, print)
}

// shown does the same for a load that has its own nodes.
func shown[R interface{ Failed() error }](cmd *cobra.Command, o *output, run func(watch func(loadgen.Progress)) (R, error), print func(io.Writer, R) error) error {
	show := newProgress(cmd.ErrOrStderr(), isTerminal(cmd.ErrOrStderr()))
	result, err := run(show.update)
	show.finish()
	if errors.Is(err, loadgen.ErrConfig) {
		return &exitError{exitUsage, err}
	}
	if err != nil {
		return err
	}
	if o.json() {
		err = printJSON(cmd.OutOrStdout(), result)
	} else {
		err = print(cmd.OutOrStdout(), result)
	}
	return errors.Join(err, result.Failed())
}
