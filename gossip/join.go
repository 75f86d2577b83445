package gossip

import (
	"context"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"time"
)

// The rhythm of joining.
const (
	joinFirst   = 500 * time.Millisecond // first wait while alone
	joinSlowest = 5 * time.Second        // longest wait while alone
	rejoinEvery = 30 * time.Second       // while somebody is missing
	lookEvery   = time.Second            // for conflicts, and for being alone again
	maxGoneTry  = 8                      // dead nodes tried in one round
)

// placeholder stands for the name of a node that was not met yet: memberlist
// wants one in front of each address when names are required. It goes nowhere.
const placeholder = "join"

// joiner meets the configured nodes, and meets them again.
type joiner struct {
	addrs    []string
	resolver Resolver
	self     string // own ip:port
	table    *table
	join     func(addrs []string) (int, error) // Memberlist.Join
	warn     *limiter
	config   *Config
}

// run tries at once, then soon and again while this node is alone, and now and
// then while somebody is missing: after a long partition the two sides have
// forgotten each other, and only this brings them together.
func (j *joiner) run(ctx context.Context) {
	wait := joinFirst
	for j.try(ctx); ctx.Err() == nil; j.try(ctx) {
		if j.alone() {
			pause(ctx, jittered(wait))
			wait = min(2*wait, joinSlowest)
			continue
		}
		wait = joinFirst
		j.rest(ctx)
	}
}

// rest waits until it is time to look for who is missing, or until this node
// is alone again.
func (j *joiner) rest(ctx context.Context) {
	for slept := time.Duration(0); slept < rejoinEvery && !j.alone(); slept += lookEvery {
		if !pause(ctx, lookEvery) {
			return
		}
	}
}

// pause waits, and returns false when ctx ended before.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// jittered keeps nodes that start together from trying in step for ever.
func jittered(d time.Duration) time.Duration {
	return d - d/8 + time.Duration(rand.Int64N(int64(d)/4))
}

func (j *joiner) alone() bool { return j.live() == 0 }

// live counts the other nodes that are here.
func (j *joiner) live() int {
	n := 0
	for _, m := range j.table.members() {
		if m.Live() {
			n++
		}
	}
	return n
}

// try contacts everybody who may be missing, all at the same time, since one
// that is down takes its whole time-out.
func (j *joiner) try(ctx context.Context) {
	gone := j.table.gone(j.config.Local.Node, maxGoneTry)
	if j.live()+1 >= len(j.addrs) && len(gone) == 0 && !j.alone() {
		return
	}
	var wg sync.WaitGroup
	for _, addr := range j.addrs {
		wg.Go(func() { j.contact(j.resolve(ctx, addr)) })
	}
	wg.Go(func() { j.contact(gone) })
	wg.Wait()
}

func (j *joiner) contact(addrs []string) {
	for _, addr := range addrs {
		if addr == j.self {
			continue // --join may name this node
		}
		if _, err := j.join([]string{placeholder + "/" + addr}); err != nil {
			j.config.Logger.Debug("join", "addr", addr, "error", err)
		}
	}
}

// resolve returns the ip:port forms of a join address as they are now.
func (j *joiner) resolve(ctx context.Context, addr string) []string {
	host, port, err := splitAddr(addr, DefaultPort)
	if err != nil {
		j.complain(ctx, addr, err)
		return nil
	}
	ips, err := lookup(ctx, j.resolver, host)
	if err != nil {
		j.complain(ctx, addr, err)
		return nil
	}
	j.warn.over(addr)
	list := make([]string, len(ips))
	for i, ip := range ips {
		list[i] = net.JoinHostPort(ip.String(), strconv.Itoa(port))
	}
	return list
}

func (j *joiner) complain(ctx context.Context, addr string, err error) {
	if ctx.Err() == nil && j.warn.allow(addr) {
		j.config.Logger.Warn("a join address does not resolve; check --join and the DNS of this machine (trying again)",
			"join", addr, "error", err)
	}
}
