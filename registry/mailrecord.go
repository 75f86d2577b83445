package registry

import (
	"encoding/binary"
	"fmt"
)

// floorKey is that record of KindMeta which keeps offsets from being given
// again.
const floorKey = "floor"

func (s *State) appendFloor(dst []byte) []byte {
	return binary.AppendUvarint(append(dst, imageVersion), s.mail.floor)
}

func appendMailboxKey(dst []byte, name Identity) []byte {
	return append(appendString(dst, name.NS), name.ID...)
}

func (b *mailbox) appendRecord(dst []byte) []byte {
	dst = append(dst, imageVersion)
	for _, v := range [...]uint64{b.number, b.last, b.revision, b.forgotten.From, b.forgotten.To} {
		dst = binary.AppendUvarint(dst, v)
	}
	return dst
}

func (r *reader) mailboxRecord() mailbox {
	return mailbox{
		number: r.uvarint(), last: r.uvarint(), revision: r.uvarint(),
		forgotten: Gap{r.uvarint(), r.uvarint()}, marks: stored,
	}
}

// appendRecord leaves out what is in the key: mailbox and first offset.
func (r *mailroom) appendRecord(dst []byte, slot uint32) []byte {
	m := r.at(slot)
	dst = append(append(dst, imageVersion), m.id[:]...)
	dst = append(dst, byte(m.state), boolBit(m.marks&reasoned != 0, 1))
	for _, v := range [...]uint64{m.offset, m.until, m.due, uint64(m.ttl), uint64(m.size), uint64(m.attempts)} {
		dst = binary.AppendUvarint(dst, v)
	}
	return dst
}

func (r *reader) messageRecord() message {
	m := message{id: r.messageID(), state: MessageState(r.byte()), marks: stored}
	if r.flags(1) != 0 {
		m.marks |= reasoned
	}
	m.offset, m.until, m.due = r.uvarint(), r.uvarint(), r.uvarint()
	m.ttl, m.size, m.attempts = r.uvarint32(), r.uvarint32(), r.uvarint32()
	if m.state < MessagePending || m.state > MessageExpired {
		r.fail()
	}
	return m
}

// appendBody encodes a body in memory of its own.
func appendBody(b *Body, wall int64) []byte {
	dst := make([]byte, 0, len(b.Data)+len(b.From)+2*binary.MaxVarintLen64+2)
	dst = appendString(append(dst, imageVersion, boolBit(b.Binary, 1)), b.From)
	return append(binary.AppendVarint(dst, wall), b.Data...)
}

// DecodeBody decodes a record of KindBody. Data aliases it. The error is
// [ErrMalformed].
func DecodeBody(record []byte) (Body, error) {
	r := reader{data: record}
	if r.byte() != imageVersion {
		return Body{}, fmt.Errorf("decode body: version: %w", ErrMalformed)
	}
	b := Body{Binary: r.flags(1) != 0, From: r.string(), Wall: r.varint()}
	b.Data = r.rest()
	if err := r.err(); err != nil {
		return Body{}, fmt.Errorf("decode body: %w", err)
	}
	return b, nil
}

// DecodeReason decodes a record of KindReason. The error is [ErrMalformed].
func DecodeReason(record []byte) (string, error) {
	r := reader{data: record}
	if r.byte() != imageVersion {
		return "", fmt.Errorf("decode reason: version: %w", ErrMalformed)
	}
	return string(r.rest()), nil
}
