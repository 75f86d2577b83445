package scaling

import (
	"math"
	"math/rand/v2"
)

// quantile says that a part of all samples is at most so many medians.
type quantile struct{ part, medians float64 }

// syncSpread is how long an fdatasync takes, in medians: the shape of a disk
// that others share. It is assumed until a quiet machine tells a better one.
var syncSpread = []quantile{{0, 0.7}, {0.5, 1}, {0.9, 1.6}, {0.99, 4}, {0.999, 12}, {1, 60}}

// sample draws from a distribution that is given by its quantiles; between two
// of them it is straight.
func sample(r *rand.Rand, of []quantile) float64 {
	u := r.Float64()
	for i := 1; i < len(of); i++ {
		if low, high := of[i-1], of[i]; u <= high.part {
			return low.medians + (high.medians-low.medians)*(u-low.part)/(high.part-low.part)
		}
	}
	return of[len(of)-1].medians
}

// mean is that of such a distribution, in medians.
func mean(of []quantile) (m float64) {
	for i := 1; i < len(of); i++ {
		m += (of[i].part - of[i-1].part) * (of[i].medians + of[i-1].medians) / 2
	}
	return m
}

// poisson draws how many of a mean number of independent things happen.
func poisson(r *rand.Rand, mean float64) int {
	if mean > 50 {
		return max(0, int(math.Round(mean+math.Sqrt(mean)*r.NormFloat64())))
	}
	n := 0
	for left := r.Float64(); left > math.Exp(-mean); n++ {
		left *= r.Float64()
	}
	return n
}

// latencies is a histogram with steps of 2 %.
type latencies struct {
	counts [1024]int
	total  int
	most   float64
}

const latencyStep = 1.02

// add takes n that took so many microseconds.
func (l *latencies) add(us float64, n int) {
	i := int(math.Log(max(us, 1)) / math.Log(latencyStep))
	l.counts[min(i, len(l.counts)-1)] += n
	l.total += n
	l.most = max(l.most, us)
}

// at returns the latency below which a part of all is, in milliseconds.
func (l *latencies) at(part float64) float64 {
	left := int(part * float64(l.total))
	for i, n := range l.counts {
		if left -= n; left < 0 {
			return min(math.Pow(latencyStep, float64(i)+0.5), l.most) / 1000
		}
	}
	return l.most / 1000
}
