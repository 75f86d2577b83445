//go:build e2e

package e2e_test

import (
	"context"
	"syscall"
	"testing"
	"time"
)

func TestLeaderPausedTwice(t *testing.T) {
	c := startCluster(t, 3)
	f := launch(t, c.endpoints(), 200, 4*time.Second, 1200*time.Millisecond)
	for range 2 {
		leader := c.leader(t)
		leader.signal(syscall.SIGSTOP)
		firstCommit(t, c.others(leader).endpoints())
		pass(context.Background(), 8*time.Second)
		leader.signal(syscall.SIGCONT)
		f.checkAlive(t)
		c.awaitReady(t, 20*time.Second)
	}
	f.checkAlive(t)
}

func TestSingleNodePausedLongerThanEveryTTL(t *testing.T) {
	c := startCluster(t, 1)
	f := launch(t, c.endpoints(), 50, time.Second, 300*time.Millisecond)
	for range 2 {
		c[0].signal(syscall.SIGSTOP)
		pass(context.Background(), 5*time.Second)
		c[0].signal(syscall.SIGCONT)
		f.checkAlive(t)
	}
}
