package loadgen

import "time"

// newHerd prepares the full leases of one service that a scenario holds beside what
// it measures. They are renewed in binary batches of 1,000.
func newHerd(t Target, leases int, ttl time.Duration) *run {
	cfg := Config{
		Endpoints: t.Endpoints, Token: t.Token, NS: t.NS, Prefix: t.Prefix, Timeout: t.Timeout, Watch: t.Watch,
		Mode: ModeBatch, Codec: CodecBinary, Leases: leases, TTL: ttl, Service: serviceOf(t.Prefix), Full: true,
	}
	return newRun(cfg.withDefaults())
}
