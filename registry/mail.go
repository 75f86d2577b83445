package registry

// Identity names an id of a namespace.
type Identity struct{ NS, ID string }

// MessageID is the UUID of a message, unique within its mailbox.
type MessageID [16]byte

// Body is the content of a message. It lies in the durable image only.
type Body struct {
	From   string
	Binary bool // Data is not JSON (body_b64)
	Data   []byte
	Wall   int64 // Unix milliseconds, of the entry that brought it; set by Apply
}

// MessageState says where a message stands.
type MessageState uint8

// The states of a message; after Pending and Dead only a tombstone is left.
const (
	MessagePending MessageState = iota + 1
	MessageDead                 // a dead letter, nacked too often
	MessageAcked
	MessageExpired
)

var messageStateNames = [...]string{"", "pending", "dead", "acked", "expired"}

func (s MessageState) String() string {
	if int(s) < len(messageStateNames) {
		return messageStateNames[s]
	}
	return ""
}

// Message is what the registry knows of a message, for readers.
type Message struct {
	ID       MessageID
	Offset   uint64 // from 1, rising by 1 with every message of the mailbox
	State    MessageState
	Attempts uint32 // nacks
	Size     uint32 // bytes of the body
	Key      BodyKey
}

// BodyKey finds a body, and the reason of the last nack, in the durable image.
type BodyKey [16]byte

// Mailbox counts what is in a mailbox.
type Mailbox struct {
	Pending, Dead, Tombstones int
	Bytes                     uint64 // of the bodies of the pending
	DeadBytes                 uint64
	Oldest                    *Message // of the pending, or nil
	OldestAgeMS               uint64   // in cluster time
	Last                      uint64   // the last offset given
	Revision                  uint64   // of the last change; 0 for a mailbox never used
}

// Gap says which offsets were dropped unread.
type Gap struct{ From, To uint64 }

// MessagePage is a part of a mailbox, in offset order.
type MessagePage struct {
	Messages []Message
	Next     uint64 // the highest offset in Messages, at least the one asked after
	Gap      *Gap   // of expired messages, beyond the one asked after
	// DueMS is in how many milliseconds a nacked message that was left out comes
	// again; 0 where there is none.
	DueMS uint64
}

// MailResult is what a command did to a mailbox.
type MailResult struct {
	Message Message // of a Send or a Requeue
	Acked   int     // newly, by an Ack
	Nacked  int     // by a Nack, those among the dead included
	Dead    int     // that the Nack made dead letters
	Pending int     // in the mailbox now
}
