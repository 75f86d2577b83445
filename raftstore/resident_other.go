//go:build !linux

package raftstore

import bolt "go.etcd.io/bbolt"

// unmap does nothing here.
func unmap(*bolt.Tx) error { return nil }
