// Package watch hands the ordered events of a registry to many subscribers.
//
// Subscribers pull. A [Subscription] is a filter and a cursor (the revision up
// to which everything was looked at); nothing of it grows however slow its
// reader is. The [Hub] keeps a ring of the newest events, each encoded once for
// all. Who is behind the ring reads the event log of the registry, and who is
// behind that is told so (ErrCompacted). So within one subscription no event is
// skipped, repeated or out of order.
//
// Beside it, a [Listener] waits for mail of any number of ids.
//
// Publish runs under the lock of the replica and only puts events aside; Run,
// the one goroutine, which its owner starts, encodes them and wakes those whom
// they may concern. The package starts nothing by itself, reads no clock, and
// knows neither HTTP nor what an encoded event looks like inside.
package watch
