package raftstore

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
)

// TestSlowDiskInVirtualTime checks that what waits for another's turn at a slow
// disk does not keep the time of a bubble from passing.
func TestSlowDiskInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, err := OpenDir(t.TempDir(), "n1")
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		var ops []string
		d.Inject(func(op string) error {
			ops = append(ops, op)
			<-time.After(time.Second)
			return nil
		})
		began := time.Now()
		done := make(chan error, 2)
		go func() { done <- d.log.SetUint64([]byte("k"), 1) }()
		go func() { done <- d.log.StoreLog(&raft.Log{Index: 1, Term: 1}) }()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(began); took != 2*time.Second || len(ops) != 2 || !strings.Contains(strings.Join(ops, " "), "log append") {
			t.Errorf("%v took %v, want one after the other", ops, took)
		}
		d.Inject(nil)
	})
}
