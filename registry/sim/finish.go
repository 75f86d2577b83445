package sim

import (
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

var checkCommand = &registry.Check{}

// finish checks what must hold after a long calm: one leader serves, and every
// replica has caught up.
func (w *World) finish() {
	if s := w.leader(); s == nil || s.served != s.term {
		w.fail("nobody serves after %v of calm", calm)
		return
	}
	for _, n := range w.nodes {
		if !n.up || n.commit+100 < uint64(len(w.ghost.log)) || n.applied+100 < n.commit {
			w.fail("%s did not catch up: committed %d, applied %d of %d", n.name, n.commit, n.applied, len(w.ghost.log))
		}
	}
	if last := w.ghost.log[len(w.ghost.log)-1]; w.now-last.committed > 10*time.Second {
		w.fail("nothing was committed for %v", w.now-last.committed)
	}
	for i := range w.watchers {
		w.watchers[i].catchUp(w.leader())
	}
}
