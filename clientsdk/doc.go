// Package clientsdk is what a Go program uses to be present in a rollcall
// cluster, and to ask who else is.
//
// A [Client] holds the endpoints and the connections. [Client.Register] takes
// a [Lease] that keeps itself alive until its context ends: it renews every
// third of the TTL T, asks another endpoint after every failure, registers
// again when the cluster has forgotten it, and says why whenever a lease was
// lost. A [Gateway] does the same work in batches for devices that cannot
// speak for themselves. [Client.Watch] hears of others without a gap,
// [Client.Send] and [Client.Inbox] write to them and read what they wrote. The
// rest are questions ([Client.Alive], [Client.Services], [Client.Lease],
// [Client.History]) and an operator's calls.
//
// All of it goes over HTTP. With Config.Session, what keeps leases and mail
// going shares one WebSocket, and HTTP is what is left when there is none.
//
// The package does not decide who is alive, the cluster does. What a holder
// may believe on its own is only the cautious half: [Lease.Valid] turns false
// by itself once T has passed since the sending of the last acknowledged
// renewal, on a clock that runs on while the machine sleeps.
//
// Beyond the standard library it imports api/wire and gorilla/websocket.
package clientsdk
