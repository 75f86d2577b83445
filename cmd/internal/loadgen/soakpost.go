package loadgen

import (
	"context"
	"time"
)

const (
	burstEvery = 5 * time.Second
	burstBoxes = 4
	burstBody  = 256 // bytes
)

// soakPost sends mail in bursts, each of which is a run of mail of its own to
// the same mailboxes. It belongs to one goroutine.
type soakPost struct {
	target    Target
	rate      float64 // messages a second
	sent      int64
	delivered int64
	found     Findings
	errors    map[string]int64
}

// run sends until ctx ends.
func (p *soakPost) run(ctx context.Context) {
	p.errors = make(map[string]int64)
	t := p.target
	t.Prefix, t.Watch = t.Prefix+"mail-", nil
	cfg := MailConfig{
		Target: t, Senders: burstBoxes, Mailboxes: burstBoxes, Messages: max(1, int(p.rate*burstEvery.Seconds())),
		Body: burstBody, Together: true,
	}
	tick := time.NewTicker(burstEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		p.burst(ctx, cfg)
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

func (p *soakPost) burst(ctx context.Context, cfg MailConfig) {
	result, _ := RunMail(ctx, cfg) // a refusal is among the codes, and what was not waited for is not lost
	if result == nil {
		return
	}
	p.sent += result.Sent
	p.delivered += result.Delivered
	for code, n := range result.ErrorCodes {
		p.errors[code] += n
	}
	p.found.add(result.Findings)
}

func (p *soakPost) sum(out *SoakResult) {
	out.Sent, out.Delivered, out.Findings = p.sent, p.delivered, p.found
	for code, n := range p.errors {
		out.ErrorCodes[code] += n
		out.Errors += n
	}
}
