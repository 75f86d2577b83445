package collector

import "time"

// Config holds the limits of a collector; all of them stand here. Zero values
// take the defaults that stand beside the fields.
type Config struct {
	// MaxInFlight is how many batches may be on their way to one sink; 2. One
	// costs 10 % to 20 % of throughput, four only add latency.
	MaxInFlight int

	// MaxBatchBeats is how many beats leave in one batch, 16 bytes each; 8,000
	// (128 kB). Raising it makes one entry, and the pause of everything behind
	// it, longer. A single group that is larger goes alone.
	MaxBatchBeats int
	// MaxBatchCommands is how many other commands leave in one batch; 1,024.
	MaxBatchCommands int
	// MaxBatchBurials is how many burials leave in one batch; 200, which hold a
	// replica for 3 ms where it has a million leases. A larger command goes alone.
	MaxBatchBurials int
	// MaxBatchBytes is how many bytes these may have, estimated; 1 MiB. A single
	// larger command goes alone.
	MaxBatchBytes int

	// MaxGroup is how many beats one call of Beats may carry; 10,000.
	MaxGroup int

	// MaxSingles is how many single beats may wait; 65,536: 1 MiB, and a blocked
	// caller each. Raising it lets them wait longer under overload, at about
	// 0.3 s for each 64k on two cores.
	MaxSingles int
	// MaxGroupBeats is how many beats of groups may wait (a group counts as 16 at
	// least); 1,000,000: 16 MB, about a second of work.
	MaxGroupBeats int
	// MaxCommands is how many other commands may wait; 4,096. They are refused
	// too while half of what may wait of renewals does: renewals are shed last.
	MaxCommands int
	// MaxCommandBytes is how many bytes these may have, estimated; 16 MiB.
	MaxCommandBytes int
	// MaxBurials is how many burials may wait; 8,192. The judge finds those that
	// were not taken again.
	MaxBurials int

	// LingerBeats is the company at which a leader's beats leave at once; 16.
	// Raising it saves entries (two fdatasyncs on every node) at low rates.
	LingerBeats int
	// MaxLinger is how long they wait for it at most; 20 ms. It is added to the
	// latency of renewals at low rates.
	MaxLinger time.Duration

	// Patience is how long any request waits at most, whatever its context says;
	// 0 is for ever. It costs less than a context with a deadline.
	Patience time.Duration
}

func (c *Config) withDefaults() {
	set(&c.MaxInFlight, 2)
	set(&c.MaxBatchBeats, 8000)
	set(&c.MaxBatchCommands, 1024)
	set(&c.MaxBatchBurials, 200)
	set(&c.MaxBatchBytes, 1<<20)
	set(&c.MaxGroup, 10_000)
	set(&c.MaxSingles, 1<<16)
	set(&c.MaxGroupBeats, 1_000_000)
	set(&c.MaxCommands, 4096)
	set(&c.MaxCommandBytes, 16<<20)
	set(&c.MaxBurials, 8192)
	set(&c.LingerBeats, 16)
	set(&c.MaxLinger, 20*time.Millisecond)
}

func set[N int | time.Duration](p *N, value N) {
	if *p == 0 {
		*p = value
	}
}
