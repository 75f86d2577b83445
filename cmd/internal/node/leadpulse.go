package node

import (
	"context"
	"time"
)

// pulses sends the leader's pulse to every stream while it leads: also before it
// serves, since who is to become a voter must be heard of first.
func (n *Node) pulses(ctx context.Context) {
	tick := time.NewTicker(min(pulseEvery*time.Duration(n.cfg.calm), leaderSilence/4))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if term := n.leading.Load(); term != 0 {
				n.pulse(term)
			}
		}
	}
}

func (n *Node) pulse(term uint64) {
	p := pulse{Term: term, Committed: n.vouched(term), N: n.contacts.next(term)}
	if n.store.FreeSpaceLow() {
		p.SpaceLow = 1
	}
	index, own := n.lastCheck()
	if s := n.standing.Load(); index != 0 && s != nil {
		if digest, ok := n.contacts.majorityDigest(s.voters, n.serverID, index, own); ok {
			p.CheckIndex, p.MajorityDigest = index, digest
			n.compare(index, digest)
		}
	}
	n.followers.pulse(p.pack())
}

// vouched returns the index up to which all that was ever acknowledged is
// committed, 0 where this node cannot say. A leader whose own first entries are
// not committed yet may not even know what the one before it committed.
func (n *Node) vouched(term uint64) uint64 {
	if n.serving.Load() != term {
		return 0
	}
	return n.store.Committed()
}

// PulseAck notes what a follower answered to a pulse.
func (n *Node) PulseAck(from string, payload []byte) {
	var a pulseAck
	if err := a.unpack(payload); err != nil {
		n.log.Warn("malformed answer to a pulse", "from", from, "error", err)
		return
	}
	n.contacts.heard(from, a)
}
