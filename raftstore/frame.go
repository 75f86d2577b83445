package raftstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
)

// A snapshot is one stream, the same for a follower that lags too far and for
// a backup: magic, length of the header, header (with its own checksum), the
// copy of state.db, and its CRC-32C. The header of a backup says more, so that
// people see what they have; its format has a number of its own.
const (
	frameMagic   = "ROLLSNAP"
	frameVersion = 1
	frameBackup  = 2
	frameFixed   = len(frameMagic) + 4
	headerLimit  = 4096 // bytes
)

var errFrame = errors.New("not a whole snapshot")

// frameHeader says what a snapshot is of.
type frameHeader struct {
	Index, Term uint64 // of the last entry in it
	Length      uint64 // of the copy, in bytes
	ClusterID   string
	backup      backupHead // zero but in a backup
}

// backupHead is what the header of a backup says beside.
type backupHead struct {
	node                       string
	made                       int64 // Unix milliseconds, never 0
	revision, leases, messages uint64
}

func (b *backupHead) append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint64(appendString(dst, b.node), uint64(b.made))
	for _, v := range [...]uint64{b.revision, b.leases, b.messages} {
		dst = binary.BigEndian.AppendUint64(dst, v)
	}
	return dst
}

func (r *reader) backupHead() backupHead {
	return backupHead{node: r.string(), made: int64(r.uint64()), revision: r.uint64(), leases: r.uint64(), messages: r.uint64()}
}

func (h frameHeader) version() byte {
	if h.backup.made != 0 {
		return frameBackup
	}
	return frameVersion
}

func (h frameHeader) append(dst []byte) []byte {
	b := []byte{h.version()}
	b = binary.BigEndian.AppendUint64(b, h.Index)
	b = binary.BigEndian.AppendUint64(b, h.Term)
	b = binary.BigEndian.AppendUint64(b, h.Length)
	b = appendString(b, h.ClusterID)
	if h.version() == frameBackup {
		b = h.backup.append(b)
	}
	b = seal([]byte(frameMagic), b)
	dst = append(dst, frameMagic...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(b)))
	return append(dst, b...)
}

// headerLength reads the fixed part.
func headerLength(fixed []byte) (int, error) {
	n := binary.BigEndian.Uint32(fixed[len(frameMagic):])
	if string(fixed[:len(frameMagic)]) != frameMagic || n > headerLimit {
		return 0, fmt.Errorf("snapshot header: %w", errFrame)
	}
	return int(n), nil
}

func decodeHeader(b []byte) (frameHeader, error) {
	b, err := unseal([]byte(frameMagic), b)
	if err != nil {
		return frameHeader{}, fmt.Errorf("snapshot header: %w", err)
	}
	r := reader{b: b}
	v := r.byte()
	if v != frameVersion && v != frameBackup {
		return frameHeader{}, fmt.Errorf("snapshot format %d is not known to this program", v)
	}
	h := frameHeader{Index: r.uint64(), Term: r.uint64(), Length: r.uint64(), ClusterID: r.string()}
	if v == frameBackup {
		h.backup = r.backupHead()
		r.bad = r.bad || h.backup.made == 0
	}
	return h, r.done()
}

// readHeader takes the header off a stream.
func readHeader(r io.Reader) (frameHeader, error) {
	fixed := make([]byte, frameFixed)
	if _, err := io.ReadFull(r, fixed); err != nil {
		return frameHeader{}, fmt.Errorf("snapshot header: %w", err)
	}
	n, err := headerLength(fixed)
	if err != nil {
		return frameHeader{}, err
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return frameHeader{}, fmt.Errorf("snapshot header: %w", err)
	}
	return decodeHeader(b)
}

// writeFrame writes a whole stream; copy must write exactly h.Length bytes.
func writeFrame(w io.Writer, h frameHeader, copy func(io.Writer) (int64, error)) error {
	if _, err := w.Write(h.append(nil)); err != nil {
		return err
	}
	sum := crc32.New(castagnoli)
	n, err := copy(io.MultiWriter(w, sum))
	if err != nil {
		return err
	}
	if uint64(n) != h.Length {
		return fmt.Errorf("%w: %d bytes of %d", errFrame, n, h.Length)
	}
	_, err = w.Write(sum.Sum(nil))
	return err
}

// readFrame copies what follows the header to w and checks it.
func readFrame(r io.Reader, h frameHeader, w io.Writer) error {
	sum := crc32.New(castagnoli)
	if h.Length > 1<<62 {
		return errFrame
	}
	if _, err := io.CopyN(io.MultiWriter(w, sum), r, int64(h.Length)); err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	var trailer [crc32.Size]byte
	if _, err := io.ReadFull(r, trailer[:]); err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	if [crc32.Size]byte(sum.Sum(nil)) != trailer {
		return fmt.Errorf("snapshot: %w", errCorrupt)
	}
	return nil
}

// frameCheck is a writer that follows a stream and says at its end whether it
// was one whole snapshot.
type frameCheck struct {
	header  frameHeader
	pending []byte // of the header, then of the trailer
	need    int    // bytes until pending can be read; 0 in the copy
	stage   int
	left    uint64 // of the copy
	sum     hash.Hash32
	err     error
}

func newFrameCheck() *frameCheck {
	return &frameCheck{need: frameFixed, sum: crc32.New(castagnoli)}
}

// Write never fails: the verdict comes with finish.
func (c *frameCheck) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 && c.err == nil {
		p = c.step(p)
	}
	return n, nil
}

// The stages of a stream.
const (
	stageFixed = iota
	stageHeader
	stageCopy
	stageTrailer
	stageEnd
)

// step consumes some of p.
func (c *frameCheck) step(p []byte) []byte {
	if c.stage == stageCopy {
		n := min(uint64(len(p)), c.left)
		c.sum.Write(p[:n])
		c.left -= n
		c.endCopy()
		return p[n:]
	}
	n := min(len(p), c.need-len(c.pending))
	c.pending = append(c.pending, p[:n]...)
	if len(c.pending) == c.need {
		c.advance()
	}
	if n == 0 {
		c.err = errFrame // something follows the end
	}
	return p[n:]
}

func (c *frameCheck) advance() {
	b := c.pending
	c.pending = nil
	switch c.stage {
	case stageFixed:
		c.need, c.err = headerLength(b)
	case stageHeader:
		c.header, c.err = decodeHeader(b)
		c.left = c.header.Length
	case stageTrailer:
		if binary.BigEndian.Uint32(b) != c.sum.Sum32() {
			c.err = errCorrupt
		}
		c.need = 0
	}
	c.stage++
	c.endCopy()
}

func (c *frameCheck) endCopy() {
	if c.stage == stageCopy && c.left == 0 {
		c.stage, c.need = stageTrailer, crc32.Size
	}
}

// finish returns the header of a whole stream.
func (c *frameCheck) finish() (frameHeader, error) {
	if c.err == nil && c.stage != stageEnd {
		c.err = errFrame
	}
	return c.header, c.err
}
