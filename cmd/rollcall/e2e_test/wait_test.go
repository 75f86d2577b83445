//go:build e2e || e2e_docker

package e2e_test

import (
	"context"
	"testing"
	"time"
)

// eventually polls until the condition holds, and fails the test after limit.
func eventually(t *testing.T, limit time.Duration, what string, condition func() bool) time.Duration {
	t.Helper()
	started := time.Now()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		if time.Since(started) > limit {
			t.Fatalf("not within %v: %s", limit, what)
		}
		<-tick.C
	}
	return time.Since(started)
}

// throughout checks that the condition holds for as long as that.
func throughout(t *testing.T, span time.Duration, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for started := time.Now(); time.Since(started) < span; <-tick.C {
		if !condition() {
			t.Fatalf("after %v, no longer: %s", time.Since(started), what)
		}
	}
}

// pass lets time go by, for what has to last; less if ctx ends.
func pass(ctx context.Context, span time.Duration) {
	timer := time.NewTimer(span)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
