package clientsdk

// heraldBuffer is how many calls wait for a slow callback.
const heraldBuffer = 64

// herald calls a lease's callbacks, in order, on a goroutine of its own: the
// slowest callback must not cost the lease. What does not fit into its queue
// pushes out the oldest.
type herald struct {
	client *Client
	calls  chan func()
}

// newHerald starts a herald; nil where there is nobody to call.
func newHerald(c *Client, wanted bool) *herald {
	if !wanted {
		return nil
	}
	h := &herald{client: c, calls: make(chan func(), heraldBuffer)}
	if !c.spawn(h.run) {
		return nil
	}
	return h
}

func (h *herald) run() {
	for call := range h.calls {
		call()
	}
}

// tell queues a callback with its argument. The keeper alone calls it.
func tell[T any](h *herald, name string, callback func(T), arg T) {
	if h == nil || callback == nil {
		return
	}
	c := h.client
	dropped := offer(h.calls, func() {
		_ = c.guard(name, func() error { callback(arg); return nil })
	})
	if dropped {
		c.log.Warn("callbacks are too slow, an old one was dropped", "callback", name)
	}
}

// close lets the herald finish what is queued, and end.
func (h *herald) close() {
	if h != nil {
		close(h.calls)
	}
}
