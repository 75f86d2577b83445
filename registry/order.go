package registry

import "slices"

// posting says that a slot has an attribute: the attribute's hash above, the
// slot below.
type posting uint64

func newPosting(hash, slot uint32) posting { return posting(hash)<<32 | posting(slot) }

func (p posting) hash() uint32 { return uint32(p >> 32) }
func (p posting) slot() uint32 { return uint32(p) }

// order is a B+ tree of postings. It does not know their order: a place in it
// is given by a predicate that holds of the postings before it. So readers may
// seek, side by side, ids that are not in the slab, and an item is eight bytes;
// google/btree, which compares items with items, would need sixteen.
type order struct {
	root *orderNode
	id   idOf
}

// idOf returns the id of the lease that a posting in the tree stands for.
type idOf func(posting) string

// before tells whether a posting lies before the place that is sought. The id
// is that of its lease where the tree knows it, "" where it must be looked up.
type before func(p posting, id string) bool

// orderMax is the most items of a node: a leaf is at most 1 KiB.
const orderMax = 128

// orderNode is a leaf, or an inner node that keeps beside each child the
// child's least posting, with its id, so that the way down reads no leases.
// These are always exact: a posting that has left the tree must not be compared
// any more, for its slot may hold another lease.
type orderNode struct {
	items []posting
	kids  []*orderNode // nil in a leaf
	ids   []string     // of the items, nil in a leaf
}

// least returns the least posting below n, and its id.
func (n *orderNode) least(id idOf) (posting, string) {
	if n.kids == nil {
		return n.items[0], id(n.items[0])
	}
	return n.items[0], n.ids[0]
}

// adopt puts a child into an inner node, as its i-th.
func (n *orderNode) adopt(i int, kid *orderNode, id idOf) {
	p, name := kid.least(id)
	n.items = slices.Insert(n.items, i, p)
	n.kids = slices.Insert(n.kids, i, kid)
	n.ids = slices.Insert(n.ids, i, name)
}

// learn notes the least posting of child i, which may have changed.
func (n *orderNode) learn(i int, id idOf) {
	if n.items[i] != n.kids[i].items[0] {
		n.items[i], n.ids[i] = n.kids[i].least(id)
	}
}

// over returns an inner node of those children.
func over(kids []*orderNode, id idOf) *orderNode {
	n := new(orderNode)
	for i, kid := range kids {
		n.adopt(i, kid, id)
	}
	return n
}

// fill makes the tree of an empty one from sorted postings.
func (o *order) fill(sorted []posting) {
	var row []*orderNode
	for leaf := range slices.Chunk(sorted, orderMax) {
		row = append(row, &orderNode{items: slices.Clone(leaf)})
	}
	for len(row) > 1 {
		row = o.parents(row)
	}
	if len(row) == 1 {
		o.root = row[0]
	}
}

func (o *order) parents(row []*orderNode) (above []*orderNode) {
	for kids := range slices.Chunk(row, orderMax) {
		above = append(above, over(kids, o.id))
	}
	return above
}

// insert adds p at its place and tells whether it was absent.
func (o *order) insert(p posting, place before) bool {
	if o.root == nil {
		o.root = &orderNode{}
	}
	split, added := o.root.insert(p, place, o.id)
	if split != nil {
		o.root = over([]*orderNode{o.root, split}, o.id)
	}
	return added
}

// insert returns the new right sibling of n if n had to be split.
func (n *orderNode) insert(p posting, place before, id idOf) (split *orderNode, added bool) {
	i := n.search(place)
	if n.kids == nil {
		if i < len(n.items) && n.items[i] == p {
			return nil, false
		}
		n.items = slices.Insert(n.items, i, p)
		return n.split(i), true
	}
	i = n.child(i, p)
	below, added := n.kids[i].insert(p, place, id)
	n.learn(i, id)
	if below == nil {
		return nil, added
	}
	n.adopt(i+1, below, id)
	return n.split(i + 1), added
}

// search returns the number of the first item of n that is not before a place.
func (n *orderNode) search(place before) int {
	low, high := 0, len(n.items)
	for low < high {
		if mid := (low + high) / 2; place(n.items[mid], n.name(mid)) {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// name returns the id of item i, "" in a leaf.
func (n *orderNode) name(i int) string {
	if n.ids == nil {
		return ""
	}
	return n.ids[i]
}

// child returns which child of n holds p, or would; i is what search said.
func (n *orderNode) child(i int, p posting) int {
	if i > 0 && (i == len(n.items) || n.items[i] != p) {
		return i - 1
	}
	return i
}

// split cuts an overfull node after an insert at i: in the middle, or at its
// end where it grows there, so that rising ids leave full nodes behind.
func (n *orderNode) split(i int) *orderNode {
	if len(n.items) <= orderMax {
		return nil
	}
	cut := len(n.items) / 2
	if i == len(n.items)-1 {
		cut = i
	}
	right := &orderNode{items: slices.Clone(n.items[cut:])}
	n.items = slices.Clone(n.items[:cut])
	if n.kids != nil {
		right.kids, right.ids = slices.Clone(n.kids[cut:]), slices.Clone(n.ids[cut:])
		n.kids, n.ids = slices.Clone(n.kids[:cut]), slices.Clone(n.ids[:cut])
	}
	return right
}

// remove takes p out and tells whether it was there.
func (o *order) remove(p posting, place before) bool {
	if o.root == nil || !o.root.remove(p, place, o.id) {
		return false
	}
	for len(o.root.kids) == 1 {
		o.root = o.root.kids[0]
	}
	return true
}

// remove finds p in its leaf by its number: to look at all of them costs less
// than to look up the id of one.
func (n *orderNode) remove(p posting, place before, id idOf) bool {
	if n.kids == nil {
		i := slices.Index(n.items, p)
		if i < 0 {
			return false
		}
		n.items = slices.Delete(n.items, i, i+1)
		return true
	}
	i := n.child(n.search(place), p)
	if !n.kids[i].remove(p, place, id) {
		return false
	}
	n.mend(i, id)
	return true
}

// mend sets right what the loss of a posting below child i left behind: its
// least posting, and a child that is empty or fits into its neighbour.
func (n *orderNode) mend(i int, id idOf) {
	if len(n.kids[i].items) == 0 {
		n.drop(i)
		return
	}
	n.learn(i, id)
	if i == len(n.kids)-1 {
		i--
	}
	if i < 0 || len(n.kids[i].items)+len(n.kids[i+1].items) > orderMax/2 {
		return
	}
	left, right := n.kids[i], n.kids[i+1]
	left.items = append(left.items, right.items...)
	left.kids = append(left.kids, right.kids...)
	left.ids = append(left.ids, right.ids...)
	n.drop(i + 1)
}

func (n *orderNode) drop(i int) {
	n.items = slices.Delete(n.items, i, i+1)
	n.kids = slices.Delete(n.kids, i, i+1)
	n.ids = slices.Delete(n.ids, i, i+1)
}

// ascend calls yield with every posting from a place on until yield returns
// false.
func (o *order) ascend(from before, yield func(posting) bool) {
	if o.root != nil {
		o.root.ascend(from, yield)
	}
}

func (n *orderNode) ascend(from before, yield func(posting) bool) bool {
	i := n.search(from)
	if n.kids == nil {
		return each(n.items[i:], yield)
	}
	i = max(0, i-1)
	return n.kids[i].ascend(from, yield) && n.all(i+1, yield)
}

// all visits what is below n from its child i on.
func (n *orderNode) all(i int, yield func(posting) bool) bool {
	for _, kid := range n.kids[i:] {
		if !kid.all(0, yield) {
			return false
		}
	}
	return n.kids != nil || each(n.items, yield)
}

func each(items []posting, yield func(posting) bool) bool {
	for _, p := range items {
		if !yield(p) {
			return false
		}
	}
	return true
}
