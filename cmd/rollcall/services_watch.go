package main

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/clientsdk"
)

// follow shows text, which is of a revision, and what becomes of it until
// Ctrl-C. The watch begins after that revision, so that it needs no list of who
// is alive.
func (c *servicesCommand) follow(cmd *cobra.Command, r *remote, query url.Values, text []byte, revision uint64) error {
	s := sheet{cmd: cmd, terminal: isTerminal(cmd.OutOrStdout()), lines: c.json()}
	if err := s.show(text); err != nil {
		return err
	}
	return r.hear(cmd, clientsdk.WatchQuery{After: &revision}, func(ctx context.Context, heard <-chan uint64) error {
		for {
			select {
			case revision = <-heard:
			case <-ctx.Done():
				return nil
			}
			pause(ctx, drawGather)
			query.Set("min_revision", strconv.FormatUint(newest(heard, revision), 10))
			if err := c.redraw(ctx, r, query, &s); err != nil {
				return err
			}
		}
	})
}

// newest is what was heard meanwhile, if anything.
func newest(heard <-chan uint64, revision uint64) uint64 {
	select {
	case revision = <-heard:
	default:
	}
	return revision
}

// redraw asks and shows, through spells without a quorum or a node.
func (c *servicesCommand) redraw(ctx context.Context, r *remote, query url.Values, s *sheet) error {
	for ctx.Err() == nil {
		text, _, err := c.ask(ctx, r, query)
		switch {
		case err == nil:
			return s.show(text)
		case ctx.Err() != nil:
			return nil
		case !clientsdk.IsRetryable(err):
			return err
		}
		fmt.Fprintln(s.cmd.ErrOrStderr(), "rollcall: trying again:", err)
		pause(ctx, time.Second)
	}
	return nil
}

// sheet shows a text that changes: a terminal is cleared for each, elsewhere an
// empty line stands between them, unless each is a line.
type sheet struct {
	cmd      *cobra.Command
	terminal bool
	lines    bool
	last     []byte
}

// show prints a text, unless it is what was shown last.
func (s *sheet) show(text []byte) error {
	again := s.last != nil
	if again && bytes.Equal(s.last, text) {
		return nil
	}
	s.last = text
	w := s.cmd.OutOrStdout()
	if s.terminal && !s.lines {
		return drawScreen(w, string(text))
	}
	if again && !s.lines {
		text = append([]byte{'\n'}, text...)
	}
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
