package node

import "testing"

// TestHelpersEnd: what is asked for too late does not begin, and is told so.
func TestHelpersEnd(t *testing.T) {
	var h helpers
	release, began := make(chan struct{}), make(chan struct{})
	if !h.Go(func() { close(began); <-release }) {
		t.Fatal("it did not begin")
	}
	<-began
	waited := make(chan struct{})
	go func() {
		h.Wait()
		close(waited)
	}()
	close(release)
	<-waited
	if h.Go(func() { t.Error("it began after the end") }) {
		t.Error("it was said to have begun after the end")
	}
	h.Wait()
}
