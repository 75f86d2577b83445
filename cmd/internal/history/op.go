package history

import (
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// Op is one operation of a client. It is open until Answer, Refused or Drop.
type Op struct {
	recorder *Recorder
	client   int
	kind     kind
	id       string // of the lease or the mailbox

	call, ret   int64         // ticks: the order of calls and returns
	from, until time.Duration // the instants of both

	// What was asked.
	terms Terms
	epoch uint64
	seq   uint64
	list  []string // ids that a list was looked through for
	mail  request

	verdict verdict
	answer  answer
}

// Terms are what a grant asks for.
type Terms struct {
	Key      string        // Idempotency-Key; "" for none
	TTL      time.Duration // as it was asked for, the default where it was left out
	IfAbsent bool          // If-None-Match: *
}

// request is what an operation on a mailbox asks.
type request struct {
	ids     []string
	ttl     time.Duration
	upTo    uint64
	after   uint64
	limit   int
	attempt uint32

	slots []int // of ids, within the mailbox; set by newBox
}

// kind is what an operation does.
type kind uint8

const (
	grant kind = iota
	renew
	leave
	evict
	get
	list
	ending // a certificate that came in an event
	send
	read
	ack
	nack
	status
)

var kindNames = [...]string{
	grant: "grant", renew: "renew", leave: "leave", evict: "evict", get: "get", list: "list", ending: "event",
	send: "send", read: "read", ack: "ack", nack: "nack", status: "status",
}

func (k kind) String() string { return kindNames[k] }

func (k kind) ofMail() bool { return k >= send }

func (k kind) reads() bool {
	switch k {
	case get, list, read, status:
		return true
	}
	return false
}

// verdict says what is known of an operation.
type verdict uint8

const (
	open    verdict = iota // it may have happened, or may yet
	decided                // it happened as the answer says
	void                   // it surely had no effect, and says nothing
)

// answer is what a client was told; what a kind does not have is zero.
type answer struct {
	code        wire.Code // "" where it was done
	created     bool      // 201
	duplicate   bool
	fresh       bool   // revision is of this very moment
	revision    uint64 // of the answer, or 0
	holding            // of a grant, or of the lease that is seen alive; zero: none is
	replaced    uint64
	current     uint64 // epoch or seq of a conflict
	certificate *certificate
	listed      map[string]holding // by id: who a list has
	mail        mailAnswer
}

// holding is a live epoch and its last seq.
type holding struct{ epoch, seq uint64 }

// certificate is what of a certificate the model knows.
type certificate struct {
	epoch, seq, revision uint64
	cause                string
}

// mailAnswer is what an operation on a mailbox was told.
type mailAnswer struct {
	offset                uint64
	state                 string
	attempts              uint32
	done, dead            int // acked or nacked, and of the nacked those that died
	pending               int
	messages              []message
	gapFrom, gapTo, until uint64 // until: the page holds all up to this offset
}

// message is one of a page.
type message struct {
	id       string
	slot     int // of the id, within the mailbox; set by newBox
	offset   uint64
	attempts uint32
}

// parts returns what an operation says of each lease or mailbox, as copies.
func (o *Op) parts() []*Op {
	if o.kind != list {
		return []*Op{new(*o)}
	}
	parts := make([]*Op, len(o.list))
	for i, id := range o.list {
		part := new(*o)
		part.id, part.list, part.answer.listed = id, nil, nil
		part.answer.holding = o.answer.listed[id]
		parts[i] = part
	}
	return parts
}
