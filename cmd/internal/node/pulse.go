package node

import (
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"time"
)

// pulseEvery is how often the leader sends its followers a pulse: what it has
// committed, and the digest that the majority noted last. A pulse is 48 bytes.
const pulseEvery = 50 * time.Millisecond

// pulse is what the leader says to each follower.
type pulse struct {
	N              uint64 // counts the leader's pulses
	Term           uint64
	Committed      uint64 // 0 from a leader that does not serve yet: it may lack what was acknowledged before
	CheckIndex     uint64 // the majority's digest at this Check, 0 for none yet
	MajorityDigest uint64
	SpaceLow       uint64 // 1: little of the leader's disk is free
}

// pulseAck is what the follower answers.
type pulseAck struct {
	N, Term, Applied, CheckIndex, Digest uint64
}

var errPulse = errors.New("pulse of wrong length")

func packWords(words ...uint64) []byte {
	b := make([]byte, 0, 8*len(words))
	for _, w := range words {
		b = binary.BigEndian.AppendUint64(b, w)
	}
	return b
}

func unpackWords(b []byte, words ...*uint64) error {
	if len(b) != 8*len(words) {
		return errPulse
	}
	for i, w := range words {
		*w = binary.BigEndian.Uint64(b[8*i:])
	}
	return nil
}

func (p pulse) pack() []byte {
	return packWords(p.N, p.Term, p.Committed, p.CheckIndex, p.MajorityDigest, p.SpaceLow)
}

func (p *pulse) unpack(b []byte) error {
	return unpackWords(b, &p.N, &p.Term, &p.Committed, &p.CheckIndex, &p.MajorityDigest, &p.SpaceLow)
}

func (a pulseAck) pack() []byte {
	return packWords(a.N, a.Term, a.Applied, a.CheckIndex, a.Digest)
}

func (a *pulseAck) unpack(b []byte) error {
	return unpackWords(b, &a.N, &a.Term, &a.Applied, &a.CheckIndex, &a.Digest)
}

// contact is what the leader last heard of one server.
type contact struct {
	sent       time.Time // when the pulse was sent that it answered last
	applied    uint64
	checkIndex uint64
	digest     uint64
}

// contacts is the leader's view of its followers, from their acks.
type contacts struct {
	mu   sync.Mutex
	n    uint64
	sent [64]time.Time // by pulse number, a ring of 3.2 s
	term uint64
	of   map[string]contact // by server id
}

// next numbers a new pulse. A new term forgets what was heard before.
func (c *contacts) next(term uint64) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.term != term {
		c.term, c.of = term, make(map[string]contact)
	}
	c.n++
	c.sent[c.n%uint64(len(c.sent))] = time.Now()
	return c.n
}

func (c *contacts) heard(server string, a pulseAck) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a.Term != c.term || a.N > c.n || a.N+uint64(len(c.sent)) <= c.n || c.of == nil {
		return
	}
	c.of[server] = contact{c.sent[a.N%uint64(len(c.sent))], a.Applied, a.CheckIndex, a.Digest}
}

func (c *contacts) get(server string) (contact, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	got, ok := c.of[server]
	return got, ok
}

// quorumSince returns the latest instant at which a majority of the voters was
// with this leader: the majority'th newest among the sending times of answered
// pulses, its own being now. False while no majority has answered.
func (c *contacts) quorumSince(voters []string, self string) (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	times := make([]time.Time, 0, len(voters))
	for _, v := range voters {
		if v == self {
			times = append(times, time.Now())
		} else if got, ok := c.of[v]; ok {
			times = append(times, got.sent)
		}
	}
	need := len(voters)/2 + 1
	if len(times) < need {
		return time.Time{}, false
	}
	slices.SortFunc(times, func(a, b time.Time) int { return b.Compare(a) })
	return times[need-1], true
}

// majorityDigest returns the digest that most voters noted at that Check.
func (c *contacts) majorityDigest(voters []string, self string, index, own uint64) (digest uint64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	votes := make(map[uint64]int, 2)
	for _, v := range voters {
		got, heard := c.of[v]
		switch {
		case v == self:
			votes[own]++
		case heard && got.checkIndex == index:
			votes[got.digest]++
		}
	}
	for digest, count := range votes {
		if count > len(voters)/2 {
			return digest, true
		}
	}
	return 0, false
}

// horizon is a follower's view of how old its replica is: each word of the
// leader counts from when this node has applied what was committed then.
// A word's age is never understated (see onPulse).
type horizon struct {
	mu      sync.Mutex
	waiting []word    // words not reached yet, oldest first; at most 64
	reached time.Time // of the newest word whose commit index is applied
}

type word struct {
	at        time.Time
	committed uint64
}

// said notes a word that the leader gave no earlier than at.
func (h *horizon) said(at time.Time, committed uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.waiting) == 64 { // far behind: every second word will do, and the oldest is reached first
		for i := range 32 {
			h.waiting[i] = h.waiting[2*i]
		}
		h.waiting = h.waiting[:32]
	}
	h.waiting = append(h.waiting, word{at, committed})
}

// staleness returns the age of the newest word that this node has caught up
// with, or false if there is none.
func (h *horizon) staleness(applied uint64) (time.Duration, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.waiting) > 0 && h.waiting[0].committed <= applied {
		h.reached = h.waiting[0].at
		h.waiting = h.waiting[1:]
	}
	if h.reached.IsZero() {
		return 0, false
	}
	return time.Since(h.reached), true
}
