package scaling

import (
	"fmt"
	"testing"
)

// TestAFurtherGroupTakesItsPartAndNothingElseMoves: by rendezvous hashing a
// namespace changes its group only for the new one.
func TestAFurtherGroupTakesItsPartAndNothingElseMoves(t *testing.T) {
	const namespaces = 10_000
	for groups := range 8 {
		moved := 0
		for i := range namespaces {
			ns := fmt.Sprintf("tenant-%d", i)
			before, after := Owner(ns, names(groups), nil), Owner(ns, names(groups+1), nil)
			if before == after {
				continue
			}
			if moved++; after != names(groups + 1)[groups] {
				t.Fatalf("%s moved from %q to %q when there were %d groups", ns, before, after, groups+1)
			}
		}
		near(t, fmt.Sprintf("moved to group %d", groups+1), float64(moved), namespaces/float64(groups+1), 0.1)
	}
}

// TestAMovedNamespaceStaysWhereItWasPut, whatever its hash.
func TestAMovedNamespaceStaysWhereItWasPut(t *testing.T) {
	moved := map[string]string{"big": "g2"}
	for groups := 2; groups < 10; groups++ {
		if got := Owner("big", names(groups), moved); got != "g2" {
			t.Errorf("of %d groups it is in %q", groups, got)
		}
	}
	if got := Owner("big", nil, nil); got != "" {
		t.Errorf("without groups it is in %q", got)
	}
}

// TestScatterCountsAll: one group holds everything.
func TestScatterCountsAll(t *testing.T) {
	s := Scatter(100, 1)
	near(t, "one group", s.Largest, 1, 1e-9)
	if s.First <= 0 || s.First >= 1 || s.Moved <= 0 || s.Moved >= 1 {
		t.Errorf("%+v", s)
	}
}
