package registry

import "time"

// windowParts is how finely a window slides.
const windowParts = 20

// window counts what happened within the recent past. It slides by a twentieth
// of its length, and forgets late by as much at most.
type window struct {
	part   uint64 // milliseconds
	newest uint64 // number of the part that counts now
	counts [windowParts + 1]int
}

func newWindow(length time.Duration) window {
	return window{part: max(1, uint64(length.Milliseconds())/windowParts)}
}

// slide moves the window on to a time; one that is earlier leaves it.
func (w *window) slide(ms uint64) {
	to := ms / w.part
	if to > w.newest+windowParts {
		w.newest, w.counts = to, [windowParts + 1]int{}
	}
	for w.newest < to {
		w.newest++
		w.counts[w.newest%(windowParts+1)] = 0
	}
}

func (w *window) add(ms uint64) {
	w.slide(ms)
	w.counts[w.newest%(windowParts+1)]++
}

func (w *window) sum(ms uint64) (sum int) {
	w.slide(ms)
	for _, n := range w.counts {
		sum += n
	}
	return sum
}
