package node

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/history"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// within is how many seeds a planted bug may survive.
const within = 24

// planted returns every switch of faults, each alone: a new one is tested by being
// there. Then some of the registry's, in whole nodes; and disks that lie.
func planted() map[string]func(*haul) {
	bugs := map[string]func(*haul){"lying disks": func(h *haul) { h.liar = true }}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[faults]()) {
		if !f.IsExported() {
			continue
		}
		bugs[f.Name] = func(h *haul) { reflect.ValueOf(&h.faults).Elem().FieldByIndex(f.Index).SetBool(true) }
	}
	for name, f := range map[string]registry.Faults{
		"NoMargin":         {NoMargin: true},
		"OldEpochLeaves":   {OldEpochLeaves: true},
		"StaleSeqAccepted": {StaleSeqAccepted: true},
	} {
		bugs["registry."+name] = func(h *haul) { h.faults.registry = f }
	}
	return bugs
}

// TestPlantedBugsAreCaught is the evidence that green histories mean something.
func TestPlantedBugsAreCaught(t *testing.T) {
	if raceDetector {
		t.Skip("TestVirtualHours looks for races on the same ways")
	}
	bugs := planted()
	for _, name := range slices.Sorted(maps.Keys(bugs)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := uint64(1); seed <= within; seed++ {
				h := newHaul(seed)
				h.voters, h.edges, h.lasts, h.quiet = 3, 0, 15*time.Minute, time.Minute
				h.pictures = t.TempDir()
				bugs[name](h)
				if _, err := h.run(t); errors.Is(err, history.ErrViolation) {
					t.Logf("%s: %d seeds: %v", name, seed, err)
					return
				}
			}
			t.Errorf("%s: not caught within %d seeds", name, within)
		})
	}
}
