package collector

import (
	"slices"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// place is where the parts of a unit begin in a batch.
type place struct{ verified, renews, others int }

// layOut makes the commands of a batch and notes each unit's place in it.
func layOut(units []*unit) []registry.Command {
	var commands []registry.Command
	if verified := merge(units); len(verified) > 0 {
		commands = append(commands, &registry.Renew{Beats: verified})
	}
	for _, u := range units {
		u.place.renews = len(commands)
		commands = append(commands, u.renews...)
	}
	for _, u := range units {
		u.place.others = len(commands)
		commands = append(commands, u.others...)
	}
	return commands
}

// merge joins the verified beats of all units, without a copy if only one has
// any.
func merge(units []*unit) registry.Beats {
	var all registry.Beats
	for _, u := range units {
		u.place.verified = all.Len()
		if len(all) == 0 {
			all = slices.Clip(u.verified)
		} else {
			all = append(all, u.verified...)
		}
	}
	return all
}

// mine cuts the unit's results, in the order of its commands, out of a batch's.
func (u *unit) mine(results []registry.Result) []registry.Result {
	own := make([]registry.Result, 0, 1+len(u.renews)+len(u.others))
	if u.trusted {
		own = append(own, u.minePart(results))
	}
	own = append(own, results[u.place.renews:][:len(u.renews)]...)
	return append(own, results[u.place.others:][:len(u.others)]...)
}

// minePart cuts its beats out of the batch's Renew of NS "", which is first.
func (u *unit) minePart(results []registry.Result) registry.Result {
	n := u.verified.Len()
	if n == 0 {
		return registry.Result{}
	}
	part := results[0]
	part.Beats = part.Beats[u.place.verified:][:n:n]
	return part
}
