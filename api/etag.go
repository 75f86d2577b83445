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
type etag struct{ hash hash.Hash }

func newEtag(q question) etag {
	e := etag{sha256.New()}
	e.hash.Write(q)
	return e
}

func (e etag) text(s string) {
	e.number(uint64(len(s)))
	e.hash.Write([]byte(s))
}

func (e etag) number(n uint64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	e.hash.Write(b[:])
}

// String returns the weak entity tag.
func (e etag) String() string {
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
