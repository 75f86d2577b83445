package registry

// agenda is a binary heap of slots, the first in its order on top. The order
// must be total: then what comes off is the same on every replica, however the
// heap lies in memory.
type agenda struct {
	slots  []uint32
	before func(a, b uint32) bool
	place  func(slot uint32) *uint32 // where the position of a slot is kept
}

// first returns what is on top.
func (a *agenda) first() (slot uint32, some bool) {
	if len(a.slots) == 0 {
		return 0, false
	}
	return a.slots[0], true
}

func (a *agenda) add(slot uint32) {
	a.slots = append(a.slots, slot)
	a.put(len(a.slots)-1, slot)
	a.rise(len(a.slots) - 1)
}

// remove takes a slot out that the agenda holds.
func (a *agenda) remove(slot uint32) {
	hole, last := int(*a.place(slot)), len(a.slots)-1
	filler := a.slots[last]
	a.slots = a.slots[:last]
	if hole != last {
		a.put(hole, filler)
		a.fix(filler)
	}
}

// fix moves a slot to where it belongs after its rank changed.
func (a *agenda) fix(slot uint32) {
	a.sink(int(*a.place(slot)))
	a.rise(int(*a.place(slot)))
}

func (a *agenda) put(i int, slot uint32) {
	a.slots[i] = slot
	*a.place(slot) = uint32(i)
}

func (a *agenda) swap(i, j int) {
	x, y := a.slots[i], a.slots[j]
	a.put(i, y)
	a.put(j, x)
}

func (a *agenda) rise(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !a.before(a.slots[i], a.slots[parent]) {
			return
		}
		a.swap(i, parent)
		i = parent
	}
}

func (a *agenda) sink(i int) {
	for {
		child := 2*i + 1
		if child >= len(a.slots) {
			return
		}
		if right := child + 1; right < len(a.slots) && a.before(a.slots[right], a.slots[child]) {
			child = right
		}
		if !a.before(a.slots[child], a.slots[i]) {
			return
		}
		a.swap(i, child)
		i = child
	}
}
