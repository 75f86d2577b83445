package sim

import "time"

// fault is one thing that goes wrong.
type fault uint8

const (
	faultPause fault = iota
	faultSuspend
	faultCrash
	faultIsolate
	faultOneWay
	faultOutage // clients lose their network
	faultDisk
	faultClock
	faultTransfer
	faultFlip // leadership goes and comes back at once
	faultSlowApply
	faultCrashAll
	faultKinds
)

// disturb lets an event of the nemesis happen.
func (w *World) disturb(e event) {
	switch e.kind {
	case evFault:
		w.fault()
	case evStart:
		if n := w.nodes[e.to]; !n.up {
			w.logf("%s starts", n.name)
			n.start()
			w.tickNext()
		}
	case evDisk:
		w.nodes[e.to].release()
	case evHeal:
		w.logf("the network is whole")
		w.links = links{}
	case evFlip:
		w.flipBack(int(e.to), e.arg)
	case evCheck:
		w.checkpoint()
	}
}

// fault chooses what goes wrong, and when the next thing does.
func (w *World) fault() {
	end := Duration - calm
	if len(w.p.faults) == 0 || w.now >= end {
		return
	}
	w.queue.push(w.now+w.random.between(0, 2*w.p.every), evFault, 0, 0)
	n := w.victim()
	if n == nil {
		return
	}
	d := min(w.howLong(), end-w.now)
	f := w.p.faults[w.random.n(len(w.p.faults))]
	if f == faultFlip {
		d = min(8*time.Second, calm/2)
	}
	w.ghost.disturb(w.now + d)
	w.strike(f, n, d)
}

// howLong favours what is close to the limits of the judge.
func (w *World) howLong() time.Duration {
	switch w.random.n(3) {
	case 0:
		return w.random.between(20*time.Millisecond, 600*time.Millisecond)
	case 1:
		return w.random.between(300*time.Millisecond, 3*time.Second)
	}
	return w.random.between(time.Second, 9*time.Second)
}

// victim is the leader, as a rule.
func (w *World) victim() *node {
	n := w.nodes[w.random.n(replicas)]
	if l := w.leader(); l != nil && w.random.p(0.6) {
		n = l
	}
	if !n.up || n.stopped() {
		return nil
	}
	return n
}

func (w *World) leader() *node {
	var l *node
	for _, n := range w.nodes {
		if n.up && n.leading && (l == nil || n.term > l.term) {
			l = n
		}
	}
	return l
}

func (w *World) strike(f fault, n *node, d time.Duration) {
	w.logf("fault %d: %s for %v", f, n.name, d)
	switch f {
	case faultPause:
		w.report.Pauses++
		n.pause(d)
	case faultSuspend:
		w.report.Suspends++
		n.suspend(d)
	case faultCrash:
		w.crash(n, d)
	case faultCrashAll:
		for _, n := range w.nodes {
			if n.up {
				w.crash(n, w.random.between(0, d))
			}
		}
	case faultIsolate, faultOneWay, faultOutage:
		w.report.Partitions++
		w.cut(f, n)
		w.queue.push(w.now+d, evHeal, 0, 0)
	case faultDisk:
		w.report.Stalls++
		n.diskUntil = max(n.diskUntil, w.now+d)
		w.queue.push(n.diskUntil, evDisk, n.id, 0)
	case faultClock:
		n.wallSkew += int64(w.random.n(240_001) - 120_000)
	case faultTransfer:
		w.transfer(n)
	case faultFlip:
		w.flip(n, 3)
	case faultSlowApply:
		n.applySlow, n.slowUntil = w.random.between(0, 500*time.Millisecond), w.now+d
		w.ghost.disturb(n.slowUntil + n.applySlow)
	}
}

// crash kills a process and starts it again after d.
func (w *World) crash(n *node, d time.Duration) {
	w.report.Crashes++
	w.logf("%s crashes", n.name)
	n.crash()
	w.tickNext()
	if w.options.Bugs.LoseLogTail {
		n.log = n.log[:max(int(n.disk.index), len(n.log)-w.random.n(200), 0):len(n.log)]
		n.log = append([]*entry(nil), n.log...)
	}
	if w.options.Bugs.ForgetTerm {
		n.term = 0
	}
	w.queue.push(w.now+d, evStart, n.id, 0)
}

// cut parts the network until evHeal.
func (w *World) cut(f fault, n *node) {
	for i := range w.nodes {
		if i == n.id || f == faultOutage {
			continue
		}
		both := f == faultIsolate
		w.links.nodes[i][n.id] = both || w.random.p(0.5)
		w.links.nodes[n.id][i] = both || !w.links.nodes[i][n.id]
	}
	for c := range w.clients {
		alone := w.random.p(0.4) // on the side of n
		for i := range w.nodes {
			switch f {
			case faultIsolate:
				w.links.clients[c][i] = alone != (i == n.id)
			case faultOutage:
				w.links.clients[c][i] = alone
			}
		}
	}
}

// transfer makes another node the leader, if one has the whole log.
func (w *World) transfer(from *node) bool {
	for i := range w.nodes {
		n := w.nodes[(from.id+1+i)%replicas]
		if n != from && n.up && !n.stopped() && !n.leading {
			before := n.term
			n.campaign(true)
			if n.leading && n.term > before {
				return true
			}
		}
	}
	return false
}

// flip takes leadership away from a node, to give it back before the node
// noticed, that many times.
func (w *World) flip(n *node, times int) {
	if n.leading && w.transfer(n) {
		w.queue.push(w.now+w.random.between(0, w.p.notice), evFlip, n.id, uint32(times))
	}
}

func (w *World) flipBack(id int, times uint32) {
	n := w.nodes[id]
	if !n.up || n.stopped() {
		return
	}
	switch {
	case n.leading:
		w.flip(n, int(times))
	case times > 0:
		n.campaign(true)
		w.queue.push(w.now+w.random.between(0, 2*time.Second), evFlip, n.id, times-1)
	}
}

// checkpoint lets the leader compare digests.
func (w *World) checkpoint() {
	w.queue.push(w.now+w.p.check, evCheck, 0, 0)
	if n := w.leader(); n != nil && n.office != 0 && !n.stopped() {
		n.propose(w.newEntry(n, checkCommand))
	}
}
