// Package registry is the truth of rollcall: which leases live, why the others
// ended, what happened of late, and, beside it, each node's own judge of time.
//
// [State] is a deterministic state machine: the same entries in the same order
// make the same state, on every node and at every replay. [Deadlines] is
// local: it says how long a lease has by this node's lease clock, and whom a
// serving leader may propose to bury. A [Replica] is both.
//
// The package has no I/O, no clock, no lock and no goroutine. It does not
// check names and limits (that is the translator's work at the edge), but no
// input makes it panic. Readers that do not change it may run side by side.
package registry
