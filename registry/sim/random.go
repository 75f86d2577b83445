package sim

import (
	"math/bits"
	"time"
)

// random is SplitMix64: one word of state, and all that a run needs of chance.
type random uint64

func (r *random) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// n returns a number below n.
func (r *random) n(n int) int {
	hi, _ := bits.Mul64(r.next(), uint64(n))
	return int(hi)
}

// p is true with that probability.
func (r *random) p(probability float64) bool {
	return float64(r.next()>>11)/(1<<53) < probability
}

// between returns a duration in [lo, hi].
func (r *random) between(lo, hi time.Duration) time.Duration {
	if hi <= lo {
		return lo
	}
	return lo + time.Duration(r.n(int(hi-lo+1)))
}

// about returns d give or take a tenth.
func (r *random) about(d time.Duration) time.Duration {
	return r.between(d-d/10, d+d/10)
}
