package registry

// table finds slots by hash: open addressing with linear probing, four bytes a
// cell and no pointers. It keeps no keys, the caller compares against the
// slab. It is cut into segments that grow one by one, so that no single insert
// pays for moving everything.
type table struct {
	segments [segments]segment
	hash     func(slot uint32) uint64 // of a slot that the table holds
}

const (
	segmentBits = 6
	segments    = 1 << segmentBits
	segmentMin  = 8 // cells of a segment that is in use
)

// segment is one part of a table. A cell holds a slot + 1, or 0.
type segment struct {
	cells []uint32
	used  int
}

func (t *table) segment(hash uint64) *segment {
	return &t.segments[hash>>(64-segmentBits)]
}

// find returns the slot with that hash of which match holds.
func (t *table) find(hash uint64, match func(slot uint32) bool) (uint32, bool) {
	g := t.segment(hash)
	if g.used == 0 {
		return 0, false
	}
	for i := g.home(hash); g.cells[i] != 0; i = g.next(i) {
		if slot := g.cells[i] - 1; match(slot) {
			return slot, true
		}
	}
	return 0, false
}

// insert adds a slot that the table does not hold.
func (t *table) insert(hash uint64, slot uint32) {
	g := t.segment(hash)
	if g.used*3 >= len(g.cells)*2 {
		g.resize(max(segmentMin, 2*len(g.cells)), t.hash)
	}
	g.place(hash, slot)
	g.used++
}

// swap puts a slot in the place of one that the table holds, of the same hash.
func (t *table) swap(hash uint64, old, slot uint32) {
	g := t.segment(hash)
	i := g.home(hash)
	for g.cells[i] != old+1 {
		i = g.next(i)
	}
	g.cells[i] = slot + 1
}

// remove takes a slot out that the table holds. What follows it moves back, so
// that no tombstones gather.
func (t *table) remove(hash uint64, slot uint32) {
	g := t.segment(hash)
	hole := g.home(hash)
	for g.cells[hole] != slot+1 {
		hole = g.next(hole)
	}
	for i := g.next(hole); g.cells[i] != 0; i = g.next(i) {
		home := g.home(t.hash(g.cells[i] - 1))
		if g.distance(home, i) >= g.distance(hole, i) {
			g.cells[hole], hole = g.cells[i], i
		}
	}
	g.cells[hole] = 0
	g.used--
	if n := len(g.cells); n > segmentMin && g.used*8 < n {
		g.resize(n/2, t.hash)
	}
}

func (g *segment) home(hash uint64) int      { return int(hash) & (len(g.cells) - 1) }
func (g *segment) next(i int) int            { return (i + 1) & (len(g.cells) - 1) }
func (g *segment) distance(from, to int) int { return (to - from) & (len(g.cells) - 1) }

func (g *segment) place(hash uint64, slot uint32) {
	i := g.home(hash)
	for g.cells[i] != 0 {
		i = g.next(i)
	}
	g.cells[i] = slot + 1
}

func (g *segment) resize(size int, hash func(uint32) uint64) {
	old := g.cells
	g.cells = make([]uint32, size)
	for _, c := range old {
		if c != 0 {
			g.place(hash(c-1), c-1)
		}
	}
}
