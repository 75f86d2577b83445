package loadgen

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func TestShapesAreTheirBodies(t *testing.T) {
	for _, full := range []bool{false, true} {
		s := shape{service: "bench", ttl: time.Minute, full: full}
		for _, n := range []int{0, 255, 9_999_999} {
			var got wire.Registration
			if err := json.Unmarshal(s.appendBody(nil, n), &got); err != nil || !reflect.DeepEqual(got, s.registration(n)) {
				t.Errorf("%s: got %+v, %v; want %+v", s.appendBody(nil, n), got, err, s.registration(n))
			}
			if got.Service != "bench" || got.TTLMS != 60_000 || full && (got.Port == 0 || len(got.Tags) != 2 || len(got.Meta) != 1) {
				t.Errorf("registration %+v", got)
			}
			if id := s.id("bench-abcdefgh-", n); full && len(id) != fullID || len(id) > wire.MaxID {
				t.Errorf("id %s", id)
			}
		}
	}
	if a, b := address(1), address(256); a != "10.0.0.1" || b != "10.0.1.0" {
		t.Errorf("addresses %s, %s", a, b)
	}
}
