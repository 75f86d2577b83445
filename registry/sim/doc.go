// Package sim runs whole clusters of registries from one seed: three real
// [registry.Replica]s over a model of Raft's log, clients of several kinds, and
// faults, all in virtual time, with the promises checked at every step.
//
// What is real: the state machine, the judge of time, the codec, the durable
// image and its reload. What is modelled: elections and replication, the
// collector that gathers renewals, the network, clocks, processes and disks.
// It has no goroutine, no clock and no I/O: the same seed makes the same run.
//
// The checkers: what was acknowledged is committed (promise 1), took effect
// once (2), is buried neither early (3) nor late (4), has one holder (5), is
// renewed in order (6), is seen by watchers without a gap (7) and is the same on
// all replicas, reloaded ones too (10); certificates, and lists of the past, tell
// the truth; a message waits until it is acknowledged, dead or expired, is read
// in order, and leaves a gap if it was dropped (8). The ghost that they ask knows
// the committed log and true time; the replicas do not know the ghost.
//
//	go test ./registry/sim                               some hundred seeds, every planted bug
//	go test ./registry/sim -run TestSeeds -seeds 100000 -v -timeout 1h
//	go test ./registry/sim -run 'TestSeed$' -seed 42 -v  one seed, with its trace
//
// A checker must be able to fail, so bugs can be planted: inside the registry
// ([registry.Faults]) and in what surrounds it ([Bugs]).
package sim
