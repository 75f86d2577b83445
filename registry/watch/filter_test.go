package watch

import (
	"testing"

	"github.com/seed-b4c92e43/rollcall/registry"
)

func TestFilter(t *testing.T) {
	type event = registry.Event
	web, webV2, db := lease("web"), lease("web", "v2", "eu"), lease("db")
	begun := &event{NS: "default", ID: "web-1", Lease: webV2}
	gone := &event{NS: "default", ID: "web-1", Before: webV2}
	plainer := &event{NS: "default", ID: "web-1", Before: webV2, Lease: web}
	moved := &event{NS: "default", ID: "web-1", Before: web, Lease: db}
	elsewhere := &event{NS: "other", ID: "web-1", Lease: web}
	bare := &event{NS: "default", ID: "web-1"}
	for _, test := range []struct {
		name   string
		filter Filter
		event  *event
		want   [2]bool // matches, leaves
	}{
		{"everything", Filter{NS: "default"}, begun, [2]bool{true, false}},
		{"no lease at all", Filter{NS: "default"}, bare, [2]bool{}},
		{"another namespace", Filter{NS: "default"}, elsewhere, [2]bool{}},
		{"no namespace is no wildcard", Filter{}, begun, [2]bool{}},
		{"id", Filter{NS: "default", ID: "web-1"}, gone, [2]bool{true, false}},
		{"another id", Filter{NS: "default", ID: "web-10"}, gone, [2]bool{}},
		{"prefix", Filter{NS: "default", Prefix: "web-"}, begun, [2]bool{true, false}},
		{"another prefix", Filter{NS: "default", Prefix: "web-10"}, begun, [2]bool{}},
		{"service", Filter{NS: "default", Service: "web"}, gone, [2]bool{true, false}},
		{"service that it leaves", Filter{NS: "default", Service: "web"}, moved, [2]bool{true, true}},
		{"service that it comes to", Filter{NS: "default", Service: "db"}, moved, [2]bool{true, false}},
		{"another service", Filter{NS: "default", Service: "api"}, moved, [2]bool{}},
		{"all tags", Filter{NS: "default", Tags: []string{"eu", "v2"}}, begun, [2]bool{true, false}},
		{"one tag too many", Filter{NS: "default", Tags: []string{"eu", "v3"}}, begun, [2]bool{}},
		{"tag that it loses", Filter{NS: "default", Tags: []string{"v2"}}, plainer, [2]bool{true, true}},
		{"an end leaves nothing behind", Filter{NS: "default", Tags: []string{"v2"}}, gone, [2]bool{true, false}},
		{"both on the same side", Filter{NS: "default", Service: "db", Tags: []string{"v2"}}, &event{NS: "default", Before: webV2, Lease: db}, [2]bool{}},
	} {
		if matches, leaves := test.filter.Match(test.event); [2]bool{matches, leaves} != test.want {
			t.Errorf("%s: matches %v, leaves %v", test.name, matches, leaves)
		}
	}
}
