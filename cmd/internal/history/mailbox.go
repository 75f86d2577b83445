package history

import (
	"fmt"
	"hash/maphash"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// maxAttempts is the nack that makes a dead letter.
const maxAttempts = 5

// box is what is the same in every state of one mailbox: its messages, each with
// the number by which states know it.
type box struct {
	number  map[string]int
	offsets []uint64        // 0: nobody was told
	sent    []time.Duration // when the first send began
	expires []time.Duration // no sooner than at this instant
	unseen  []time.Duration // sent, of messages whose offset nobody was told
}

// mailbox is the model of one mailbox.
type mailbox struct {
	last  uint64 // the greatest offset that was given, of those that are known
	fates string // by number
}

// fate is what became of a message: none yet, pending after fate-1 nacks, or one
// of those below.
type fate byte

const (
	absent  fate = 0
	pending fate = 1
	acked   fate = 'a'
	dead    fate = 'd'
	dropped fate = 'x'
)

func (f fate) waits() bool { return f >= pending && f < pending+maxAttempts }

func (f fate) attempts() uint32 { return uint32(f - pending) }

func (f fate) String() string {
	switch {
	case f.waits():
		return "pending"
	case f == acked:
		return "acked"
	case f == dead:
		return "dead"
	case f == dropped:
		return "expired"
	}
	return "none"
}

var seed = maphash.MakeSeed()

func (b *box) model() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return mailbox{fates: string(make([]byte, len(b.offsets)))} },
		Step: func(state, input, _ any) (bool, any) {
			m, ok := b.step(state.(mailbox), input.(*Op))
			return ok, m
		},
		Hash:              func(state any) uint64 { return maphash.Comparable(seed, state.(mailbox)) },
		DescribeOperation: func(input, _ any) string { return input.(*Op).String() },
		DescribeState:     func(state any) string { return b.describe(state.(mailbox)) },
	}
}

func (b *box) describe(m mailbox) (text string) {
	for i, o := range b.offsets {
		if f := fate(m.fates[i]); f.waits() {
			text += fmt.Sprintf(" %d(%d)", o, f.attempts())
		}
	}
	return fmt.Sprintf("last %d, pending%s", m.last, text)
}

// newBox numbers the messages of a mailbox in the order of their first send, and
// writes the numbers into its operations.
func newBox(ops []*Op) *box {
	b := &box{number: make(map[string]int)}
	for _, o := range ops {
		if o.kind == send {
			b.add(o)
		}
	}
	for _, o := range ops {
		b.tell(o)
	}
	for i, offset := range b.offsets {
		if offset == 0 {
			b.unseen = append(b.unseen, b.sent[i])
		}
	}
	for _, o := range ops {
		o.mail.slots = b.slots(o.mail.ids)
		for i := range o.answer.mail.messages {
			o.answer.mail.messages[i].slot = b.slot(o.answer.mail.messages[i].id)
		}
	}
	return b
}

// add numbers the message of a send.
func (b *box) add(o *Op) {
	id := o.mail.ids[0]
	i, known := b.number[id]
	if !known {
		i = len(b.offsets)
		b.number[id] = i
		b.offsets, b.sent, b.expires = append(b.offsets, 0), append(b.sent, o.from), append(b.expires, forever)
	}
	b.expires[i] = min(b.expires[i], o.from+o.mail.ttl)
}

// tell takes in the offsets that an answer names.
func (b *box) tell(o *Op) {
	if o.verdict != decided || o.answer.code != "" {
		return
	}
	if o.kind == send || o.kind == status {
		b.learn(o.mail.ids[0], o.answer.mail.offset)
	}
	for _, m := range o.answer.mail.messages {
		b.learn(m.id, m.offset)
	}
}

func (b *box) learn(id string, offset uint64) {
	if i, known := b.number[id]; known {
		b.offsets[i] = offset
	}
}

// slot returns the number of a message; -1: nobody ever sent it.
func (b *box) slot(id string) int {
	if i, known := b.number[id]; known {
		return i
	}
	return -1
}

func (b *box) slots(ids []string) []int {
	slots := make([]int, len(ids))
	for i, id := range ids {
		slots[i] = b.slot(id)
	}
	return slots
}

// step applies one operation, and tells whether its answer can be.
func (b *box) step(m mailbox, o *Op) (mailbox, bool) {
	if o.answer.code == wire.CodeMessageNotFound {
		return m, m.none(o.mail.slots)
	}
	switch o.kind {
	case send:
		return b.send(m, o)
	case read:
		return b.read(m, o)
	case status:
		return b.status(m, o)
	case ack:
		return b.ack(m, o)
	default:
		return b.nack(m, o)
	}
}
