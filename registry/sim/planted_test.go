package sim

import (
	"reflect"
	"testing"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// within is how many seeds a planted bug may survive.
const within = 400

// planted returns every switch of Bugs and of registry.Faults, each alone: a
// new one is tested by being there.
func planted() map[string]Bugs {
	bugs := map[string]Bugs{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Bugs]()) {
		if f.Type.Kind() == reflect.Bool {
			var b Bugs
			reflect.ValueOf(&b).Elem().FieldByIndex(f.Index).SetBool(true)
			bugs[f.Name] = b
		}
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[registry.Faults]()) {
		var b Bugs
		reflect.ValueOf(&b.Registry).Elem().FieldByIndex(f.Index).SetBool(true)
		bugs["registry."+f.Name] = b
	}
	return bugs
}

// TestPlantedBugsAreCaught is the evidence that green means something.
func TestPlantedBugsAreCaught(t *testing.T) {
	if raceDetector {
		t.Skip("a seed runs in one goroutine")
	}
	for name, bugs := range planted() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := NewWorld()
			for seed := uint64(1); seed <= within; seed++ {
				if _, f := w.Run(seed, Options{Bugs: bugs}); f != nil {
					t.Logf("%s: %d seeds: %v", name, seed, f)
					return
				}
			}
			t.Errorf("%s: not caught within %d seeds", name, within)
		})
	}
}
