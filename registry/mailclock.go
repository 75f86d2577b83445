package registry

import "time"

const (
	// aheadMax bounds by how much ClusterNow runs ahead of the last entry, in
	// milliseconds: a leader proposes at least every 10 s.
	aheadMax = 15_000
	// tombstoneSlack is how much longer than it must a tombstone may stay before
	// it is worth an entry, in milliseconds.
	tombstoneSlack = 1000
)

// ClusterNow estimates the cluster time: that of the last entry, and the lease
// clock's advance since, at most 15 s. It is for readers; nothing committed
// depends on it.
func (r *Replica) ClusterNow(mono time.Duration) uint64 {
	ahead := min(max(0, r.deadlines.clock.read(mono)-r.applied), aheadMax)
	return later(r.clusterMS, uint64(ahead))
}

// Overdue tells whether the time of a message, tombstone or dead letter is
// over, so that an entry should be committed for it.
func (r *Replica) Overdue(mono time.Duration) bool {
	now := r.ClusterNow(mono)
	if slot, some := r.mail.deadlines.first(); some && r.mail.at(slot).until <= now {
		return true
	}
	n, some := r.mail.aging.first()
	keep := later(r.kept.Mail.TombstoneMS, tombstoneSlack)
	return some && now-r.mail.ended(n) > keep
}
