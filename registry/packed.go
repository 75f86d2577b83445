package registry

import "slices"

// packed holds what a lease says of itself in one immutable string: id,
// origin, address, tags and meta, each with its length. What is taken out of
// it shares its memory.
type packed string

// origin is what the same grant asked for again is answered from. Without a
// key nothing is kept of it.
type origin struct {
	key      string // idempotency key
	replaced uint64 // the epoch that was taken over, 0 for none
}

func pack(id string, from origin, spec *Spec) packed {
	size := len(id) + len(from.key) + len(spec.Address) + 16 + 2*len(spec.Tags) + 4*len(spec.Meta)
	for _, t := range spec.Tags {
		size += len(t)
	}
	for _, p := range spec.Meta {
		size += len(p.Key) + len(p.Value)
	}
	b := make([]byte, 0, size)
	b = appendString(appendOrigin(appendString(b, id), from), spec.Address)
	return packed(appendPairs(appendStrings(b, spec.Tags), spec.Meta))
}

// id returns the first field: the one that every comparison of an index reads.
func (p packed) id() string {
	if len(p) > 0 && p[0] < 0x80 {
		return string(p[1 : 1+p[0]])
	}
	c := cutter(p)
	return c.string()
}

func (p packed) origin() origin {
	c := cutter(p)
	c.string()
	return c.origin()
}

// unpack fills in what p says of its holder, into the slices that spec has.
func (p packed) unpack(spec *Spec) {
	c := cutter(p)
	c.string()
	c.origin()
	spec.Address = c.string()
	n := int(c.uvarint())
	spec.Tags = slices.Grow(spec.Tags[:0], n)
	for range n {
		spec.Tags = append(spec.Tags, c.string())
	}
	n = int(c.uvarint())
	spec.Meta = slices.Grow(spec.Meta[:0], n)
	for range n {
		spec.Meta = append(spec.Meta, Pair{Key: c.string(), Value: c.string()})
	}
}

// attributes calls f with every tag (value "") and every meta pair until f
// returns false.
func (p packed) attributes(f func(kind attribute, key, value string) bool) {
	c := cutter(p)
	c.string()
	c.origin()
	c.string()
	for n := c.uvarint(); n > 0; n-- {
		if !f(byTag, c.string(), "") {
			return
		}
	}
	for n := c.uvarint(); n > 0; n-- {
		if !f(byMeta, c.string(), c.string()) {
			return
		}
	}
}

// has tells whether one of the attributes is this one.
func (p packed) has(kind attribute, key, value string) (found bool) {
	p.attributes(func(k attribute, a, b string) bool {
		found = k == kind && a == key && b == value
		return !found
	})
	return found
}

// cutter takes a packed string apart without copying. It trusts its input.
type cutter string

func (c *cutter) uvarint() uint64 {
	var v uint64
	for i := 0; ; i++ {
		b := (*c)[i]
		v |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			*c = (*c)[i+1:]
			return v
		}
	}
}

func (c *cutter) varint() int64 {
	u := c.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

func (c *cutter) string() string {
	n := c.uvarint()
	s := string((*c)[:n])
	*c = (*c)[n:]
	return s
}

func (c *cutter) origin() (from origin) {
	if from.key = c.string(); from.key != "" {
		from.replaced = c.uvarint()
	}
	return from
}
