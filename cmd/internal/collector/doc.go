// Package collector gathers heartbeats and commands into batches, and hands
// each caller the result of its own part.
//
// One Raft entry for each heartbeat would make the disk the ceiling; one for
// each batch makes HTTP the ceiling. So everything that a node proposes waits
// here for as long as the batches before it take, and leaves together. There is
// no ticker: a batch leaves as soon as there is room on the way, and only a
// leader with few beats lets them wait for company (see linger.go).
//
// Two queues: renewals, and commands. A batch takes renewals first, then
// commands in order of arrival, then the judge's burials, which never overtake
// what arrived before them. Both queues are bounded; beyond the bound requests
// are refused, commands before renewals.
//
// Where batches go is a [Sink]: this node's own log while it leads, a stream to
// the leader while it follows. Renewals survive a change of sink, because their
// sequence numbers make it safe to send them again; commands do not, unless the
// sink vouches that they were never sent.
//
// The package does not know Raft, connections or what a command means, and
// decides nothing about leases.
package collector
