package registry

import "time"

// Protection says when the leases of a scope are held rather than buried: when
// more than Threshold of them fell silent within Window. Such silence says more
// of the network, or of a shared dependency, than of each holder. It is the
// judge's own setting, not replicated: see [Replica.Protect].
//
// Counted as silent are those that expired within Window, those that are held
// and those that are due; as the population, those that live and those that
// expired within Window. A service with a Protection of its own is not counted
// in that of its namespace.
type Protection struct {
	NS      string
	Service string // "" for all of the namespace

	Threshold     float64       // of the population, between 0 and 1
	MinPopulation int           // a smaller one is not protected
	MaxHold       time.Duration // the longest hold; then all that are held are buried
	Window        time.Duration // the recent past; a longer one trips for slower losses
	Rate          float64       // burials a second during a hold, of the held; 0: none
}

// rest is for how long nobody is held after a hold that lasted too long or was
// released: meanwhile those of it are buried, and count as silent for a Window.
func (p *Protection) rest() time.Duration { return max(p.MaxHold, 2*p.Window) }

func (p *Protection) scope() serviceName { return serviceName{p.NS, p.Service} }

// trips tells whether so many silent of a population are too many.
func (p *Protection) trips(silent, population int) bool {
	return population >= p.MinPopulation && float64(silent) > p.Threshold*float64(population)
}
