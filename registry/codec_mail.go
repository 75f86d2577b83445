package registry

import "encoding/binary"

func (c *Send) append(dst []byte) []byte {
	dst = append(appendString(appendString(dst, c.NS), c.ID), c.Message[:]...)
	dst = appendString(binary.AppendUvarint(dst, c.TTL), c.Body.From)
	dst = append(dst, boolBit(c.Body.Binary, 1))
	return append(binary.AppendUvarint(dst, uint64(len(c.Body.Data))), c.Body.Data...)
}

// send reads a Send. Its body aliases the data.
func (r *reader) send() Command {
	c := &Send{NS: r.string(), ID: r.string(), Message: r.messageID(), TTL: r.uvarint()}
	c.Body.From = r.string()
	c.Body.Binary = r.flags(1) != 0
	c.Body.Data = r.bytes()
	return c
}

func (c *Ack) append(dst []byte) []byte {
	dst = binary.AppendUvarint(appendString(appendString(dst, c.NS), c.ID), c.Epoch)
	return appendMessageIDs(binary.AppendUvarint(dst, c.UpTo), c.Messages)
}

func (r *reader) ack() Command {
	return &Ack{NS: r.string(), ID: r.string(), Epoch: r.uvarint(), UpTo: r.uvarint(), Messages: r.messageIDs()}
}

func (c *Nack) append(dst []byte) []byte {
	dst = binary.AppendUvarint(appendString(appendString(dst, c.NS), c.ID), c.Epoch)
	dst = appendMessageIDs(dst, c.Messages)
	return appendString(binary.AppendUvarint(dst, uint64(c.Attempt)), c.Reason)
}

func (r *reader) nack() Command {
	return &Nack{
		NS: r.string(), ID: r.string(), Epoch: r.uvarint(), Messages: r.messageIDs(),
		Attempt: r.uvarint32(), Reason: r.string(),
	}
}

func (r *reader) messageID() (id MessageID) {
	if len(r.data) < len(id) {
		r.fail()
		return id
	}
	copy(id[:], r.data)
	r.data = r.data[len(id):]
	return id
}

func appendMessageIDs(dst []byte, ids []MessageID) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(ids)))
	for i := range ids {
		dst = append(dst, ids[i][:]...)
	}
	return dst
}

func (r *reader) messageIDs() []MessageID {
	n := r.count(len(MessageID{}))
	if n == 0 {
		return nil
	}
	ids := make([]MessageID, n)
	for i := range ids {
		ids[i] = r.messageID()
	}
	return ids
}

func appendMailResult(dst []byte, m *MailResult) []byte {
	dst = append(dst, m.Message.ID[:]...)
	dst = append(dst, byte(m.Message.State))
	for _, v := range [...]uint64{
		m.Message.Offset, uint64(m.Message.Attempts), uint64(m.Message.Size),
		uint64(m.Acked), uint64(m.Nacked), uint64(m.Dead), uint64(m.Pending),
	} {
		dst = binary.AppendUvarint(dst, v)
	}
	return dst
}

// mailResult leaves the key out: it means nothing to who asked.
func (r *reader) mailResult() *MailResult {
	m := &MailResult{Message: Message{ID: r.messageID(), State: MessageState(r.byte())}}
	m.Message.Offset, m.Message.Attempts, m.Message.Size = r.uvarint(), r.uvarint32(), r.uvarint32()
	m.Acked, m.Nacked, m.Dead, m.Pending = int(r.uvarint32()), int(r.uvarint32()), int(r.uvarint32()), int(r.uvarint32())
	return m
}
