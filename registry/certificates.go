package registry

// The limits of what is kept of the past where no Serve has set them.
const (
	defaultCertificateMS  = 24 * 60 * 60 * 1000
	defaultCertificateMax = 100_000
)

// forgetFloor is how many certificates, and how many events, one entry may
// forget beyond those that it makes, so that a shorter retention is reached in bounded steps.
const forgetFloor = 1000

// certificate is a kept Certificate with what finds and ages it.
type certificate struct {
	Certificate
	key   string // idempotency key of the ended epoch
	ended uint64 // cluster time
	marks mark
	next  *certificate // ended after this one
}

// keyed names an idempotency key, which belongs to an id.
type keyed struct {
	Identity
	key string
}

// certificates keeps why leases ended, oldest first. All maps point into the
// one list; what leaves the list leaves them.
type certificates struct {
	oldest, last *certificate
	made         int // since the last prune
	byEpoch      map[uint64]*certificate
	newest       map[Identity]*certificate
	byKey        map[keyed]*certificate
}

func newCertificates() *certificates {
	return &certificates{
		byEpoch: make(map[uint64]*certificate),
		newest:  make(map[Identity]*certificate),
		byKey:   make(map[keyed]*certificate),
	}
}

func (c *certificate) identity() Identity { return Identity{c.NS, c.ID} }
func (c *certificate) keyed() keyed       { return keyed{c.identity(), c.key} }

// add appends the certificate of the latest ending.
func (k *certificates) add(c *certificate) {
	if k.last == nil {
		k.oldest = c
	} else {
		k.last.next = c
	}
	k.last = c
	k.made++
	k.byEpoch[c.Epoch] = c
	k.newest[c.identity()] = c
	if c.key != "" {
		k.byKey[c.keyed()] = c
	}
}

// shift forgets the oldest certificate.
func (k *certificates) shift() {
	c := k.oldest
	if k.oldest = c.next; k.oldest == nil {
		k.last = nil
	}
	delete(k.byEpoch, c.Epoch)
	if k.newest[c.identity()] == c {
		delete(k.newest, c.identity())
	}
	if c.key != "" && k.byKey[c.keyed()] == c {
		delete(k.byKey, c.keyed())
	}
}

// normal returns r with the defaults in place.
func (r Retention) normal() Retention {
	if r.CertificateMS == 0 {
		r.CertificateMS = defaultCertificateMS
	}
	if r.CertificateMax == 0 {
		r.CertificateMax = defaultCertificateMax
	}
	if r.EventMS == 0 {
		r.EventMS = defaultEventMS
	}
	if r.EventMax == 0 {
		r.EventMax = defaultEventMax
	}
	if r.EventBytes == 0 {
		r.EventBytes = defaultEventBytes
	}
	r.Mail = r.Mail.normal()
	return r
}

// retain sets what is kept of the past.
func (s *State) retain(r Retention) {
	s.retention, s.kept = r, r.normal()
}

// forget drops certificates that are too old or too many, in bounded steps.
func (s *State) forget() {
	k, keep := s.certificates, &s.kept
	for steps := forgetFloor + 2*k.made; steps > 0 && k.oldest != nil; steps-- {
		old := k.oldest
		if len(k.byEpoch) <= int(keep.CertificateMax) && s.clusterMS-old.ended <= keep.CertificateMS {
			break
		}
		k.shift()
		s.sum -= digestCertificate(old)
		s.image.lost(KindCertificate, old.Revision, old.marks)
	}
	k.made = 0
}

// Certificate returns the newest certificate of an id that is kept.
func (s *State) Certificate(ns, id string) (Certificate, bool) {
	c := s.certificates.newest[Identity{ns, id}]
	if c == nil {
		return Certificate{}, false
	}
	return c.Certificate, true
}

// CertificateOf returns the certificate of an ended epoch.
func (s *State) CertificateOf(epoch uint64) (Certificate, bool) {
	c := s.certificates.byEpoch[epoch]
	if c == nil {
		return Certificate{}, false
	}
	return c.Certificate, true
}
