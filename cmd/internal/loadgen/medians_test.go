package loadgen

import (
	"reflect"
	"testing"
)

type someFigures struct {
	Name   string
	Rate   float64
	Inner  struct{ Count int64 }
	Told   *float64
	Nobody *float64
	Codes  map[string]int64
	List   []int64
	Uneven []string
	Early  bool
}

func TestMediansAreThoseOfEachFigure(t *testing.T) {
	runs := []someFigures{
		{Name: "a", Rate: 3, Told: new(1.0), Codes: map[string]int64{"x": 5, "y": 1}, List: []int64{1, 9}, Uneven: []string{"a"}},
		{Name: "a", Rate: 1, Codes: map[string]int64{"x": 7}, List: []int64{2, 8}, Uneven: []string{"b", "c"}, Early: true},
		{Name: "a", Rate: 2, Told: new(3.0), Codes: map[string]int64{"x": 6}, List: []int64{3, 7}, Uneven: []string{"d"}},
	}
	for i := range runs {
		runs[i].Inner.Count = int64(10 * i)
	}
	want := someFigures{
		Name: "a", Rate: 2, Told: new(1.0), Codes: map[string]int64{"x": 6, "y": 0}, List: []int64{2, 8}, Uneven: []string{"a"}, Early: true,
	}
	want.Inner.Count = 10
	if got := medians(runs); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := medians(runs[:1]); !reflect.DeepEqual(got, runs[0]) {
		t.Errorf("of one: %+v, want %+v", got, runs[0])
	}
}

func TestMedianOfAnEvenNumberWasMeasured(t *testing.T) {
	runs := make([]someFigures, 4)
	for i, rate := range []float64{40, 10, 30, 20} {
		runs[i].Rate = rate
	}
	if got := medians(runs).Rate; got != 20 {
		t.Errorf("got %v", got)
	}
}

func TestErrorOfAnyRunIsTold(t *testing.T) {
	runs := make([]Usage, 3)
	for i := range runs {
		runs[i].Nodes = []NodeUsage{{Endpoint: "n1"}}
	}
	runs[1].Nodes[0].Error = errRestarted.Error()
	if got := medians(runs).Nodes[0]; got.Endpoint != "n1" || got.Error != errRestarted.Error() {
		t.Errorf("got %+v", got)
	}
}
