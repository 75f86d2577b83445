package scaling

import (
	"fmt"
	"hash/fnv"
	"math"
)

// Owner returns the group that has a namespace: where it was moved to, else the
// one of the highest hash with it (rendezvous hashing: a further group takes its
// part from all others, and nothing else moves). It is "" without groups.
func Owner(ns string, groups []string, moved map[string]string) string {
	if to, ok := moved[ns]; ok {
		return to
	}
	best, owner := uint64(0), ""
	for _, g := range groups {
		h := fnv.New64a()
		fmt.Fprintf(h, "%s\x00%s", ns, g)
		if score := mixed(h.Sum64()); owner == "" || score > best {
			best, owner = score, g
		}
	}
	return owner
}

// mixed spreads a hash over all its bits (the finalizer of SplitMix64).
func mixed(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Spread is how namespaces fall on groups.
type Spread struct {
	Largest float64 // the leases of the fullest group, in parts of an even share
	Moved   float64 // the part of all leases that a further group takes over
	First   float64 // the part of all leases that the largest namespace has
}

// Scatter puts so many namespaces on groups. Their sizes fall as 1/rank: few are
// large, as tenants are.
func Scatter(namespaces, groups int) Spread {
	before, after := names(groups), names(groups+1)
	held := make(map[string]float64)
	var all, moved float64
	for i := range namespaces {
		ns, size := fmt.Sprintf("tenant-%d", i), 1/float64(i+1)
		owner := Owner(ns, before, nil)
		held[owner] += size
		all += size
		if Owner(ns, after, nil) != owner {
			moved += size
		}
	}
	most := 0.
	for _, size := range held {
		most = math.Max(most, size)
	}
	return Spread{Largest: most / all * float64(groups), Moved: moved / all, First: 1 / all}
}

func names(groups int) (list []string) {
	for i := range groups {
		list = append(list, fmt.Sprintf("g%d", i+1))
	}
	return list
}
