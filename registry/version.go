package registry

// Version names what a replica holds at a moment: every entry that it applies,
// replayed ones too, makes another. It means something in this process only,
// and keeps no replica alive. Zero is that of none.
type Version struct {
	replica *byte // another one for each replica
	applied uint64
}

// Version returns what the replica holds now. Time does not change it.
func (r *Replica) Version() Version { return r.version }

// Reaches tells whether a version is of the same replica as another, and not
// older.
func (v Version) Reaches(other Version) bool {
	return v.replica != nil && v.replica == other.replica && v.applied >= other.applied
}
