package outbox

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/clientsdk"
)

// Entry is a message that waits, or was set aside.
type Entry struct {
	To       string
	Message  clientsdk.Message // Body is a json.RawMessage
	QueuedAt time.Time
	Tries    int    // that counted
	Err      string // of the last of them
}

// record is an entry in the file: JSON behind a checksum, for bbolt has none.
type record struct {
	To       string          `json:"to"`
	Payload  wire.NewMessage `json:"payload"`
	QueuedMS int64           `json:"time_ms"` // Unix
	Tries    int             `json:"tries"`
	Err      string          `json:"error,omitempty"`
}

const (
	sumSize = 4
	// maxError bounds the text of a refusal that is kept.
	maxError = 512
)

var (
	castagnoli  = crc32.MakeTable(crc32.Castagnoli)
	errChecksum = errors.New("wrong checksum")
)

func (r *record) encode() ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode record: %w", err)
	}
	b := binary.BigEndian.AppendUint32(make([]byte, 0, sumSize+len(text)), crc32.Checksum(text, castagnoli))
	return append(b, text...), nil
}

func decode(b []byte) (*record, error) {
	if len(b) < sumSize || binary.BigEndian.Uint32(b) != crc32.Checksum(b[sumSize:], castagnoli) {
		return nil, errChecksum
	}
	r := new(record)
	if err := json.Unmarshal(b[sumSize:], r); err != nil {
		return nil, err
	}
	return r, nil
}

// entry is the record as its owner sees it.
func (r *record) entry() Entry {
	p := &r.Payload
	m := clientsdk.Message{ID: p.ID, From: p.From, TTL: time.Duration(p.TTLMS) * time.Millisecond}
	if p.BodyB64 == nil {
		m.Body = p.Body
	} else {
		m.Binary, _ = base64.StdEncoding.DecodeString(*p.BodyB64) // as Put encoded it
	}
	return Entry{To: r.To, Message: m, QueuedAt: time.UnixMilli(r.QueuedMS), Tries: r.Tries, Err: r.Err}
}

// key is where a record lies: the order of putting away.
func keyOf(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
