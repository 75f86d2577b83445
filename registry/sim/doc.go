// Package sim runs whole clusters of registries from one seed: three real
// [registry.Replica]s over a model of Raft's log, clients of several kinds, and
// faults, all in virtual time, with the promises checked at every step.
//
// What is real: the state machine, the judge of time, the codec, the durable
// image and its reload. What is modelled: elections and replication, the
// collector that gathers renewals, the network, clocks, processes and disks.
// It has no goroutine, no clock and no I/O: the same seed makes the same run.
//
// A checker must be able to fail, so bugs can be planted: inside the registry
// ([registry.Faults]) and in what surrounds it ([Bugs]).
package sim
