package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// FuzzSettings reads any file as the configuration of a server: it is refused with
// the code for wrong usage, or every value is one that its flag takes.
func FuzzSettings(f *testing.F) {
	f.Add([]byte("node_id: n1\njoin: [a, b]\nmin_ttl: 1s\n"))
	f.Add([]byte("protection:\n  - namespace: a\n    threshold: 0.5\n"))
	f.Add([]byte("a: &a [*a]\n"))
	path := filepath.Join(f.TempDir(), "rollcall.yaml")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		err := settle(newServer().Flags(), path)
		if e, ok := errors.AsType[*exitError](err); err != nil && (!ok || e.code != exitUsage) {
			t.Errorf("refused with %v", err)
		}
	})
}
