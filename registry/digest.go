package registry

// The digest is a sum of hashes, one for each live lease, certificate, hold and
// kept event, so that a change costs what changed and the order does not matter. What a
// renewal touches is hashed apart from the attributes.

// Digest returns the incremental digest of the logical state.
func (s *State) Digest() uint64 {
	h := mix(s.sum, s.revision)
	h = mix(h, s.clusterMS)
	h = mix(h, uint64(s.wall))
	h = mixString(h, s.clusterID)
	h = mix(mix(h, s.events.dropped.revision), uint64(s.events.dropped.wall))
	if s.unserved {
		h = mix(h, 1)
	}
	for _, v := range s.retention.values() {
		h = mix(h, v)
	}
	return h
}

// digestBeats hashes what renewals change.
func (l *lease) digestBeats() uint64 {
	return mix(mix(l.epoch, l.seq), mix(l.renewals, uint64(l.renewed)))
}

// digestLease hashes the rest of a live lease.
func (s *State) digestLease(l *lease) uint64 {
	g := s.groups.at(l.group)
	h := mixString(mixString(l.epoch, g.ns.name), g.service)
	h = mixString(h, string(l.packed))
	h = mix(mix(h, uint64(l.granted)), l.revision)
	return mix(h, uint64(l.ttl)<<32|uint64(l.port)<<8|uint64(l.resumes())<<4|uint64(l.state))
}

func digestCertificate(c *certificate) uint64 {
	h := mixString(mixString(mixString(c.Epoch, c.NS), c.ID), c.Service)
	h = mixString(mixString(h, c.Judge), c.key)
	for _, v := range [...]uint64{
		c.Revision, uint64(c.At), uint64(c.Cause), c.Term, c.LastSeq, c.LastRenewalAgeMS,
		uint64(c.TTL), c.OverdueMS, c.Missed, uint64(c.JudgeStallMS), c.ended,
	} {
		h = mix(h, v)
	}
	return h
}

func digestHold(h *hold) uint64 {
	d := mixString(mixString(h.since, h.ns), h.service)
	return mix(mix(mixString(d, h.reason), h.ends), h.rests)
}

func digestEvent(revision uint64, record eventRecord) uint64 {
	return mixString(mix(revision, hashA), string(record))
}
