package collector

import (
	"slices"
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// unit is what enters a batch whole: one command, one group of beats, a
// barrier, a follower's frame, or a crowd of single beats. While it waits the
// collector's lock guards it; on its way the flight owns all but waiters and
// gone.
type unit struct {
	queue      *queue // where it waits; nil: on its way, or answered
	prev, next *unit
	id         uint64    // order of arrival
	since      time.Time // when the first of it arrived
	load       load      // what it adds to what waits

	trusted  bool               // it begins with a Renew of NS "" …
	verified registry.Beats     // … whose beats join those of the whole batch
	renews   []registry.Command // the Renews after that
	others   []registry.Command // everything else, in order

	// again says that it may be sent again after an indeterminate failure.
	again bool
	// reply answers a follower's frame; nil: callers wait for done.
	reply func([]registry.Result, Commit, error)

	later    []later     // beats of a crowd whose callers are told
	patience *time.Timer // of these; nil: none is set
	answered []later     // those to tell when the unit is finished

	waiters int   // callers that still wait for done, or to be told
	gone    []int // tickets of a crowd whose callers have left
	tickets []int // the ticket of each beat, ascending; nil: its place
	place   place // in the batch
	done    chan struct{}
	results []registry.Result // these three are set before done is closed
	commit  Commit
	err     error
}

// newUnit makes a unit of commands that leave together and are answered
// together, in their order. Leading Renews may move to the front of the batch.
func newUnit(commands ...registry.Command) *unit {
	u := &unit{waiters: 1, again: true, done: make(chan struct{})}
	if len(commands) > 0 {
		if r, ok := commands[0].(*registry.Renew); ok && r.NS == "" {
			u.trusted, u.verified, commands = true, r.Beats, commands[1:]
		}
	}
	leading := 0
	for leading < len(commands) && isRenew(commands[leading]) {
		leading++
	}
	u.renews, u.others = commands[:leading], commands[leading:]
	u.weigh()
	return u
}

// newCrowd makes a unit that single beats join while it waits.
func newCrowd(capacity int) *unit {
	return &unit{
		trusted: true, again: true, done: make(chan struct{}),
		verified: make(registry.Beats, 0, capacity*registry.BeatSize),
	}
}

func isRenew(c registry.Command) bool { _, ok := c.(*registry.Renew); return ok }

// weigh finds out what the unit adds to what waits, and whether it may be sent
// again.
func (u *unit) weigh() {
	u.load.beats = u.verified.Len()
	for _, c := range u.renews {
		u.load.beats += c.(*registry.Renew).Beats.Len()
	}
	u.load.parts = len(u.others)
	for _, c := range u.others {
		switch c := c.(type) {
		case *registry.Renew:
			u.load.beats += c.Beats.Len()
		case *registry.RenewNamed:
			u.load.singles += namedSingles
		default:
			u.load.commands++
			u.again = false
		}
		u.load.bytes += size(c)
	}
	if u.renewal() {
		u.load.groups = max(u.load.beats, groupMin)
	}
}

// renewal says in which queue it waits.
func (u *unit) renewal() bool { return u.trusted || u.load.beats > 0 || len(u.renews) > 0 }

// join adds a single beat to a crowd and returns its ticket.
func (u *unit) join(epoch, seq uint64) (ticket int) {
	ticket = u.verified.Len()
	u.verified = u.verified.Append(epoch, seq)
	u.waiters++
	u.load.beats++
	u.load.singles++
	return ticket
}

// compact drops the beats of a crowd whose callers have left. What others may
// be reading of the old beats stays as it was.
func (u *unit) compact() {
	if len(u.gone) == 0 {
		return
	}
	slices.Sort(u.gone)
	beats := make(registry.Beats, 0, u.waiters*registry.BeatSize)
	tickets := make([]int, 0, u.waiters)
	for i := range u.verified.Len() {
		ticket := u.ticket(i)
		if _, left := slices.BinarySearch(u.gone, ticket); left {
			continue
		}
		beats = beats.Append(u.verified.At(i))
		tickets = append(tickets, ticket)
	}
	u.verified, u.tickets, u.gone = beats, tickets, nil
	u.load.beats, u.load.singles = len(tickets), len(tickets)
}

func (u *unit) ticket(i int) int {
	if u.tickets == nil {
		return i
	}
	return u.tickets[i]
}

// beat returns the answer to the holder of a ticket. Only after done.
func (u *unit) beat(ticket int) (registry.BeatResult, Commit, error) {
	if u.err != nil {
		return registry.BeatResult{}, Commit{}, u.err
	}
	if u.tickets != nil {
		ticket, _ = slices.BinarySearch(u.tickets, ticket)
	}
	return u.results[0].Beats[ticket], u.commit, nil
}

// finish answers whoever waits for the unit.
func (u *unit) finish(results []registry.Result, commit Commit, err error) {
	if u.reply != nil {
		u.reply(results, commit, err)
		return
	}
	u.results, u.commit, u.err = results, commit, err
	close(u.done)
	u.tell(u.answered)
}
