package gossip

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/hashicorp/memberlist"
)

// metaVersion is the first byte of what travels in a member's metadata. Later
// fields may be appended under the same version: a reader ignores what follows
// those that it knows.
const metaVersion = 1

// MaxMeta is how many bytes memberlist carries for each member.
const MaxMeta = memberlist.MetaMaxSize

const (
	flagFresh   = 1 << iota // no Raft state yet
	flagLeaving             // about to leave: its death is a departure
)

var (
	errMetaVersion = errors.New("unknown version")
	errMetaShort   = errors.New("cut short")
	errMetaText    = errors.New("text is not UTF-8")
	errMetaNumber  = errors.New("number out of range")
	errMetaNode    = errors.New("no node id")
)

// meta is the whole of what a process announces.
type meta struct {
	Local
	Started int64
	Leaving bool
}

// encode packs the metadata: version, flags, numbers as varints, texts with
// their lengths. RaftAddr repeats HTTPAddr's host as a rule, so that only what
// differs is written.
func (m *meta) encode() ([]byte, error) {
	b := append(make([]byte, 0, 128), metaVersion, m.flags())
	b = binary.AppendUvarint(b, uint64(max(m.Expect, 0)))
	b = binary.AppendVarint(b, m.Started)
	for _, s := range []string{m.Node, m.Incarnation, m.ClusterID, m.Role, m.Version, m.HTTPAddr} {
		b = appendText(b, s)
	}
	shared := sharedPrefix(m.HTTPAddr, m.RaftAddr)
	b = binary.AppendUvarint(b, uint64(shared))
	b = appendText(b, m.RaftAddr[shared:])
	if len(b) > MaxMeta {
		return nil, fmt.Errorf("what this node announces takes %d bytes of at most %d: shorten its names and addresses", len(b), MaxMeta)
	}
	return b, nil
}

func (m *meta) flags() byte {
	var f byte
	if m.Fresh {
		f |= flagFresh
	}
	if m.Leaving {
		f |= flagLeaving
	}
	return f
}

// decodeMeta reads what encode wrote, and trusts nothing of it.
func decodeMeta(b []byte) (meta, error) {
	if len(b) < 2 {
		return meta{}, errMetaShort
	}
	if b[0] != metaVersion {
		return meta{}, fmt.Errorf("%w %d", errMetaVersion, b[0])
	}
	var m meta
	m.Fresh, m.Leaving = b[1]&flagFresh != 0, b[1]&flagLeaving != 0
	r := metaReader{rest: b[2:]}
	m.Expect = r.number()
	m.Started = r.varint()
	for _, s := range []*string{&m.Node, &m.Incarnation, &m.ClusterID, &m.Role, &m.Version, &m.HTTPAddr} {
		*s = r.text()
	}
	shared := r.number()
	suffix := r.text()
	switch {
	case r.err != nil:
		return meta{}, r.err
	case shared > len(m.HTTPAddr):
		return meta{}, errMetaNumber
	case m.Node == "":
		return meta{}, errMetaNode
	}
	m.RaftAddr = m.HTTPAddr[:shared] + suffix
	if !utf8.ValidString(m.RaftAddr) {
		return meta{}, errMetaText
	}
	return m, nil
}

// metaReader reads field after field; after an error all further ones are
// zero.
type metaReader struct {
	rest []byte
	err  error
}

func (r *metaReader) fail(err error) {
	if r.err == nil {
		r.err, r.rest = err, nil
	}
}

// number reads a count that fits 31 bits.
func (r *metaReader) number() int {
	v, n := binary.Uvarint(r.rest)
	switch {
	case n <= 0:
		r.fail(errMetaShort)
		return 0
	case v > math.MaxInt32:
		r.fail(errMetaNumber)
		return 0
	}
	r.rest = r.rest[n:]
	return int(v)
}

func (r *metaReader) varint() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.fail(errMetaShort)
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *metaReader) text() string {
	n := r.number()
	if n > len(r.rest) {
		r.fail(errMetaShort)
		return ""
	}
	s := string(r.rest[:n])
	if !utf8.ValidString(s) {
		r.fail(errMetaText)
		return ""
	}
	r.rest = r.rest[n:]
	return s
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func sharedPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
