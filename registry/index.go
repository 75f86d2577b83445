package registry

import (
	"cmp"
	"hash/maphash"
	"slices"
	"strings"
)

// attribute names what an index is by.
type attribute uint8

const (
	byNamespace attribute = iota + 1
	byService
	byTag
	byMeta
)

// index finds the leases of a namespace, service, tag or meta pair in the
// order of their ids. It is one tree for all of them, keyed by a hash, so that
// an attribute which only one lease has costs no more than another. Two
// attributes may share a hash: who reads a posting checks the lease.
type index struct {
	order
	counts map[uint32]uint32 // postings of each hash
	seed   maphash.Seed      // so that nobody can choose ids that collide
	slab   *slab
	groups *groups
}

func newIndex(leases *slab, g *groups) *index {
	x := &index{counts: make(map[uint32]uint32), seed: maphash.MakeSeed(), slab: leases, groups: g}
	x.order.id = x.id
	return x
}

// place returns where the posting of a slot with that id belongs: by hash, then
// by id, and where two namespaces share a hash, by slot.
func (x *index) place(p posting, id string) before {
	return func(q posting, known string) bool {
		if p.hash() != q.hash() {
			return q.hash() < p.hash()
		}
		if c := x.compare(q, known, id); c != 0 {
			return c < 0
		}
		return q.slot() < p.slot()
	}
}

// compare compares the id of a posting, which is known unless it is "", with
// another.
func (x *index) compare(p posting, known, id string) int {
	if known == "" {
		known = x.id(p)
	}
	return strings.Compare(known, id)
}

func (x *index) id(p posting) string { return x.slab.at(p.slot()).packed.id() }

// hash returns the hash of an attribute; it holds for this process only.
func (x *index) hash(kind attribute, ns, key, value string) uint32 {
	h := mix(maphash.String(x.seed, ns), uint64(kind))
	if key != "" {
		h = mix(h, maphash.String(x.seed, key))
	}
	if value != "" {
		h = mix(h, maphash.String(x.seed, value))
	}
	return uint32(h)
}

// hashes calls f with the hash of every attribute of a lease.
func (x *index) hashes(l *lease, f func(hash uint32)) {
	g := x.groups.at(l.group)
	f(x.hash(byNamespace, g.ns.name, "", ""))
	if g.service != "" {
		f(x.hash(byService, g.ns.name, g.service, ""))
	}
	l.packed.attributes(func(kind attribute, key, value string) bool {
		f(x.hash(kind, g.ns.name, key, value))
		return true
	})
}

func (x *index) add(slot uint32) {
	l := x.slab.at(slot)
	id := l.packed.id()
	x.hashes(l, func(h uint32) {
		p := newPosting(h, slot)
		if x.insert(p, x.place(p, id)) {
			x.counts[h]++
		}
	})
}

// drop takes a lease out; it must be as it was when it was added.
func (x *index) drop(slot uint32) {
	l := x.slab.at(slot)
	id := l.packed.id()
	x.hashes(l, func(h uint32) {
		p := newPosting(h, slot)
		if !x.remove(p, x.place(p, id)) {
			return
		}
		if x.counts[h]--; x.counts[h] == 0 {
			delete(x.counts, h)
		}
	})
}

// from visits the slots with that hash whose id is at least id (greater than
// it with beyond), in the order of their ids.
func (x *index) from(hash uint32, id string, beyond bool, visit func(slot uint32, id string) bool) {
	place := func(p posting, known string) bool {
		if p.hash() != hash {
			return p.hash() < hash
		}
		c := x.compare(p, known, id)
		return c < 0 || c == 0 && beyond
	}
	x.ascend(place, func(p posting) bool {
		return p.hash() == hash && visit(p.slot(), x.id(p))
	})
}

// build fills an empty index with all that is in the slab: it sorts ids once
// and not once an attribute.
func (x *index) build() {
	var postings []posting
	for _, n := range x.sorted() {
		x.hashes(x.slab.at(n.slot), func(h uint32) { postings = append(postings, newPosting(h, n.slot)) })
	}
	postings = slices.Compact(byHash(postings))
	for _, p := range postings {
		x.counts[p.hash()]++
	}
	x.fill(postings)
}

// entitled is a slot with the id of its lease, beside each other so that sorting
// reads no leases.
type entitled struct {
	id   string
	slot uint32
}

// sorted returns all that is in the slab in the order of ids.
func (x *index) sorted() []entitled {
	all := make([]entitled, 0, x.slab.live)
	x.slab.each(func(slot uint32, l *lease) { all = append(all, entitled{l.packed.id(), slot}) })
	slices.SortFunc(all, func(a, b entitled) int {
		return cmp.Or(strings.Compare(a.id, b.id), cmp.Compare(a.slot, b.slot))
	})
	return all
}

// byHash sorts postings by their hashes and leaves those of one in their order:
// a byte at a time, from the lowest, as comparing millions takes seconds. It uses
// what it is given.
func byHash(postings []posting) []posting {
	spare := make([]posting, len(postings))
	for shift := 32; shift < 64; shift += 8 {
		var starts [257]int
		for _, p := range postings {
			starts[1+int(byte(p>>shift))]++
		}
		for i := range 256 {
			starts[i+1] += starts[i]
		}
		for _, p := range postings {
			at := &starts[byte(p>>shift)]
			spare[*at] = p
			*at++
		}
		postings, spare = spare, postings
	}
	return postings
}
