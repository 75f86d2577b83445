package registry

import "encoding/binary"

// What a Patch names, as bits.
const (
	patchState = 1 << iota
	patchAddress
	patchPort
	patchTags
	patchMeta
	patchAll = 1<<iota - 1
)

func (c *Grant) append(dst []byte) []byte {
	dst = appendString(appendString(dst, c.NS), c.ID)
	dst = appendSpec(dst, &c.Spec)
	dst = binary.AppendUvarint(dst, uint64(c.TTL))
	return appendString(append(dst, boolBit(c.IfAbsent, 1)), c.Key)
}

func (r *reader) grant() Command {
	c := &Grant{NS: r.string(), ID: r.string(), Spec: r.spec(), TTL: r.uvarint32()}
	c.IfAbsent = r.flags(1) != 0
	c.Key = r.string()
	return c
}

func appendSpec(dst []byte, s *Spec) []byte {
	dst = appendString(appendString(dst, s.Service), s.Address)
	dst = binary.AppendUvarint(dst, uint64(s.Port))
	return appendPairs(appendStrings(dst, s.Tags), s.Meta)
}

func (r *reader) spec() Spec {
	return Spec{Service: r.string(), Address: r.string(), Port: r.uvarint16(), Tags: r.strings(), Meta: r.pairs()}
}

func (c *Patch) append(dst []byte) []byte {
	dst = appendString(appendString(dst, c.NS), c.ID)
	dst = binary.AppendUvarint(dst, c.Epoch)
	dst = append(dst, boolBit(c.State != nil, patchState)|boolBit(c.Address != nil, patchAddress)|
		boolBit(c.Port != nil, patchPort)|boolBit(c.Tags != nil, patchTags)|boolBit(c.Meta != nil, patchMeta))
	if c.State != nil {
		dst = append(dst, byte(*c.State))
	}
	if c.Address != nil {
		dst = appendString(dst, *c.Address)
	}
	if c.Port != nil {
		dst = binary.AppendUvarint(dst, uint64(*c.Port))
	}
	if c.Tags != nil {
		dst = appendStrings(dst, *c.Tags)
	}
	if c.Meta != nil {
		dst = appendPairs(dst, *c.Meta)
	}
	return dst
}

func (r *reader) patch() Command {
	c := &Patch{NS: r.string(), ID: r.string(), Epoch: r.uvarint()}
	named := r.flags(patchAll)
	if named&patchState != 0 {
		c.State = new(LeaseState(r.byte()))
	}
	if named&patchAddress != 0 {
		c.Address = new(r.string())
	}
	if named&patchPort != 0 {
		c.Port = new(r.uvarint16())
	}
	if named&patchTags != 0 {
		c.Tags = new(r.strings())
	}
	if named&patchMeta != 0 {
		c.Meta = new(r.pairs())
	}
	return c
}

// flags reads a byte in which only the bits of known may be set.
func (r *reader) flags(known byte) byte {
	b := r.byte()
	if b&^known != 0 {
		r.fail()
	}
	return b
}

func boolBit(set bool, bit byte) byte {
	if set {
		return bit
	}
	return 0
}
