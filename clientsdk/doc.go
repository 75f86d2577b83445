// Package clientsdk is what a Go program uses to be present in a rollcall
// cluster, and to ask who else is.
//
// A [Client] holds the endpoints and the connections. [Client.Register] takes
// a [Lease] that keeps itself alive until its context ends: it renews every
// third of the TTL T, asks another endpoint after every failure, registers
// again when the cluster has forgotten it, and says why whenever a lease was
// lost. A [Gateway] does the same work in batches for devices that cannot
// speak for themselves. The rest are questions ([Client.Alive],
// [Client.Services], [Client.Lease]) and an operator's calls.
//
// The package does not decide who is alive, the cluster does. What a holder
// may believe on its own is only the cautious half: [Lease.Valid] turns false
// by itself once T has passed since the sending of the last acknowledged
// renewal, on a clock that runs on while the machine sleeps.
//
// It imports the standard library and api/wire, nothing else.
package clientsdk
