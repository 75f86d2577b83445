// Package wheel is a hierarchical timing wheel for numbered items. It does not
// know what time it is: the caller says so, in ticks of whatever length. It
// allocates nothing for an item beyond 16 bytes, and no call does more work
// than it was allowed.
package wheel

import "math/bits"

const (
	levelBits = 6
	levelSize = 1 << levelBits
	levels    = 5

	firedList  = levels * levelSize
	parkedList = firedList + 1
	lists      = parkedList + 1

	chunkBits = 10
	chunkSize = 1 << chunkBits
)

// Horizon is how many ticks ahead an item may be scheduled; what is later is
// scheduled there. It is half of what the levels span, so that an item never
// lands in a list that is being emptied.
const Horizon = 1 << (levels*levelBits - 1)

// node is an item's place in a list. Times are kept modulo 2^32, which is
// unambiguous within the horizon.
type node struct {
	at         uint32
	next, prev uint32 // item + 1, 0 for none
	list       uint16 // its list + 1, 0 for none
}

// list is an intrusive queue of items (+ 1).
type list struct{ head, tail uint32 }

// Wheel keeps items until their time. An item is a small number; it is in at
// most one place: scheduled, fired or parked. A Wheel is not safe for
// concurrent use.
type Wheel struct {
	now    int64
	nodes  []*[chunkSize]node
	lists  [lists]list
	bits   uint64 // lists of the lowest level that are not empty
	length int    // scheduled items
	behind int    // how many levels, from the top of them, are to be emptied at now
}

// New returns an empty wheel that stands at tick now.
func New(now int64) *Wheel { return &Wheel{now: now} }

// Now returns the tick that the wheel has reached.
func (w *Wheel) Now() int64 { return w.now }

// Len returns how many items wait for their time.
func (w *Wheel) Len() int { return w.length }

// Schedule puts an item where it fires at tick at, wherever it was before.
// What is due already fires at the next tick.
func (w *Wheel) Schedule(item uint32, at int64) {
	w.Cancel(item)
	w.place(item, min(max(at, w.now+1), w.now+Horizon))
}

// Cancel takes an item out, wherever it is; it may be nowhere.
func (w *Wheel) Cancel(item uint32) {
	if int(item>>chunkBits) < len(w.nodes) && w.node(item).list != 0 {
		w.unlink(item)
	}
}

// Park puts an item aside: it waits for its owner rather than for time.
func (w *Wheel) Park(item uint32) {
	w.Cancel(item)
	w.link(item, parkedList)
}

// Fired takes out the item that fired first.
func (w *Wheel) Fired() (item uint32, ok bool) { return w.pop(firedList) }

// Parked takes out the item that was parked first.
func (w *Wheel) Parked() (item uint32, ok bool) { return w.pop(parkedList) }

func (w *Wheel) pop(from int) (item uint32, ok bool) {
	head := w.lists[from].head
	if head == 0 {
		return 0, false
	}
	w.unlink(head - 1)
	return head - 1, true
}

// Advance moves the wheel towards tick to: what comes due is fired, in the
// order of its ticks. It takes at most work steps, each of which moves one item
// or skips up to 64 ticks; false says that it has not arrived and must be
// called again.
func (w *Wheel) Advance(to int64, work int) (arrived bool) {
	for ; work > 0; work-- {
		switch {
		case w.behind > 0:
			w.empty()
		case w.now >= to:
			return true
		case w.length == 0:
			w.now = to
		default:
			w.step(to)
		}
	}
	return w.behind == 0 && w.now >= to
}

// step goes on to the next tick at which something may happen, at most to.
func (w *Wheel) step(to int64) {
	w.now = min(to, w.now+w.quiet())
	w.behind = 1
	for w.behind < levels && w.now&(1<<(levelBits*w.behind)-1) == 0 {
		w.behind++
	}
}

// quiet returns how far the next tick is at which an item fires, or lower
// levels are filled from higher ones.
func (w *Wheel) quiet() int64 {
	passed := w.now & (levelSize - 1)
	if ahead := w.bits >> passed >> 1; ahead != 0 {
		return int64(bits.TrailingZeros64(ahead)) + 1
	}
	return levelSize - passed
}

// empty moves one item out of the list of now in the highest level that is
// behind: down, or from the lowest level to the fired.
func (w *Wheel) empty() {
	level := w.behind - 1
	item, ok := w.pop(level*levelSize + digit(w.now, level))
	switch {
	case !ok:
		w.behind--
	case level == 0:
		w.link(item, firedList)
	default:
		ahead := int32(w.node(item).at - uint32(w.now))
		w.place(item, w.now+int64(ahead))
	}
}

// place links an item into the level of the highest digit in which its time
// differs from now: the list is emptied when now arrives at that digit.
func (w *Wheel) place(item uint32, at int64) {
	level := 0
	if apart := uint64(at ^ w.now); apart != 0 {
		level = min((bits.Len64(apart)-1)/levelBits, levels-1)
	}
	w.link(item, level*levelSize+digit(at, level))
	w.node(item).at = uint32(at)
}

func digit(tick int64, level int) int {
	return int(tick>>(levelBits*level)) & (levelSize - 1)
}
