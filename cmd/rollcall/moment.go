package main

import (
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"
)

// moment is when in the past a question is about.
type moment struct {
	at       string
	revision uint64
}

func (m *moment) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&m.at, "at", "", "as of then: a time as in 2026-11-22T10:00:00Z, or how long ago, as in 10m")
	f.Uint64Var(&m.revision, "at-revision", 0, "as of this revision")
}

func (m *moment) given() bool { return m.at != "" || m.revision != 0 }

func (m *moment) set(q url.Values) error {
	if m.at != "" && m.revision != 0 {
		return wrongUsage("--at and --at-revision exclude each other")
	}
	if m.revision != 0 {
		q.Set("at_revision", strconv.FormatUint(m.revision, 10))
	}
	if m.at == "" {
		return nil
	}
	at, err := instantOf(m.at, time.Now())
	if err != nil {
		return err
	}
	q.Set("at", at.UTC().Format(time.RFC3339Nano))
	return nil
}

// instantOf reads a time, or how long before now it was.
func instantOf(text string, now time.Time) (time.Time, error) {
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, wrongUsage("at %q: want a time as in 2026-11-22T10:00:00Z, or how long ago, as in 10m", text)
	}
	return at, nil
}
