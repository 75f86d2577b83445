package raftstore

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
)

// sumName is a file beside a snapshot's meta.json with the CRC-32C of that. Raft
// checks what it copies, not its own words about it, among which are the members
// of the cluster.
const sumName = "meta.crc"

// writeSum keeps the sum of a snapshot that Raft has just finished.
func writeSum(snapshot string) error {
	meta, err := os.ReadFile(filepath.Join(snapshot, "meta.json"))
	if err != nil {
		return err
	}
	return replaceFile(filepath.Join(snapshot, sumName), sumOf(meta))
}

// checkSum holds a snapshot's meta.json against its sum. One without a sum is of
// an earlier build, or a crash came first.
func checkSum(snapshot string) error {
	sum, err := os.ReadFile(filepath.Join(snapshot, sumName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	meta, err := os.ReadFile(filepath.Join(snapshot, "meta.json"))
	if err == nil && string(sum) != string(sumOf(meta)) {
		err = fmt.Errorf("meta.json: %w", errCorrupt)
	}
	return err
}

func sumOf(meta []byte) []byte {
	return fmt.Appendf(nil, "%08x\n", crc32.Checksum(meta, castagnoli))
}
