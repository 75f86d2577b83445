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
	var last []byte
	for i := range elements {
		at := pageHeaderSize + i*elementSize
		key, _, err := span(b, n, at, native.Uint32(b[at:]), native.Uint32(b[at+4:]), 0)
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

// leafElements reads a leaf page: {flags, pos, ksize, vsize uint32} each.
func leafElements(b []byte, keys keyRange) ([]leafElement, error) {
	n, err := elementCount(b)
	if err != nil {
		return nil, err
	}
	elements := make([]leafElement, n)
	var last []byte
	for i := range elements {
		at := pageHeaderSize + i*elementSize
		key, value, err := span(b, n, at, native.Uint32(b[at+4:]), native.Uint32(b[at+8:]), native.Uint32(b[at+12:]))
		if err != nil {
			return nil, err
		}
		if !follows(last, key, keys) {
			return nil, errKeyOrder
		}
		elements[i] = leafElement{flags: native.Uint32(b[at:]), key: key, value: value}
		last = key
	}
	return elements, nil
}

func elementCount(b []byte) (int, error) {
	n := int(native.Uint16(b[10:]))
	if pageHeaderSize+n*elementSize > len(b) {
		return 0, errElementBounds
	}
	return n, nil
}

// span returns key and value of the element at that offset; pos counts from
// the element itself.
func span(b []byte, n, at int, pos, keySize, valueSize uint32) (key, value []byte, err error) {
	start := uint64(at) + uint64(pos)
	middle := start + uint64(keySize)
	end := middle + uint64(valueSize)
	if start < uint64(pageHeaderSize+n*elementSize) || end > uint64(len(b)) || keySize == 0 {
		return nil, nil, errElementBounds
	}
	return b[start:middle:middle], b[middle:end:end], nil
}

func follows(last, key []byte, keys keyRange) bool {
	return (last == nil || bytes.Compare(last, key) < 0) && keys.holds(key)
}
