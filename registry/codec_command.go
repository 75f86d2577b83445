package registry

import (
	"encoding/binary"
	"slices"
)

// commandKind is the first byte of an encoded command.
type commandKind byte

// The kinds. A number is never used again for something else: old logs hold it.
const (
	kindGrant commandKind = iota + 1
	kindRenew
	kindRenewNamed
	kindPatch
	kindLeave
	kindEvict
	kindExpire
	kindServe
	kindCheck
	kindHold
	kindRelease
	kindSend
	kindAck
	kindNack
	kindRequeue
)

// commandHead is the length of a command's length and kind.
const commandHead = 5

func appendCommands(dst []byte, commands []Command) []byte {
	dst = slices.Grow(dst, beatBytes(commands))
	dst = binary.AppendUvarint(dst, uint64(len(commands)))
	for _, c := range commands {
		start := len(dst)
		dst = appendCommand(append(dst, 0, 0, 0, 0), c)
		binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start-4))
	}
	return dst
}

// beatBytes is how much room the beats among commands take, so that a batch of
// thousands is not copied again and again while it grows.
func beatBytes(commands []Command) (n int) {
	for _, c := range commands {
		if r, ok := c.(*Renew); ok {
			n += len(r.Beats) + len(r.NS) + 2*commandHead
		}
	}
	if n > 0 {
		n += 64 // what stands around them
	}
	return n
}

func appendCommand(dst []byte, c Command) []byte {
	switch c := c.(type) {
	case *Grant:
		return c.append(append(dst, byte(kindGrant)))
	case *Renew:
		return append(appendString(append(dst, byte(kindRenew)), c.NS), c.Beats...)
	case *RenewNamed:
		return c.append(append(dst, byte(kindRenewNamed)))
	case *Patch:
		return c.append(append(dst, byte(kindPatch)))
	case *Leave:
		return c.append(append(dst, byte(kindLeave)))
	case *Evict:
		return appendString(appendString(append(dst, byte(kindEvict)), c.NS), c.ID)
	case *Expire:
		return c.append(append(dst, byte(kindExpire)))
	case *Serve:
		return c.append(append(dst, byte(kindServe)))
	case *Check:
		return append(dst, byte(kindCheck))
	case *Hold:
		return c.append(append(dst, byte(kindHold)))
	case *Release:
		return appendString(appendString(append(dst, byte(kindRelease)), c.NS), c.Service)
	case *Send:
		return c.append(append(dst, byte(kindSend)))
	case *Ack:
		return c.append(append(dst, byte(kindAck)))
	case *Nack:
		return c.append(append(dst, byte(kindNack)))
	case *Requeue:
		return append(appendString(appendString(append(dst, byte(kindRequeue)), c.NS), c.ID), c.Message[:]...)
	}
	panic("registry: a command without a codec") // the set is closed
}

func (r *reader) commands() []Command {
	n := r.count(commandHead)
	if n == 0 {
		return nil
	}
	commands := make([]Command, 0, n)
	for ; n > 0 && !r.bad; n-- {
		commands = append(commands, r.framed())
	}
	return commands
}

// framed reads one command within its length.
func (r *reader) framed() Command {
	if len(r.data) < commandHead {
		r.fail()
		return nil
	}
	size := uint64(binary.BigEndian.Uint32(r.data))
	if size > uint64(len(r.data)-4) {
		r.fail()
		return nil
	}
	body := reader{data: r.data[4 : 4+size : 4+size]}
	r.data = r.data[4+size:]
	if r.replayed && !body.renews() {
		return nil
	}
	c := body.command()
	if c == nil || body.err() != nil {
		r.fail()
	}
	return c
}

// renews says whether a command renews.
func (r *reader) renews() bool {
	if len(r.data) == 0 {
		return true // it is read, and found wanting
	}
	kind := commandKind(r.data[0])
	return kind == kindRenew || kind == kindRenewNamed
}

func (r *reader) command() Command {
	switch commandKind(r.byte()) {
	case kindGrant:
		return r.grant()
	case kindRenew:
		return r.renew()
	case kindRenewNamed:
		return &RenewNamed{NS: r.string(), ID: r.string(), Epoch: r.uvarint(), Seq: r.uvarint()}
	case kindPatch:
		return r.patch()
	case kindLeave:
		return &Leave{NS: r.string(), ID: r.string(), Epoch: r.uvarint()}
	case kindEvict:
		return &Evict{NS: r.string(), ID: r.string()}
	case kindExpire:
		return r.expire()
	case kindServe:
		return r.serve()
	case kindCheck:
		return &Check{}
	case kindHold:
		return r.hold()
	case kindRelease:
		return &Release{NS: r.string(), Service: r.string()}
	case kindSend:
		return r.send()
	case kindAck:
		return r.ack()
	case kindNack:
		return r.nack()
	case kindRequeue:
		return &Requeue{NS: r.string(), ID: r.string(), Message: r.messageID()}
	}
	return nil
}

func (c *RenewNamed) append(dst []byte) []byte {
	dst = appendString(appendString(dst, c.NS), c.ID)
	return binary.AppendUvarint(binary.AppendUvarint(dst, c.Epoch), c.Seq)
}

func (c *Leave) append(dst []byte) []byte {
	return binary.AppendUvarint(appendString(appendString(dst, c.NS), c.ID), c.Epoch)
}

func (r *reader) renew() Command {
	c := &Renew{NS: r.string(), Beats: r.rest()}
	if len(c.Beats)%BeatSize != 0 {
		r.fail()
	}
	return c
}

func (c *Expire) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, c.Term)
	dst = binary.AppendUvarint(dst, uint64(c.StallMS))
	return appendBurials(dst, c.Burials)
}

func (r *reader) expire() Command {
	return &Expire{Term: r.uvarint(), StallMS: r.uvarint32(), Burials: r.burials()}
}

func (c *Hold) append(dst []byte) []byte {
	dst = appendString(appendString(binary.AppendUvarint(dst, c.Term), c.NS), c.Service)
	dst = binary.AppendUvarint(appendString(dst, c.Reason), c.MaxMS)
	return appendBurials(binary.AppendUvarint(dst, c.RestMS), c.Burials)
}

func (r *reader) hold() Command {
	return &Hold{
		Term: r.uvarint(), NS: r.string(), Service: r.string(), Reason: r.string(),
		MaxMS: r.uvarint(), RestMS: r.uvarint(), Burials: r.burials(),
	}
}

func appendBurials(dst []byte, burials []Burial) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(burials)))
	for _, b := range burials {
		dst = binary.AppendUvarint(binary.AppendUvarint(dst, b.Epoch), b.Seq)
		dst = binary.AppendUvarint(dst, uint64(b.AgeMS))
		dst = binary.AppendUvarint(dst, uint64(b.OverdueMS))
	}
	return dst
}

func (r *reader) burials() []Burial {
	n := r.count(4)
	if n == 0 {
		return nil
	}
	burials := make([]Burial, n)
	for i := range burials {
		burials[i] = Burial{r.uvarint(), r.uvarint(), r.uvarint32(), r.uvarint32()}
	}
	return burials
}

func (c *Serve) append(dst []byte) []byte {
	dst = appendString(binary.AppendUvarint(dst, c.Term), c.ClusterID)
	return appendRetention(dst, c.Retention)
}

func (r *reader) serve() Command {
	return &Serve{Term: r.uvarint(), ClusterID: r.string(), Retention: r.retention()}
}

func appendRetention(dst []byte, k Retention) []byte {
	for _, v := range k.values() {
		dst = binary.AppendUvarint(dst, v)
	}
	return dst
}

// values lists all limits, in the order in which they are encoded.
func (k *Retention) values() [14]uint64 {
	m := &k.Mail
	return [...]uint64{
		k.CertificateMS, uint64(k.CertificateMax), k.EventMS, uint64(k.EventMax), k.EventBytes,
		uint64(m.Messages), m.Bytes, m.TotalBytes, uint64(m.MaxAttempts), uint64(m.Tombstones), m.TombstoneMS,
		uint64(m.Dead), m.DeadMS, uint64(m.Idle),
	}
}

func (r *reader) retention() Retention {
	return Retention{
		CertificateMS: r.uvarint(), CertificateMax: r.uvarint32(),
		EventMS: r.uvarint(), EventMax: r.uvarint32(), EventBytes: r.uvarint(),
		Mail: MailLimits{
			Messages: r.uvarint32(), Bytes: r.uvarint(), TotalBytes: r.uvarint(), MaxAttempts: r.uvarint32(),
			Tombstones: r.uvarint32(), TombstoneMS: r.uvarint(), Dead: r.uvarint32(), DeadMS: r.uvarint(), Idle: r.uvarint32(),
		},
	}
}
