package raftstore

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"

	"github.com/seed-b4c92e43/rollcall/registry"
)

const (
	kindPrefix     = "kind-"
	renewalsBucket = "renewals"
	// renewalsChunk is how much of the packed renewals one record holds, in
	// bytes.
	renewalsChunk = 1 << 20
)

func kindBucket(k registry.Kind) string { return fmt.Sprintf("%s%03d", kindPrefix, k) }

// parseKind returns the kind whose bucket has that name.
func parseKind(bucket string) (k registry.Kind, ok bool) {
	digits, ok := strings.CutPrefix(bucket, kindPrefix)
	if !ok {
		return 0, false
	}
	_, err := fmt.Sscanf(digits, "%03d", &k)
	return k, err == nil && kindBucket(k) == bucket
}

// sealRecord makes the value that is stored: the checksum covers kind and key
// too, so that a record under another's key is not believed.
func sealRecord(k registry.Kind, key, value []byte) []byte {
	return seal(recordName(k, key), append(make([]byte, 0, len(value)+4), value...))
}

func unsealRecord(k registry.Kind, key, stored []byte) ([]byte, error) {
	value, err := unseal(recordName(k, key), stored)
	if err != nil {
		return nil, fmt.Errorf("record %x of kind %d: %w", key, k, err)
	}
	return value, nil
}

func recordName(k registry.Kind, key []byte) []byte {
	return append([]byte{byte(k)}, key...)
}

// recordHash is what one stored record adds to the sum in the head. Two CRCs
// of different polynomials: both are computed in hardware.
func recordHash(k registry.Kind, key, stored []byte) uint64 {
	kind := [1]byte{byte(k)}
	a := crc32.Update(crc32.Update(crc32.ChecksumIEEE(kind[:]), crc32.IEEETable, key), crc32.IEEETable, stored)
	b := crc32.Update(crc32.Update(crc32.Checksum(kind[:], castagnoli), castagnoli, key), castagnoli, stored)
	return uint64(a)<<32 | uint64(b)
}

// The packed renewals are kept in chunks, each with the generation of all.

func chunkKey(i uint64) []byte { return binary.BigEndian.AppendUint32(nil, uint32(i)) }

func sealChunk(i, generation uint64, data []byte) []byte {
	b := make([]byte, 0, len(data)+12)
	b = binary.BigEndian.AppendUint64(b, generation)
	return seal(chunkKey(i), append(b, data...))
}

// unsealChunk returns the data of chunk i of that generation.
func unsealChunk(i, generation uint64, stored []byte) ([]byte, error) {
	b, err := unseal(chunkKey(i), stored)
	if err != nil || len(b) < 8 || binary.BigEndian.Uint64(b) != generation {
		return nil, fmt.Errorf("packed renewals %d: %w", i, errCorrupt)
	}
	return b[8:], nil
}
