package raftstore

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
)

func TestRaftLogsThroughSlog(t *testing.T) {
	var out bytes.Buffer
	l := newRaftLogger(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelInfo})))
	l.With("id", 7).Named("part").Warn("careful", "servers", hclog.Fmt("%+v", []int{1}))
	l.Debug("not this")
	l.Trace("nor this")
	l.StandardLogger(nil).Print("plain")
	l.Error("bad", "error", "x")
	for _, want := range []string{"level=WARN msg=careful component=raft.part id=7 servers=[1]", "msg=plain", "level=ERROR"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "this") {
		t.Errorf("logged below the level:\n%s", out.String())
	}
	if l.IsDebug() || l.IsTrace() || !l.IsInfo() || !l.IsWarn() || !l.IsError() || l.GetLevel() != hclog.Info {
		t.Error("wrong idea of the level")
	}
}
