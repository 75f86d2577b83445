package registry

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
)

// at is the place of p where postings are ordered as numbers.
func at(p posting) before { return func(q posting, _ string) bool { return q < p } }

// numbered is an empty tree of postings whose ids are their numbers.
func numbered() order {
	return order{id: func(p posting) string { return strconv.FormatUint(uint64(p), 10) }}
}

// checkNode checks that inner nodes know the least posting of each child, that
// all leaves are equally deep, and returns the depth and what is below.
func checkNode(t *testing.T, n *orderNode) (depth int, below []posting) {
	t.Helper()
	if len(n.items) > orderMax {
		t.Fatalf("a node of %d items", len(n.items))
	}
	if n.kids == nil {
		return 1, n.items
	}
	if len(n.kids) != len(n.items) || len(n.ids) != len(n.items) {
		t.Fatalf("%d children, %d least postings", len(n.kids), len(n.items))
	}
	for i, kid := range n.kids {
		d, items := checkNode(t, kid)
		if i > 0 && d != depth {
			t.Fatalf("leaves at depth %d and %d", d, depth)
		}
		if len(items) == 0 || items[0] != n.items[i] {
			t.Fatalf("least posting of a child is not %x", n.items[i])
		}
		if want := numbered().id(items[0]); n.ids[i] != want {
			t.Fatalf("the least id of a child is %s, not %s", want, n.ids[i])
		}
		depth, below = d, append(below, items...)
	}
	return depth + 1, below
}

func TestOrderIsASortedSet(t *testing.T) {
	for _, shape := range []struct {
		name string
		next func(r *rand.Rand, i int) posting
	}{
		{"random", func(r *rand.Rand, _ int) posting { return posting(r.Uint32N(40_000)) }},
		{"rising", func(_ *rand.Rand, i int) posting { return posting(i) }},
		{"falling", func(_ *rand.Rand, i int) posting { return posting(100_000 - i) }},
	} {
		t.Run(shape.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			o := numbered()
			set := make(map[posting]bool)
			for i := range 30_000 {
				p := shape.next(r, i)
				if added := o.insert(p, at(p)); added == set[p] {
					t.Fatalf("insert of %d said %v", p, added)
				}
				set[p] = true
			}
			checkOrder(t, &o, set)
			for i := range 60_000 {
				p := shape.next(r, r.IntN(30_000))
				if removed := o.remove(p, at(p)); removed != set[p] {
					t.Fatalf("remove of %d said %v", p, removed)
				}
				delete(set, p)
				if i%10_000 == 0 {
					checkOrder(t, &o, set)
				}
			}
			checkOrder(t, &o, set)
			for p := range set {
				o.remove(p, at(p))
			}
			checkOrder(t, &o, nil)
		})
	}
}

func checkOrder(t *testing.T, o *order, set map[posting]bool) {
	t.Helper()
	want := make([]posting, 0, len(set))
	for p := range set {
		want = append(want, p)
	}
	slices.Sort(want)
	if _, got := checkNode(t, o.root); !slices.Equal(got, want) {
		t.Fatalf("the tree holds %d postings, want %d", len(got), len(want))
	}
	for _, from := range []posting{0, 1, 777, 19_999, 40_000, 100_000} {
		i, _ := slices.BinarySearch(want, from)
		var got []posting
		o.ascend(at(from), func(p posting) bool {
			got = append(got, p)
			return len(got) < 300
		})
		if !slices.Equal(got, want[i:min(len(want), i+300)]) {
			t.Fatalf("ascending from %d differs", from)
		}
	}
}

func TestOrderBuiltAtOnceIsTheSame(t *testing.T) {
	for _, n := range []int{0, 1, orderMax, orderMax + 1, orderMax * orderMax, 50_000} {
		o := numbered()
		set := make(map[posting]bool)
		var sorted []posting
		for i := range n {
			sorted = append(sorted, posting(2*i))
			set[posting(2*i)] = true
		}
		o.fill(sorted)
		if n > 0 {
			checkOrder(t, &o, set)
		}
		for i := range 500 {
			o.insert(posting(2*i+1), at(posting(2*i+1)))
			set[posting(2*i+1)] = true
		}
		checkOrder(t, &o, set)
	}
}

func TestByHashIsAStableSort(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{0, 1, 2, 1000, 30_000} {
		postings := make([]posting, n)
		for i := range postings {
			postings[i] = newPosting(r.Uint32()>>r.Uint32N(32), r.Uint32())
		}
		want := slices.Clone(postings)
		slices.SortStableFunc(want, func(a, b posting) int { return cmp.Compare(a.hash(), b.hash()) })
		if !slices.Equal(byHash(postings), want) {
			t.Fatalf("%d postings are not in order", n)
		}
	}
}

func TestTableFindsWhatItHolds(t *testing.T) {
	const slots = 3000
	r := rand.New(rand.NewPCG(3, 4))
	hashes := make([]uint64, slots)
	for i := range hashes {
		hashes[i] = r.Uint64N(200) * 0x9e3779b97f4a7c15 // many collide
	}
	tab := table{hash: func(slot uint32) uint64 { return hashes[slot] }}
	held := make([]bool, slots)
	for range 30_000 {
		slot := r.Uint32N(slots)
		if held[slot] {
			tab.remove(hashes[slot], slot)
		} else {
			tab.insert(hashes[slot], slot)
		}
		held[slot] = !held[slot]
		probe := r.Uint32N(slots)
		if _, ok := tab.find(hashes[probe], func(s uint32) bool { return s == probe }); ok != held[probe] {
			t.Fatalf("slot %d is found: %v", probe, ok)
		}
	}
	for slot, h := range held {
		if h {
			tab.remove(hashes[slot], uint32(slot))
		}
	}
	for i := range tab.segments {
		if g := &tab.segments[i]; g.used != 0 || len(g.cells) > segmentMin {
			t.Fatalf("an empty segment keeps %d cells, %d used", len(g.cells), g.used)
		}
	}
}
