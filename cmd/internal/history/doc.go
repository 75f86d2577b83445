// Package history records what clients asked of a cluster and what they were
// told, and checks that all of it can be true: that there is one order of the
// operations on each lease, and on each mailbox, in which every answer is the
// one that the contract demands, and in which whatever was answered before
// another began comes before it (linearizability, by porcupine). It asks nobody
// itself, and knows a cluster by its answers only.
//
// An operation begins before its request leaves and ends with the answer. Then
// it has happened, in the way that was told. One that is never ended, or that
// ends with a time-out, a broken connection or a 5xx, stays open: it took
// effect once at any time since, or never. What surely had no effect (a 400, a
// 429, a connection that was refused) is dropped, as are reads without an answer.
//
//	h := history.New()
//	op := h.Grant(client, "web-1", history.Terms{Key: "first", TTL: 10 * time.Second})
//	resp, err := http.DefaultClient.Do(put)
//	if err == nil { // and the body was read whole
//		op.Answer(resp.StatusCode, body)
//	}
//	…
//	err = h.Check("dist/histories", time.Minute)
//
// Every grant, leave and eviction of a recorded id must be recorded, and every
// send, ack and nack of a recorded mailbox; renewals that are not recorded are
// taken for impossible as soon as they are seen. Reads are recorded only where
// they asked for consistency=linearizable. Ids are of one namespace: a recorder
// a namespace. A message that was requeued is not understood.
//
// A node may send a renewal again by itself. So a client may be told "duplicate",
// or how a lease ended that it had just renewed, by the only request that it sent.
//
// Time enters as bounds: a lease may be found expired no sooner than its TTL
// after the grant or the last renewal that took effect was sent. A lease that
// ends late is nobody's fault here. One clock is meant to time all clients.
package history
