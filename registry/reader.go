package registry

import (
	"encoding/binary"
	"errors"
)

// ErrMalformed is returned when bytes are not an encoding of this package, or
// one of a version that it does not know.
var ErrMalformed = errors.New("malformed encoding")

// reader takes apart what the append functions of this package made. After the
// first fault everything reads as zero and err tells; what it allocates is
// bounded by the length of its data, and by maxRenewed.
type reader struct {
	data    []byte
	bad     bool
	renewed int // beats of the results so far
	// replayed says that of commands only renewals are of interest.
	replayed bool
}

func (r *reader) fail() { r.bad, r.data = true, nil }

// err returns ErrMalformed after a fault, or when bytes are left over.
func (r *reader) err() error {
	if r.bad || len(r.data) != 0 {
		return ErrMalformed
	}
	return nil
}

func (r *reader) byte() byte {
	if len(r.data) == 0 {
		r.fail()
		return 0
	}
	b := r.data[0]
	r.data = r.data[1:]
	return b
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.data)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.data = r.data[n:]
	return v
}

func (r *reader) uvarint32() uint32 {
	v := r.uvarint()
	if v > 1<<32-1 {
		r.fail()
		return 0
	}
	return uint32(v)
}

func (r *reader) uvarint16() uint16 {
	v := r.uvarint()
	if v > 1<<16-1 {
		r.fail()
		return 0
	}
	return uint16(v)
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.data)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.data = r.data[n:]
	return v
}

// count reads how many items follow, each of at least size bytes, so that
// nobody allocates for what cannot be there.
func (r *reader) count(size int) int {
	n := r.uvarint()
	if n > uint64(len(r.data)/size) {
		r.fail()
		return 0
	}
	return int(n)
}

// bytes reads a length and that many bytes, which alias the data.
func (r *reader) bytes() []byte {
	n := r.count(1)
	b := r.data[:n:n]
	r.data = r.data[n:]
	return b
}

func (r *reader) string() string { return string(r.bytes()) }

// rest takes everything that is left.
func (r *reader) rest() []byte {
	b := r.data
	r.data = nil
	return b
}

func (r *reader) strings() []string {
	n := r.count(1)
	if n == 0 {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = r.string()
	}
	return list
}

func (r *reader) pairs() []Pair {
	n := r.count(2)
	if n == 0 {
		return nil
	}
	list := make([]Pair, n)
	for i := range list {
		list[i] = Pair{Key: r.string(), Value: r.string()}
	}
	return list
}

func (r *reader) origin() (from origin) {
	if from.key = r.string(); from.key != "" {
		from.replaced = r.uvarint()
	}
	return from
}

func appendOrigin(dst []byte, from origin) []byte {
	dst = appendString(dst, from.key)
	if from.key != "" {
		dst = binary.AppendUvarint(dst, from.replaced)
	}
	return dst
}

func appendString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendStrings(dst []byte, list []string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(list)))
	for _, s := range list {
		dst = appendString(dst, s)
	}
	return dst
}

func appendPairs(dst []byte, list []Pair) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(list)))
	for _, p := range list {
		dst = appendString(appendString(dst, p.Key), p.Value)
	}
	return dst
}
