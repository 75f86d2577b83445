package raftstore

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"slices"

	"github.com/hashicorp/go-hclog"
)

// raftLogger lets Raft log through slog.
type raftLogger struct {
	slog *slog.Logger
	name string
	args []any // implied
}

var _ hclog.Logger = (*raftLogger)(nil)

func newRaftLogger(l *slog.Logger) *raftLogger { return &raftLogger{slog: l, name: "raft"} }

// slogLevel maps a level. What Raft calls information (each election, each
// snapshot) stays so; its debugging and tracing are one.
func slogLevel(l hclog.Level) slog.Level {
	switch {
	case l <= hclog.Debug:
		return slog.LevelDebug
	case l == hclog.Info:
		return slog.LevelInfo
	case l == hclog.Warn:
		return slog.LevelWarn
	}
	return slog.LevelError
}

// Log logs at a level.
func (l *raftLogger) Log(level hclog.Level, msg string, args ...any) {
	if !l.enabled(level) {
		return
	}
	all := slices.Concat([]any{"component", l.name}, l.args, args)
	for i, a := range all {
		if f, ok := a.(hclog.Format); ok && len(f) > 0 {
			all[i] = formatted(f)
		}
	}
	l.slog.Log(context.Background(), slogLevel(level), msg, all...)
}

// formatted renders hclog.Fmt("%+v", x).
func formatted(f hclog.Format) string {
	layout, ok := f[0].(string)
	if !ok {
		return fmt.Sprint(f...)
	}
	return fmt.Sprintf(layout, f[1:]...)
}

func (l *raftLogger) enabled(level hclog.Level) bool {
	return l.slog.Enabled(context.Background(), slogLevel(level))
}

// Trace logs for debugging.
func (l *raftLogger) Trace(msg string, args ...any) { l.Log(hclog.Trace, msg, args...) }

// Debug logs for debugging.
func (l *raftLogger) Debug(msg string, args ...any) { l.Log(hclog.Debug, msg, args...) }

// Info logs what an operator may want to know.
func (l *raftLogger) Info(msg string, args ...any) { l.Log(hclog.Info, msg, args...) }

// Warn logs what an operator should look at.
func (l *raftLogger) Warn(msg string, args ...any) { l.Log(hclog.Warn, msg, args...) }

// Error logs what went wrong.
func (l *raftLogger) Error(msg string, args ...any) { l.Log(hclog.Error, msg, args...) }

// IsTrace says whether tracing is logged.
func (l *raftLogger) IsTrace() bool { return l.enabled(hclog.Trace) }

// IsDebug says whether debugging is logged.
func (l *raftLogger) IsDebug() bool { return l.enabled(hclog.Debug) }

// IsInfo says whether information is logged.
func (l *raftLogger) IsInfo() bool { return l.enabled(hclog.Info) }

// IsWarn says whether warnings are logged.
func (l *raftLogger) IsWarn() bool { return l.enabled(hclog.Warn) }

// IsError says whether errors are logged.
func (l *raftLogger) IsError() bool { return l.enabled(hclog.Error) }

// ImpliedArgs returns what With added.
func (l *raftLogger) ImpliedArgs() []any { return l.args }

// With returns a logger that adds args to each message.
func (l *raftLogger) With(args ...any) hclog.Logger {
	return &raftLogger{slog: l.slog, name: l.name, args: slices.Concat(l.args, args)}
}

// Name returns the name.
func (l *raftLogger) Name() string { return l.name }

// Named returns a logger for a part.
func (l *raftLogger) Named(name string) hclog.Logger { return l.ResetNamed(l.name + "." + name) }

// ResetNamed returns a logger of that name.
func (l *raftLogger) ResetNamed(name string) hclog.Logger {
	return &raftLogger{slog: l.slog, name: name, args: l.args}
}

// SetLevel does nothing: the handler of the slog.Logger decides.
func (l *raftLogger) SetLevel(hclog.Level) {}

// GetLevel returns the lowest level that is logged.
func (l *raftLogger) GetLevel() hclog.Level {
	for _, level := range []hclog.Level{hclog.Debug, hclog.Info, hclog.Warn} {
		if l.enabled(level) {
			return level
		}
	}
	return hclog.Error
}

// StandardLogger returns a log.Logger that logs information.
func (l *raftLogger) StandardLogger(o *hclog.StandardLoggerOptions) *log.Logger {
	return log.New(l.StandardWriter(o), "", 0)
}

// StandardWriter returns a writer, each Write to which is a message.
func (l *raftLogger) StandardWriter(*hclog.StandardLoggerOptions) io.Writer {
	return slog.NewLogLogger(l.slog.Handler(), slog.LevelInfo).Writer()
}

// Logger lets hashicorp's packages log through l.
func Logger(l *slog.Logger) hclog.Logger { return newRaftLogger(l) }
