package raftstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
)

// Names in a data directory.
const (
	nodeName      = "node.json"
	logName       = "raft.db"
	imageName     = "state.db"
	snapshotsName = "snapshots"
)

const nodeFormat = 1

// nodeFile is the content of node.json.
type nodeFile struct {
	Format      int     `json:"format"`
	Node        string  `json:"node"`
	Incarnation string  `json:"incarnation"`
	ClusterID   string  `json:"cluster_id"`
	Promise     Promise `json:"promise"`
	// Recovering is the cluster that the node had, while a recovery makes it the
	// only voter of another: what lies beside may still be of it.
	Recovering string `json:"recovering,omitempty"`
	// Complete is false while the other files are being made. Nothing was ever
	// stored in them then, so what is missing may be made.
	Complete bool   `json:"complete"`
	Checksum string `json:"checksum"` // CRC-32C of the file with this empty
}

func (f nodeFile) mark() mark { return mark{node: f.Node, incarnation: f.Incarnation} }

func (f nodeFile) encode() []byte {
	f.Checksum = ""
	f.Checksum = fmt.Sprintf("%08x", crc32.Checksum(f.marshal(), castagnoli))
	return f.marshal()
}

func (f nodeFile) marshal() []byte {
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		panic(err) // strings and a bool: cannot fail
	}
	return append(b, '\n')
}

// decodeNodeFile accepts exactly what encode made.
func decodeNodeFile(b []byte) (nodeFile, error) {
	var f nodeFile
	if err := json.Unmarshal(b, &f); err != nil {
		return f, err
	}
	if f.Format != nodeFormat {
		return f, fmt.Errorf("format %d is not known to this program", f.Format)
	}
	if !bytes.Equal(b, f.encode()) {
		return f, errors.New("wrong checksum: it was edited or damaged")
	}
	return f, nil
}

func readNodeFile(dir string) (nodeFile, error) {
	path := filepath.Join(dir, nodeName)
	b, err := os.ReadFile(path)
	if err != nil {
		return nodeFile{}, err
	}
	f, err := decodeNodeFile(b)
	if err != nil {
		return f, damaged(path, "damaged", err)
	}
	return f, nil
}

func (f nodeFile) write(dir string) error {
	if err := replaceFile(filepath.Join(dir, nodeName), f.encode()); err != nil {
		return fmt.Errorf("write %s: %w", nodeName, err)
	}
	return nil
}
