//go:build failpoint

package main

import (
	"bytes"
	"strings"
	"testing"
)

// TestVersionTellsOfFailpoints: nobody takes such a build for one to use.
func TestVersionTellsOfFailpoints(t *testing.T) {
	for _, args := range [][]string{nil, {"-o", "json"}} {
		var out bytes.Buffer
		cmd := newVersion()
		cmd.SetOut(&out)
		cmd.SetArgs(args)
		if err := cmd.Execute(); err != nil || !strings.Contains(out.String(), "built to fail on purpose") {
			t.Errorf("version %v: %s, %v", args, out.String(), err)
		}
	}
}
