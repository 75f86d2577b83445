package api

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/gorilla/websocket"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// sessionOp is one row of the table of what a session can be asked.
type sessionOp struct {
	// permission is what a token will have to grant.
	permission string
	// run answers a request. What it returns beside the answer is done when the
	// answer waits to be written, nil for nothing.
	run func(*session, context.Context, *call, *fields) (body any, then func(), err error)
	// inTurn is true for what commits a command: those of a session keep the order
	// of their frames.
	inTurn bool
}

// sessionOps is that table. A heartbeat is not in it as the others are: it
// waits on no goroutine.
var sessionOps = map[string]sessionOp{
	wire.OpRegister:   {"lease:grant", (*session).register, true},
	wire.OpHeartbeat:  {"lease:renew", nil, false},
	wire.OpHeartbeats: {"lease:renew", (*session).heartbeats, false},
	wire.OpUpdate:     {"lease:renew", (*session).update, true},
	wire.OpLeave:      {"lease:release", (*session).leave, true},
	wire.OpSend:       {"msg:send", (*session).send, true},
	wire.OpAck:        {"msg:receive", (*session).ack, true},
	wire.OpNack:       {"msg:receive", (*session).nack, true},
	wire.OpWatch:      {"watch", (*session).watch, false},
	wire.OpUnwatch:    {"watch", (*session).unwatch, false},
}

// take begins the request of a frame. A frame that is not of the subprotocol at
// all ends the session; whatever else is wrong is answered.
func (c *session) take(kind int, payload []byte) *ending {
	weight := min(1+len(payload)>>10, maxWeight)
	if !c.admit(weight) {
		return nil
	}
	if kind != int(c.format.opcode) {
		c.refuse(rid{}, weight, invalid(fieldFrame, "the subprotocol %s has no frames of this type", c.ws.Subprotocol()))
		return &ending{code: websocket.CloseUnsupportedData, text: "text frames are JSON, binary frames CBOR"}
	}
	if c.format == jsonFrames {
		if f, ok := scanBeatFrame(payload); ok {
			c.heartbeat(&f, weight)
			return nil
		}
	}
	v, err := decodeDeep(payload, c.format.media)
	if err != nil {
		return c.misread(err, weight)
	}
	c.request(fieldsOf(v), weight)
	return nil
}

// fieldFrame is the field of a problem with a frame as a whole.
const fieldFrame = "frame"

// misread answers a frame that could not be taken apart. One whose end is not
// certain, because it is no JSON or CBOR, is the last.
func (c *session) misread(err error, weight int) *ending {
	problem := c.problem(err, "")
	whole := problem.Field == fieldBody
	if whole {
		problem.Field = fieldFrame
	}
	c.refuse(rid{}, weight, problem)
	if whole {
		return &ending{code: websocket.CloseInvalidFramePayloadData, text: "the frame could not be read"}
	}
	return nil
}

// request begins the request that f has.
func (c *session) request(f *fields, weight int) {
	r, _ := f.rid("rid")
	name, there := f.takeKind("op", kindText)
	f.require("op", there)
	op, known := sessionOps[name.text]
	if !known {
		f.fail("op", "%s is not one", quote(name.text))
	}
	if f.problem != nil {
		c.refuse(r, weight, f.problem)
		return
	}
	q := call{rid: r, op: name.text, weight: weight, ns: f.namespace()}
	if q.op == wire.OpHeartbeat {
		c.decodedHeartbeat(&q, f)
		return
	}
	if token, ok := c.begin(q); ok {
		t := c.turnOf(op)
		c.work.Go(func() { c.run(token, q, op, f, t) })
	}
}

// turnOf returns the turn of a request, nil where it needs none. The reader
// alone calls it.
func (c *session) turnOf(op sessionOp) *turn {
	if !op.inTurn {
		return nil
	}
	c.last = nextTurn(c.last)
	return c.last
}

// namespace takes the namespace of a request.
func (f *fields) namespace() string {
	if ns, ok := f.text("ns", isName); ok {
		return ns
	}
	return wire.DefaultNS
}

// id takes the id of the lease or mailbox that a request is about.
func (f *fields) leaseID(name string) string {
	id, ok := f.text(name, isID)
	f.require(name, ok)
	return id
}

// begin takes up a request; false where its rid is in use, which is answered.
func (c *session) begin(q call) (token uint64, ok bool) {
	c.mu.Lock()
	token, ok = c.calls.begin(q)
	c.mu.Unlock()
	if !ok {
		c.refuse(q.rid, q.weight, invalid("rid", "rid: a request or a watch of that rid is not over"))
	}
	return token, ok
}

// run answers one request; the session waits for it before it is over.
func (c *session) run(token uint64, q call, op sessionOp, f *fields, t *turn) {
	ctx, cancel := context.WithTimeout(context.Background(), writeWithin)
	defer cancel()
	if t != nil {
		ctx = context.WithValue(ctx, turnKey{}, t)
		defer t.end()
	}
	body, then, err := c.guarded(ctx, &q, op, f)
	c.answer(token, body, err)
	if err == nil && then != nil {
		then()
	}
}

// guarded runs an op; a panic becomes an error.
func (c *session) guarded(ctx context.Context, q *call, op sessionOp, f *fields) (body any, then func(), err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return op.run(c, ctx, q, f)
}

// answer lets the answer to a request wait to be written.
func (c *session) answer(token uint64, body any, err error) {
	c.mu.Lock()
	q := c.calls.end(token, err == nil && c.calls.slots[token].op == wire.OpWatch)
	c.mu.Unlock()
	if err != nil {
		c.refuse(q.rid, q.weight, c.problem(err, q.op))
		return
	}
	payload, err := c.encode(wire.OpOK, q.rid, body)
	if err != nil {
		c.refuse(q.rid, q.weight, c.problem(err, q.op))
		return
	}
	c.put(payload, q.weight)
}

// encode returns an answer.
func (c *session) encode(op string, r rid, body any) ([]byte, error) {
	raw, err := c.format.encode(body)
	if err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	return c.format.answer(nil, op, r, raw)
}

// refuse answers with a problem.
func (c *session) refuse(r rid, weight int, problem *wire.Problem) {
	payload, err := c.encode(wire.OpError, r, problem)
	if err != nil {
		c.end(c.broke(err))
		return
	}
	c.put(payload, weight)
}

func (c *session) problem(err error, op string) *wire.Problem {
	return c.server.problemOf(err, asked{c.name, op, wire.PathSession})
}

// update changes a lease.
func (c *session) update(ctx context.Context, q *call, f *fields) (any, func(), error) {
	patch := f.patch(q.ns, f.leaseID("id"))
	if err := f.done(); err != nil {
		return nil, nil, err
	}
	lease, err := c.server.change(ctx, patch)
	return lease, nil, err
}

// send puts a message into a mailbox.
func (c *session) send(ctx context.Context, q *call, f *fields) (any, func(), error) {
	to := f.leaseID("to")
	sent, err := c.server.deliver(ctx, q.ns, to, f)
	return sent, nil, err
}

// ack ends messages that were dealt with.
func (c *session) ack(ctx context.Context, q *call, f *fields) (any, func(), error) {
	acked, err := c.server.acknowledge(ctx, q.ns, f.leaseID("id"), f)
	return acked, nil, err
}

// nack gives messages back.
func (c *session) nack(ctx context.Context, q *call, f *fields) (any, func(), error) {
	nacked, err := c.server.giveBack(ctx, q.ns, f.leaseID("id"), f)
	return nacked, nil, err
}

// register grants a lease, which is the session's then.
func (c *session) register(ctx context.Context, q *call, f *fields) (any, func(), error) {
	grant, err := c.registration(q.ns, f)
	if err != nil {
		return nil, nil, err
	}
	before := c.spare(registry.Identity{NS: grant.NS, ID: grant.ID})
	granted, _, err := c.server.register(ctx, grant)
	c.unspare(before, err == nil && granted.ReplacedEpoch == before)
	return granted, func() { c.claim(granted.Epoch, registry.Identity{NS: grant.NS, ID: grant.ID}, true) }, err
}

// registration takes the members of a register.
func (c *session) registration(ns string, f *fields) (*registry.Grant, error) {
	key, _ := f.text("idempotency_key", isKey)
	id, there := f.text("id", isID)
	if !there {
		id = makeID(ns, key)
	}
	match, onlyAbsent := f.text("if_none_match", isAnything)
	if onlyAbsent && match != "*" {
		f.fail("if_none_match", "a registration takes * only")
	}
	reg := f.registration(c.server.limits)
	if err := f.done(); err != nil {
		return nil, err
	}
	return &registry.Grant{NS: ns, ID: id, Spec: reg.spec, TTL: reg.ttl, IfAbsent: onlyAbsent, Key: key}, c.mayClaim()
}

// isKey is the rule of an Idempotency-Key.
func isKey(text string) string {
	if !isPrintable(text, wire.MaxKey) {
		return fmt.Sprintf("want 1 to %d visible ASCII characters", wire.MaxKey)
	}
	return ""
}

func isAnything(string) string { return "" }

// leave ends a lease by the will of its holder.
func (c *session) leave(ctx context.Context, q *call, f *fields) (any, func(), error) {
	leave := &registry.Leave{NS: q.ns, ID: f.leaseID("id"), Epoch: f.epoch()}
	if err := f.done(); err != nil {
		return nil, nil, err
	}
	c.spareEpoch(leave.Epoch)
	certificate, err := c.server.finish(ctx, leave, leave.NS, leave.ID, leave.Epoch)
	c.unspare(leave.Epoch, err == nil)
	return certificate, nil, err
}
