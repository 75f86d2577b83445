package collector

import "github.com/seed-b4c92e43/rollcall/registry"

const (
	// groupMin is what the smallest group counts as among the beats of groups,
	// so that tiny groups are bounded by the same limit.
	groupMin = 16
	// namedSingles is what a renewal by name counts as among single beats: it
	// takes about as much memory.
	namedSingles = 4
	// commandOverhead is about what a command takes beside its texts.
	commandOverhead = 64
)

// load is what waits, or what one unit adds to it.
type load struct {
	beats    int // of every kind
	singles  int // single beats, and namedSingles for each renewal by name
	groups   int // beats of groups and frames, at least groupMin for each
	commands int // others
	parts    int // others and renewals by name
	bytes    int // of others and of renewals by name, estimated
}

func (l *load) add(m load) {
	l.beats += m.beats
	l.singles += m.singles
	l.groups += m.groups
	l.commands += m.commands
	l.parts += m.parts
	l.bytes += m.bytes
}

func (l *load) sub(m load) {
	l.add(load{-m.beats, -m.singles, -m.groups, -m.commands, -m.parts, -m.bytes})
}

// pressed says that renewals take half of the room or more.
func (c *Config) pressed(l load) bool {
	return l.singles >= c.MaxSingles/2 || l.groups >= c.MaxGroupBeats/2
}

// admit says whether m may wait beside l. A unit that has beats is judged as a
// renewal, whatever commands it brings along: these are bounded by the few
// frames that followers may have on their way.
func (c *Config) admit(l, m load) bool {
	switch {
	case m.groups > 0:
		return l.groups+m.groups <= c.MaxGroupBeats
	case m.commands > 0:
		return !c.pressed(l) && l.commands+m.commands <= c.MaxCommands && l.bytes+m.bytes <= c.MaxCommandBytes
	default:
		return l.singles+m.singles <= c.MaxSingles
	}
}

// size estimates the bytes of an encoded command.
func size(c registry.Command) int {
	switch c := c.(type) {
	case *registry.Grant:
		return commandOverhead + len(c.NS) + len(c.ID) + len(c.Key) + specSize(&c.Spec)
	case *registry.Patch:
		return commandOverhead + len(c.NS) + len(c.ID) + patchSize(c)
	case *registry.Renew:
		return commandOverhead + len(c.Beats)
	case *registry.Expire:
		return commandOverhead + 24*len(c.Burials)
	default: // names only
		return 2 * commandOverhead
	}
}

func specSize(s *registry.Spec) int {
	return len(s.Service) + len(s.Address) + tagsSize(s.Tags) + metaSize(s.Meta)
}

func patchSize(p *registry.Patch) (n int) {
	if p.Address != nil {
		n += len(*p.Address)
	}
	if p.Tags != nil {
		n += tagsSize(*p.Tags)
	}
	if p.Meta != nil {
		n += metaSize(*p.Meta)
	}
	return n
}

func tagsSize(tags []string) (n int) {
	for _, t := range tags {
		n += len(t) + 2
	}
	return n
}

func metaSize(meta []registry.Pair) (n int) {
	for _, p := range meta {
		n += len(p.Key) + len(p.Value) + 4
	}
	return n
}
