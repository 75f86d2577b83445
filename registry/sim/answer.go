package sim

import "github.com/seed-b4c92e43/rollcall/registry"

// answer checks what a client is told against what is committed (promises 1
// and 2).
func (g *ghost) answer(c *client, req *request) {
	switch command := c.doing.(type) {
	case nil:
		g.answerBeat(c, req)
	case *registry.Grant:
		g.answerGrant(c, command, req)
	case *registry.Leave:
		if l := g.of(command.Epoch); l == nil || l.live {
			g.w.fail("promise 1: %s was told of its leave of epoch %d (code %d), which lives", c.name, command.Epoch, req.code)
		}
	}
}

func (g *ghost) answerBeat(c *client, req *request) {
	l := g.of(req.epoch)
	if l == nil {
		g.w.fail("promise 1: %s holds epoch %d, which never was", c.name, req.epoch)
		return
	}
	switch req.code {
	case registry.OK, registry.Duplicate:
		if l.seq < c.seq {
			g.w.fail("promise 1: seq %d of epoch %d was acknowledged, %d is committed", c.seq, l.epoch, l.seq)
		}
	case registry.Ended, registry.Superseded:
		if l.live {
			g.w.fail("promise 2: %s was told that epoch %d is gone (code %d), and it lives", c.name, l.epoch, req.code)
		}
	default: // only this client sends beats of its epoch, in order
		g.w.fail("promise 2: seq %d of epoch %d was answered with code %d", c.seq, l.epoch, req.code)
	}
}

func (g *ghost) answerGrant(c *client, command *registry.Grant, req *request) {
	switch req.code {
	case registry.OK, registry.Duplicate:
		if l := g.of(req.granted); l == nil || l.client != c.about || !c.careless && g.keys[command.Key] != req.granted {
			g.w.fail("promise 2: %s was granted epoch %d for key %q, committed is %d", c.name, req.granted, command.Key, g.keys[command.Key])
		}
	case registry.Superseded, registry.Ended:
		if l := g.of(g.keys[command.Key]); l == nil || l.live {
			g.w.fail("promise 2: %s was told that its key %q is used up (code %d)", c.name, command.Key, req.code)
		}
	}
}
