package raftstore

import (
	"bytes"
	"errors"
)

var (
	errElementBounds = errors.New("an element is out of bounds")
	errKeyOrder      = errors.New("the keys are out of order")
)

type branchElement struct {
	key   []byte
	child uint64
}

type leafElement struct {
	flags      uint32
	key, value []byte
}

// branchElements reads a branch page: {pos, ksize uint32, pgid uint64} each.
func branchElements(b []byte, keys keyRange) ([]branchElement, error) {
	n, err := elementCount(b)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, errors.New("a branch without elements")
	}
	elements := make([]branchElement, n)
	data := spans{b: b, next: pageHeaderSize + n*elementSize}
	var last []byte
	for i := range elements {
		at := pageHeaderSize + i*elementSize
		key, _, err := data.take(at, native.Uint32(b[at:]), native.Uint32(b[at+4:]), 0)
		if err != nil {
			return nil, err
		}
		if !follows(last, key, keys) {
			return nil, errKeyOrder
		}
		elements[i] = branchElement{key: key, child: native.Uint64(b[at+8:])}
		last = key
	}
	return elements, nil
}

// leafElements reads a leaf page: {flags, pos, ksize, vsize uint32} each. It also
// returns where the last one ends.
func leafElements(b []byte, keys keyRange) (elements []leafElement, end int, err error) {
	n, err := elementCount(b)
	if err != nil {
		return nil, 0, err
	}
	elements = make([]leafElement, n)
	data := spans{b: b, next: pageHeaderSize + n*elementSize}
	var last []byte
	for i := range elements {
		at := pageHeaderSize + i*elementSize
		key, value, err := data.take(at, native.Uint32(b[at+4:]), native.Uint32(b[at+8:]), native.Uint32(b[at+12:]))
		if err != nil {
			return nil, 0, err
		}
		if !follows(last, key, keys) {
			return nil, 0, errKeyOrder
		}
		elements[i] = leafElement{flags: native.Uint32(b[at:]), key: key, value: value}
		last = key
	}
	return elements, data.next, nil
}

func elementCount(b []byte) (int, error) {
	n := int(native.Uint16(b[10:]))
	if pageHeaderSize+n*elementSize > len(b) {
		return 0, errElementBounds
	}
	return n, nil
}

// spans takes keys and values from a page, in which they lie one after the other
// behind the elements.
type spans struct {
	b    []byte
	next int
}

// take returns key and value of the element at that offset; pos counts from the
// element itself.
func (s *spans) take(at int, pos, keySize, valueSize uint32) (key, value []byte, err error) {
	start := uint64(at) + uint64(pos)
	middle := start + uint64(keySize)
	end := middle + uint64(valueSize)
	if start != uint64(s.next) || end > uint64(len(s.b)) || keySize == 0 {
		return nil, nil, errElementBounds
	}
	s.next = int(end)
	return s.b[start:middle:middle], s.b[middle:end:end], nil
}

// follows says whether a key may come after last, or as the first of its page.
func follows(last, key []byte, keys keyRange) bool {
	if last == nil {
		return (keys.low == nil || bytes.Equal(key, keys.low)) && keys.holds(key)
	}
	return bytes.Compare(last, key) < 0 && keys.holds(key)
}
