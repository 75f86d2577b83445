package raftstore

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/hashicorp/raft"
)

const (
	logRecordVersion = 1
	// logRecordOverhead is what a record needs beside its data: version, type,
	// term, time, length of the extensions, checksum.
	logRecordOverhead = 1 + 1 + 8 + 8 + 4 + 4
)

// encodeLog makes the record of a log entry: version, type, term, when the
// leader appended it (Unix nanoseconds, 0 if unknown), extensions, data, and a
// CRC-32C that covers the index too.
func encodeLog(l *raft.Log) []byte {
	b := make([]byte, 0, logRecordOverhead+len(l.Extensions)+len(l.Data))
	b = append(b, logRecordVersion, byte(l.Type))
	b = binary.BigEndian.AppendUint64(b, l.Term)
	var appended int64
	if !l.AppendedAt.IsZero() {
		appended = l.AppendedAt.UnixNano()
	}
	b = binary.BigEndian.AppendUint64(b, uint64(appended))
	b = binary.BigEndian.AppendUint32(b, uint32(len(l.Extensions)))
	b = append(b, l.Extensions...)
	b = append(b, l.Data...)
	return seal(indexKey(l.Index), b)
}

// decodeLog reads the record of the entry at index. Its data alias record.
func decodeLog(index uint64, record []byte) (raft.Log, error) {
	b, err := unseal(indexKey(index), record)
	if err != nil {
		return raft.Log{}, fmt.Errorf("entry %d: %w", index, err)
	}
	r := reader{b: b}
	if v := r.byte(); v != logRecordVersion {
		return raft.Log{}, fmt.Errorf("entry %d: record version %d is not known to this program", index, v)
	}
	l := raft.Log{Index: index, Type: raft.LogType(r.byte()), Term: r.uint64()}
	if appended := int64(r.uint64()); appended != 0 {
		l.AppendedAt = time.Unix(0, appended)
	}
	l.Extensions = r.take(uint64(r.uint32()))
	l.Data = r.take(uint64(len(r.b)))
	if r.bad {
		return raft.Log{}, fmt.Errorf("entry %d: %w", index, errCorrupt)
	}
	if len(l.Extensions) == 0 {
		l.Extensions = nil
	}
	return l, nil
}
