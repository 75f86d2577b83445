package registry

// State is the truth: live leases, certificates and their indexes.
type State struct{}

// Deadlines is the local judge of time.
type Deadlines struct{}

// Revision returns the number of committed changes.
func (s *State) Revision() uint64 { panic("skeleton") }

// Index returns the Raft index of the last entry applied.
func (s *State) Index() uint64 { panic("skeleton") }

// ClusterID returns the id of the cluster, "" before it was founded.
func (s *State) ClusterID() string { panic("skeleton") }

// Now returns the cluster time in milliseconds and the last wall stamp.
func (s *State) Now() (clusterMS uint64, wall int64) { panic("skeleton") }

// Len returns the number of live leases.
func (s *State) Len() int { panic("skeleton") }

// Lease returns the live lease of an id.
func (s *State) Lease(ns, id string) (Lease, bool) { panic("skeleton") }

// Holder returns whose live epoch this is, without allocating.
func (s *State) Holder(epoch uint64) (ns, id string, ok bool) { panic("skeleton") }

// Certificate returns the newest certificate of an id that is kept.
func (s *State) Certificate(ns, id string) (Certificate, bool) { panic("skeleton") }

// CertificateOf returns the certificate of an ended epoch.
func (s *State) CertificateOf(epoch uint64) (Certificate, bool) { panic("skeleton") }

// List answers a query.
func (s *State) List(q Query) Page { panic("skeleton") }

// Services counts the leases of each service of a namespace, by name.
func (s *State) Services(ns string) []ServiceCount { panic("skeleton") }

// Digest returns the incremental digest of the logical state.
func (s *State) Digest() uint64 { panic("skeleton") }

// Kind names a kind of record in the durable image.
type Kind uint8

// The kinds; raftstore keeps one bucket for each.
const (
	KindMeta Kind = iota + 1
	KindLease
	KindCertificate
)

// Flush hands out every record that changed since the last Flush (value nil:
// the record is gone) and the meta record, which holds the index. Renewals are
// not records: see Renewals.
func (s *State) Flush(put func(kind Kind, key, value []byte)) { panic("skeleton") }

// FlushSize estimates the bytes that Flush would hand out now.
func (s *State) FlushSize() int { panic("skeleton") }

// Renewals packs what renewals changed (epoch, seq, renewals, missed, last
// wall stamp of every live lease) at the present index.
func (s *State) Renewals() []byte { panic("skeleton") }

// Load takes one record of a durable image into an empty state; after the
// last, LoadRenewals takes the packed renewals, and Loaded finishes.
func (s *State) Load(kind Kind, key, value []byte) error { panic("skeleton") }

// LoadRenewals takes packed renewals.
func (s *State) LoadRenewals(packed []byte) error { panic("skeleton") }
