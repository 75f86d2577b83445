package api

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestCloseDoesNotWaitForEver: what reads from a disk that hangs does not end,
// and the process has to all the same.
func TestCloseDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStreams("sessions", 1)
		if err := st.enter(); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if err := st.close(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second+forcedWithin {
			t.Errorf("closed after %v with %v", time.Since(began), err)
		}
		st.leave()
		if err := st.close(t.Context()); err != nil {
			t.Errorf("with nothing open: %v", err)
		}
	})
}
