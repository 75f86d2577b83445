package loadgen

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// letterTTL bounds how long what a run leaves behind stays.
const letterTTL = time.Hour

// letters makes the messages of one run, so that a reader can tell from its id
// alone what a message has to say. Ids are UUIDs of version 8 (RFC 9562,
// section 5.8).
type letters struct {
	run  [6]byte
	size int // bytes of a body
}

func newLetters(size int) *letters {
	l := &letters{size: size}
	_, _ = rand.Read(l.run[:]) // never fails
	return l
}

// id is that of the nth message, from 0, to a mailbox.
func (l *letters) id(mailbox, n int) uuid.UUID {
	var id uuid.UUID
	copy(id[:], l.run[:])
	id[6], id[8] = 0x80, 0x80 // version and variant
	binary.BigEndian.PutUint16(id[10:], uint16(mailbox))
	binary.BigEndian.PutUint32(id[12:], uint32(n))
	return id
}

// parse returns which message of the run an id is; ok is false for those of
// others.
func (l *letters) parse(text string) (mailbox, n int, ok bool) {
	id, err := uuid.Parse(text)
	if err != nil {
		return 0, 0, false
	}
	mailbox = int(binary.BigEndian.Uint16(id[10:]))
	n = int(binary.BigEndian.Uint32(id[12:]))
	return mailbox, n, id == l.id(mailbox, n)
}

// appendBody appends the body of a message: a string of JSON that no other
// message has, as far as its size allows that.
func (l *letters) appendBody(b []byte, mailbox, n int) []byte {
	b = append(b, '"')
	state := uint64(mailbox)<<32 | uint64(n)
	for range l.size - 2 {
		state += splitmixStep
		b = append(b, alphabet[splitmix(state)>>58])
	}
	return append(b, '"')
}

const (
	alphabet     = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"
	splitmixStep = 0x9e3779b97f4a7c15
)

// splitmix is the output of splitmix64 (Steele, Lea and Flood, "Fast splittable
// pseudorandom number generators", 2014).
func splitmix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// appendMessage appends the body of the request that sends a message.
func (l *letters) appendMessage(b []byte, mailbox, n int) []byte {
	b = fmt.Appendf(b, `{"id":%q,"from":"bench","ttl_ms":%d,"body":`, l.id(mailbox, n), letterTTL.Milliseconds())
	return append(l.appendBody(b, mailbox, n), '}')
}

// same says that what arrived is what was sent.
func (l *letters) same(got json.RawMessage, mailbox, n int) bool {
	return bytes.Equal(got, l.appendBody(nil, mailbox, n))
}
