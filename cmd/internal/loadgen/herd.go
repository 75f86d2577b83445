package loadgen

import (
	"strconv"
	"time"
)

// newHerd prepares the full leases of one service that a scenario holds beside what
// it measures. They are renewed in binary batches of 1,000.
func newHerd(t Target, leases int, ttl time.Duration) *run {
	cfg := Config{
		Endpoints: t.Endpoints, Token: t.Token, NS: t.NS, Prefix: t.Prefix, Timeout: t.Timeout, Watch: t.Watch,
		Mode: ModeBatch, Codec: CodecBinary, Leases: leases, TTL: ttl, Service: serviceOf(t.Prefix), full: true,
	}
	return newRun(cfg.withDefaults())
}

// numberOf is which lease of a run an id is.
func numberOf(prefix, id string) int {
	n, _ := strconv.Atoi(id[len(prefix):]) // made of a number, so never fails
	return n
}
