package node

import (
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestEndDoesNotWaitForEver: a hung disk holds up Raft, and what waits for Raft;
// the process has to end all the same.
func TestEndDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &Node{http: new(http.Server)}
		release := make(chan struct{})
		var parts sync.WaitGroup
		parts.Go(func() { <-release })
		began := time.Now()
		if err := n.end(&parts); !errors.Is(err, errHeldUp) || time.Since(began) != closeWithin {
			t.Errorf("ended after %v with %v", time.Since(began), err)
		}
		close(release)
		synctest.Wait()
		if err := n.end(&parts); err != nil {
			t.Errorf("with nothing held up: %v", err)
		}
	})
}
