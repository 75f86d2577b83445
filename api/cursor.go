package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// cursor is where a list goes on: after a name, in a view of at least that
// revision.
type cursor struct {
	after    string
	revision uint64
}

const (
	cursorVersion = 1
	cursorHead    = 1 + 8 // version, revision; then after, then the sum
	cursorSum     = 8
)

var cursorText = base64.RawURLEncoding.Strict()

// encode writes a cursor that only continues the same question. Any node can
// read it, so its sum has no secret: it finds accidents, and a forged cursor
// could ask nothing that min_revision and prefix could not.
func (c cursor) encode(q question) string {
	b := []byte{cursorVersion}
	b = binary.BigEndian.AppendUint64(b, c.revision)
	b = append(b, c.after...)
	return cursorText.EncodeToString(append(b, sumOf(b, q)...))
}

// decodeCursor reads a cursor of that question. Line breaks are looked for apart:
// even a strict base64 skips them.
func decodeCursor(text string, q question) (cursor, error) {
	b, err := cursorText.DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") || len(b) < cursorHead+cursorSum || b[0] != cursorVersion {
		return cursor{}, badCursor()
	}
	b, sum := b[:len(b)-cursorSum], b[len(b)-cursorSum:]
	c := cursor{after: string(b[cursorHead:]), revision: binary.BigEndian.Uint64(b[1:])}
	if !slices.Equal(sum, sumOf(b, q)) || c.revision > wire.Unknown || isPrefix(c.after) != "" {
		return cursor{}, badCursor()
	}
	return c, nil
}

func badCursor() error {
	return invalid(paramCursor, "the cursor is not one that this question was answered with: begin again without it")
}

func sumOf(head []byte, q question) []byte {
	h := sha256.New()
	h.Write(head)
	h.Write(q)
	return h.Sum(nil)[:cursorSum]
}

// question is what a list was asked, in one canonical form, without what pages
// may differ in.
type question []byte

// with appends a list of texts so that no two lists look the same.
func (q question) with(texts ...string) question {
	q = binary.AppendUvarint(q, uint64(len(texts)))
	for _, text := range texts {
		q = binary.AppendUvarint(q, uint64(len(text)))
		q = append(q, text...)
	}
	return q
}
