package registry

import (
	"slices"
	"sort"
)

// posting says that a slot has an attribute: the attribute's hash above, the
// slot below.
type posting uint64

func newPosting(hash, slot uint32) posting { return posting(hash)<<32 | posting(slot) }

func (p posting) hash() uint32 { return uint32(p >> 32) }
func (p posting) slot() uint32 { return uint32(p) }

// order is a B+ tree of postings, sorted by less. It is our own and not
// google/btree because its seek takes a predicate instead of an item: many
// readers may seek ids at once that are not in the slab, and an item stays
// eight bytes.
type order struct {
	root *orderNode
	less func(a, b posting) bool
}

// orderMax is the most items of a node: a leaf is at most 1 KiB.
const orderMax = 128

// orderNode is a leaf, or an inner node that keeps beside each child the
// child's least posting. These are always exact: a posting that has left the
// tree must not be compared any more, for its slot may hold another lease.
type orderNode struct {
	items []posting
	kids  []*orderNode // nil in a leaf
}

// fill makes the tree of an empty one from sorted postings.
func (o *order) fill(sorted []posting) {
	var row []*orderNode
	for leaf := range slices.Chunk(sorted, orderMax) {
		row = append(row, &orderNode{items: slices.Clone(leaf)})
	}
	for len(row) > 1 {
		row = parents(row)
	}
	if len(row) == 1 {
		o.root = row[0]
	}
}

func parents(row []*orderNode) (above []*orderNode) {
	for kids := range slices.Chunk(row, orderMax) {
		n := &orderNode{kids: slices.Clone(kids)}
		for _, kid := range kids {
			n.items = append(n.items, kid.items[0])
		}
		above = append(above, n)
	}
	return above
}

// insert adds p and tells whether it was absent.
func (o *order) insert(p posting) bool {
	if o.root == nil {
		o.root = &orderNode{}
	}
	split, added := o.insertAt(o.root, p)
	if split != nil {
		o.root = &orderNode{
			items: []posting{o.root.items[0], split.items[0]},
			kids:  []*orderNode{o.root, split},
		}
	}
	return added
}

// insertAt returns the new right sibling of n if n had to be split.
func (o *order) insertAt(n *orderNode, p posting) (split *orderNode, added bool) {
	i := o.search(n, p)
	if n.kids == nil {
		if i < len(n.items) && n.items[i] == p {
			return nil, false
		}
		n.items = slices.Insert(n.items, i, p)
		return n.split(i), true
	}
	i = o.child(n, i, p)
	below, added := o.insertAt(n.kids[i], p)
	n.items[i] = n.kids[i].items[0]
	if below == nil {
		return nil, added
	}
	n.items = slices.Insert(n.items, i+1, below.items[0])
	n.kids = slices.Insert(n.kids, i+1, below)
	return n.split(i + 1), added
}

// search returns the first place in n whose item is not less than p.
func (o *order) search(n *orderNode, p posting) int {
	return sort.Search(len(n.items), func(i int) bool { return !o.less(n.items[i], p) })
}

// child returns which child of n holds p, or would; i is what search said.
func (o *order) child(n *orderNode, i int, p posting) int {
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
		right.kids = slices.Clone(n.kids[cut:])
		n.kids = slices.Clone(n.kids[:cut])
	}
	return right
}

// remove takes p out and tells whether it was there.
func (o *order) remove(p posting) bool {
	if o.root == nil || !o.removeAt(o.root, p) {
		return false
	}
	for len(o.root.kids) == 1 {
		o.root = o.root.kids[0]
	}
	return true
}

func (o *order) removeAt(n *orderNode, p posting) bool {
	i := o.search(n, p)
	if n.kids == nil {
		if i == len(n.items) || n.items[i] != p {
			return false
		}
		n.items = slices.Delete(n.items, i, i+1)
		return true
	}
	i = o.child(n, i, p)
	if !o.removeAt(n.kids[i], p) {
		return false
	}
	n.mend(i)
	return true
}

// mend sets right what the loss of a posting below child i left behind: its
// least posting, and a child that is empty or fits into its neighbour.
func (n *orderNode) mend(i int) {
	if len(n.kids[i].items) == 0 {
		n.drop(i)
		return
	}
	n.items[i] = n.kids[i].items[0]
	if i == len(n.kids)-1 {
		i--
	}
	if i < 0 || len(n.kids[i].items)+len(n.kids[i+1].items) > orderMax/2 {
		return
	}
	left, right := n.kids[i], n.kids[i+1]
	left.items = append(left.items, right.items...)
	left.kids = append(left.kids, right.kids...)
	n.drop(i + 1)
}

func (n *orderNode) drop(i int) {
	n.items = slices.Delete(n.items, i, i+1)
	n.kids = slices.Delete(n.kids, i, i+1)
}

// ascend calls yield with every posting from the first of which reached holds
// until yield returns false. Of all postings after it reached must hold too.
func (o *order) ascend(reached func(posting) bool, yield func(posting) bool) {
	if o.root != nil {
		o.root.ascend(reached, yield)
	}
}

func (n *orderNode) ascend(reached, yield func(posting) bool) bool {
	i := sort.Search(len(n.items), func(i int) bool { return reached(n.items[i]) })
	if n.kids == nil {
		return each(n.items[i:], yield)
	}
	i = max(0, i-1)
	return n.kids[i].ascend(reached, yield) && n.all(i+1, yield)
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
