// Package scaling works out what a cluster of a given size carries: the load of
// leader, followers and edges, what runs out first, how many leases fit, and
// what a failure costs. The unit costs stand in one table, [Measured]; all else
// is arithmetic, and a simulation of the batch pipeline in virtual time with a
// seed. It measures nothing and opens no connection: docs/scaling.md is printed
// by it.
package scaling
