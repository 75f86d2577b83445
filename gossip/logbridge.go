package gossip

import (
	"bytes"
	"context"
	"log"
	"log/slog"
)

// bridge turns memberlist's lines ("[WARN] memberlist: …") into records of
// slog.
type bridge struct {
	logger  *slog.Logger
	observe func(line string) // sees every line first; may be nil
}

// newBridge returns a *log.Logger whose lines go to logger.
func newBridge(logger *slog.Logger, observe func(line string)) *log.Logger {
	return log.New(&bridge{logger, observe}, "", 0)
}

var levels = []struct {
	prefix []byte
	level  slog.Level
}{
	{[]byte("[DEBUG] "), slog.LevelDebug},
	{[]byte("[INFO] "), slog.LevelInfo},
	{[]byte("[WARN] "), slog.LevelWarn},
	{[]byte("[ERR] "), slog.LevelError},
}

// Write implements io.Writer; log.Logger hands in one line at a time.
func (b *bridge) Write(line []byte) (int, error) {
	n := len(line)
	line = bytes.TrimRight(line, "\n")
	if b.observe != nil {
		b.observe(string(line))
	}
	level := slog.LevelInfo
	for _, l := range levels {
		if rest, ok := bytes.CutPrefix(line, l.prefix); ok {
			level, line = l.level, rest
			break
		}
	}
	line = bytes.TrimPrefix(line, []byte("memberlist: "))
	b.logger.Log(context.Background(), level, string(line))
	return n, nil
}
