package node

import (
	"slices"
	"testing"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// TestDecisionsInParts: nobody is left out, in the order of the judge, and what
// is said of all of them is said in each part.
func TestDecisionsInParts(t *testing.T) {
	burials := make([]registry.Burial, 2*maxBurials+7)
	for i := range burials {
		burials[i].Epoch = uint64(i + 1)
	}
	bury := &registry.Expire{Term: 7, StallMS: 40, Burials: burials}
	hold := &registry.Hold{Term: 7, NS: "n", Service: "web", MaxMS: 9, Reason: "why", Burials: burials}
	few := &registry.Hold{Term: 7, NS: "m", Burials: burials[:1]}
	var buried, held []registry.Burial
	for i, c := range inParts(bury, []*registry.Hold{hold, few}) {
		switch c := c.(type) {
		case *registry.Expire:
			buried = append(buried, c.Burials...)
			if len(held) > 0 || len(c.Burials) > maxBurials || c.Term != 7 || c.StallMS != 40 {
				t.Errorf("part %d: %d burials of term %d, stall %d", i, len(c.Burials), c.Term, c.StallMS)
			}
		case *registry.Hold:
			held = append(held, c.Burials...)
			if len(c.Burials) > maxBurials || c.NS == "n" && (c.Service != "web" || c.MaxMS != 9 || c.Reason != "why") {
				t.Errorf("part %d: %+v", i, c)
			}
		}
	}
	if !slices.Equal(buried, burials) || !slices.Equal(held, append(slices.Clone(burials), burials[0])) {
		t.Errorf("%d buried and %d held of %d", len(buried), len(held), len(burials))
	}
	if len(inParts(nil, nil)) != 0 {
		t.Error("nobody due makes commands")
	}
}
