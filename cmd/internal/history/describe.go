package history

import (
	"fmt"
	"strings"
)

// String says what was asked and what was answered, for errors and pictures.
func (o *Op) String() string { return o.asked() + " → " + o.told() }

func (o *Op) asked() string {
	switch o.kind {
	case grant:
		return fmt.Sprintf("grant %s key %q ttl %v", o.id, o.terms.Key, o.terms.TTL)
	case renew:
		return fmt.Sprintf("renew %s epoch %d seq %d", o.id, o.epoch, o.seq)
	case leave:
		return fmt.Sprintf("leave %s epoch %d", o.id, o.epoch)
	case read:
		return fmt.Sprintf("read %s after %d", o.id, o.mail.after)
	case ack:
		return fmt.Sprintf("ack %s up to %d and %s", o.id, o.mail.upTo, brief(o.mail.ids))
	case nack:
		return fmt.Sprintf("nack %s %s attempt %d", o.id, brief(o.mail.ids), o.mail.attempt)
	case send, status:
		return fmt.Sprintf("%v %s %s", o.kind, o.id, brief(o.mail.ids))
	}
	return o.kind.String() + " " + o.id
}

// brief shortens ids of messages to their ends.
func brief(ids []string) string {
	short := make([]string, len(ids))
	for i, id := range ids {
		short[i] = id[max(0, len(id)-4):]
	}
	return "[" + strings.Join(short, " ") + "]"
}

func (o *Op) told() string {
	a := &o.answer
	switch {
	case o.verdict == open:
		return "?"
	case a.code != "":
		return strings.TrimSpace(fmt.Sprintf("%s %s %s", a.code, number(a.current), a.certificate))
	case a.certificate != nil:
		return a.certificate.String()
	case o.kind.ofMail():
		return o.toldOfMail()
	case a.epoch == 0:
		return "gone"
	case a.duplicate:
		return "duplicate"
	}
	return fmt.Sprintf("epoch %d seq %d", a.epoch, a.seq)
}

func (o *Op) toldOfMail() string {
	m := &o.answer.mail
	switch o.kind {
	case send, status:
		return fmt.Sprintf("offset %d %s", m.offset, m.state)
	case read:
		text := "["
		for _, s := range m.messages {
			text += fmt.Sprintf(" %d(%d)", s.offset, s.attempts)
		}
		return text + " ]"
	}
	return fmt.Sprintf("%d, %d dead, %d pending", m.done, m.dead, m.pending)
}

func number(n uint64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func (c *certificate) String() string {
	if c == nil {
		return ""
	}
	return fmt.Sprintf("%s epoch %d seq %d", c.cause, c.epoch, c.seq)
}
