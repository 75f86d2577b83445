//go:build !race

package raftstore

const stride = 1
