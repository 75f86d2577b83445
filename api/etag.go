package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"strings"
)

// etag sums up a question and the revisions that last changed its answer: not
// what renewals change, nor what others' changes do to the registry's revision.
type etag struct {
	hash    hash.Hash
	pending []byte // not hashed yet
}

// etagBlock is how many bytes are hashed at once.
const etagBlock = 4096

func newEtag(q question) etag {
	e := etag{sha256.New(), make([]byte, 0, etagBlock)}
	e.hash.Write(q)
	return e
}

func (e *etag) text(s string) {
	e.number(uint64(len(s)))
	for len(s) > 0 {
		n := min(len(s), cap(e.pending)-len(e.pending))
		e.pending, s = append(e.pending, s[:n]...), s[n:]
		e.flush(1)
	}
}

func (e *etag) number(n uint64) {
	e.flush(8)
	e.pending = binary.BigEndian.AppendUint64(e.pending, n)
}

// flush makes room for so many bytes.
func (e *etag) flush(room int) {
	if cap(e.pending)-len(e.pending) < room {
		e.hash.Write(e.pending)
		e.pending = e.pending[:0]
	}
}

// String returns the weak entity tag.
func (e *etag) String() string {
	e.hash.Write(e.pending)
	return `W/"` + base64.RawURLEncoding.EncodeToString(e.hash.Sum(nil)[:15]) + `"`
}

// matches tells whether If-None-Match names a tag (weak comparison, RFC 9110).
func matches(ifNoneMatch []string, tag string) bool {
	tag = strings.TrimPrefix(tag, "W/")
	for _, line := range ifNoneMatch {
		for item := range strings.SplitSeq(line, ",") {
			item = strings.TrimSpace(item)
			if item == "*" || strings.TrimPrefix(item, "W/") == tag {
				return true
			}
		}
	}
	return false
}
