package clientsdk

import (
	"math/rand/v2"
	"net/url"
	"sync/atomic"
)

// rotation is whose turn it is. It stays with an endpoint that answers, so
// that its connections are used again, and goes to the next after a failure:
// choosing at random instead can meet the dead node again and again, which in
// a model of failing clusters cost live leases.
type rotation struct {
	list []*url.URL
	turn atomic.Uint64
}

// newRotation begins anywhere, so that clients spread over the nodes.
func newRotation(list []*url.URL) *rotation {
	r := &rotation{list: list}
	r.turn.Store(rand.Uint64N(uint64(len(list))))
	return r
}

// current returns the endpoint to ask and its turn, which failed wants back.
func (r *rotation) current() (*url.URL, uint64) {
	turn := r.turn.Load()
	return r.list[turn%uint64(len(r.list))], turn
}

// failed goes on to the next endpoint, once for all who failed at this turn.
func (r *rotation) failed(turn uint64) {
	r.turn.CompareAndSwap(turn, turn+1)
}
