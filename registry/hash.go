package registry

import (
	"math/bits"
	"unsafe"
)

// Odd constants of the wyhash family.
const (
	hashA = 0xa0761d6478bd642f
	hashB = 0xe7037ed1a0b428db
	hashC = 0x8ebc6af09c88c6e3
)

// mix folds the 128-bit product of two words: a fast hash of both that is the
// same on every machine.
func mix(a, b uint64) uint64 {
	high, low := bits.Mul64(a^hashA, b^hashB)
	return high ^ low
}

// mixString goes on with the bytes of s and its length.
func mixString(h uint64, s string) uint64 {
	b := unsafe.Slice(unsafe.StringData(s), len(s))
	for len(b) >= 8 {
		h = mix(h, uint64(b[0])|uint64(b[1])<<8|uint64(b[2])<<16|uint64(b[3])<<24|
			uint64(b[4])<<32|uint64(b[5])<<40|uint64(b[6])<<48|uint64(b[7])<<56)
		b = b[8:]
	}
	var last uint64
	for i, c := range b {
		last |= uint64(c) << (8 * i)
	}
	return mix(mix(h, last), uint64(len(s))^hashC)
}
