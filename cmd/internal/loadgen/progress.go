package loadgen

import (
	"sync"
	"time"
)

const watchEvery = 250 * time.Millisecond

// Progress is how far a run is.
type Progress struct {
	Phase   string
	Done    int64 // acknowledged in this phase
	Total   int64 // of grants and endings; 0 while renewing, which ends by time
	Held    int64 // connections that are held now, in the phase that only holds
	Failed  int64
	Elapsed time.Duration // of this phase
	Of      time.Duration // while renewing: how long it will take
}

// during does a part of a run, and tells watch now and then, and once at its
// end, how far that is.
func during(watch func(Progress), p Progress, counts func() (done, failed int64), part func()) {
	if watch == nil {
		part()
		return
	}
	var teller sync.WaitGroup
	done := make(chan struct{})
	teller.Go(func() { tell(watch, p, counts, done) })
	part()
	close(done)
	teller.Wait()
}

func tell(watch func(Progress), p Progress, counts func() (done, failed int64), done <-chan struct{}) {
	started := time.Now()
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for last := false; !last; {
		select {
		case <-tick.C:
		case <-done:
			last = true
		}
		p.Done, p.Failed = counts()
		p.Elapsed = time.Since(started)
		watch(p)
	}
}
