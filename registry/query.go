package registry

// Query asks who is alive. Every condition must hold.
type Query struct {
	NS      string
	Service string // "" for any
	Prefix  string // of the id
	Tags    []string
	Meta    []Pair
	States  []LeaseState // none: Alive, Draining and Held
	// Flapping asks for those that flap, or do not, at Now (cluster time).
	Flapping *bool
	Now      uint64
	After    string // ids greater than this one
	Limit    int    // at most this many; the caller bounds it
}

// Page is a part of an answer, sorted by id. More says that further leases may
// match; ask again with After set to Next (a page may be short, even empty,
// because the work for one page is bounded).
type Page struct {
	Leases []Lease
	More   bool
	Next   string
}

// ServiceCount says how many leases of a service there are.
type ServiceCount struct {
	Service               string
	Alive, Draining, Held int
	Revision              uint64 // of the last change
}
