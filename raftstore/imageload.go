package raftstore

import (
	"github.com/seed-b4c92e43/rollcall/registry"
	bolt "go.etcd.io/bbolt"
)

// load fills an empty replica from the image.
func load(db *bolt.DB, r *registry.Replica) error {
	return guard(func() error {
		return db.View(func(tx *bolt.Tx) error {
			if err := loadRecords(tx, r); err != nil {
				return err
			}
			if err := loadRenewals(tx, r); err != nil {
				return err
			}
			return r.Loaded()
		})
	})
}

func loadRecords(tx *bolt.Tx, r *registry.Replica) error {
	return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
		kind, ok := parseKind(string(name))
		if !ok {
			return nil
		}
		return b.ForEach(func(key, stored []byte) error {
			value, err := unsealRecord(kind, key, stored)
			if err != nil {
				return err
			}
			return r.Load(kind, key, value)
		})
	})
}

func loadRenewals(tx *bolt.Tx, r *registry.Replica) error {
	head, err := decodeImageHead(tx.Bucket([]byte(headBucket)).Get(headKey))
	if err != nil || head.chunks == 0 {
		return err
	}
	var packed []byte
	for i := range head.chunks {
		data, err := unsealChunk(i, head.generation, tx.Bucket([]byte(renewalsBucket)).Get(chunkKey(i)))
		if err != nil {
			return err
		}
		packed = append(packed, data...)
	}
	return r.LoadRenewals(packed)
}
