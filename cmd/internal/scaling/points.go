package scaling

// Point is what was measured of three nodes and the driver on one machine
// (docs/benchmarks.md), to hold the arithmetic against.
type Point struct {
	What     string
	Way      Way
	InFlight float64 // heartbeats
	Driver   float64 // CPU of the driver for one, microseconds
	Measured float64 // heartbeats a second
	P50      float64 // milliseconds
	// Within is by how much the arithmetic may differ, in parts.
	Within float64
}

// Points are the measured ones.
func Points() []Point {
	return []Point{
		{"single heartbeats over HTTP, 512 connections", HTTP, 512, 21, 19_500, 24, 0.15},
		{"sessions, 64 connections with 100 in flight", Session, 6400, 2, 183_000, 30, 0.15},
		{"batches of 1,000 in JSON, 16 connections", Batch, 16_000, 0.2, 1_003_000, 15, 0.15},
	}
}

// sharedCores are those of the machine on which all of it ran.
const sharedCores = 2

// inOneEntry is the part of the heartbeats in flight that share an entry when
// processors are short: two entries are on their way, one gathers, and the rest
// wait for a processor. It is the one number that was fitted to the points.
const inOneEntry = 0.2

// Worked is the rate that the unit costs make of a point: all the processor time
// that there is, by what a heartbeat takes of it in the driver and three nodes.
func (p *Point) Worked(c *Costs) float64 {
	front, _ := c.perBeat(p.Way)
	beat := p.Driver + front + 3*c.ApplyBeat + 2./3*c.ForwardBeat
	entry := c.EntryLeader + 2*c.EntryFollower
	return sharedCores * 1e6 / (beat + entry/min(batchMost, inOneEntry*p.InFlight))
}

// Waited is how long a heartbeat takes then by Little's law, in milliseconds.
func (p *Point) Waited(c *Costs) float64 { return p.InFlight / p.Worked(c) * 1000 }
