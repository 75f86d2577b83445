package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/clientsdk"
)

// Exit codes of the contract.
const (
	exitDone     = 0
	exitFailed   = 1
	exitUsage    = 2
	exitNotAlive = 3
	exitNoQuorum = 4
)

// exitError gives an error its exit code. With a nil err there is nothing more
// to say.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// wrongUsage is an error in what was asked for, not in doing it.
func wrongUsage(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

func notAlive(format string, args ...any) error {
	return &exitError{exitNotAlive, fmt.Errorf(format, args...)}
}

// report says what went wrong, if there is more to say than the exit code, and
// returns the latter.
func report(w io.Writer, err error) int {
	var exit *exitError
	if err != nil && (!errors.As(err, &exit) || exit.err != nil) {
		fmt.Fprintln(w, "rollcall:", err)
		if clientsdk.IsUnreachable(err) {
			fmt.Fprintln(w, "Is a node running? rollcall dev starts one here; ROLLCALL_ADDR or --addr say where others are.")
		}
	}
	return exitCode(err)
}

func exitCode(err error) int {
	var (
		exit    *exitError
		problem *wire.Problem
	)
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &exit):
		return exit.code
	case errors.As(err, &problem) && problem.Code == wire.CodeNoLeader:
		return exitNoQuorum
	case problem != nil && (problem.Status == http.StatusNotFound || problem.Status == http.StatusGone):
		return exitNotAlive
	default:
		return exitFailed
	}
}

// arguments checks how many arguments there are; usage names them as in
// "ID [SERVICE]".
func arguments(least, most int, usage string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) >= least && len(args) <= most {
			return nil
		}
		want := "no argument"
		if usage != "" {
			want = usage
		}
		return wrongUsage("%s wants %s, got %d arguments; see %s --help", cmd.CommandPath(), want, len(args), cmd.CommandPath())
	}
}

// group makes a command one that only holds others, and all wrong usage below
// it an exit code of its own.
func group(cmd *cobra.Command) {
	cmd.SetFlagErrorFunc(func(at *cobra.Command, err error) error {
		return wrongUsage("%w; see %s --help", err, at.CommandPath())
	})
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownCommand(cmd, args[0])
		}
		cmd.SetOut(cmd.ErrOrStderr())
		_ = cmd.Help()
		return &exitError{code: exitUsage}
	}
}

func unknownCommand(cmd *cobra.Command, name string) error {
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		return wrongUsage("unknown command %q: did you mean %s?", name, strings.Join(near, " or "))
	}
	return wrongUsage("unknown command %q; see %s --help", name, cmd.CommandPath())
}
