//go:build race

package raftstore

// stride is from which byte to which TestEveryByteInUse goes on: the detector makes
// all of them too slow.
const stride = 29
