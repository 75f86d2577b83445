//go:build linux

package main

import (
	"testing"
	"time"
)

func TestBoundOfABurial(t *testing.T) {
	at := time.Now()
	in := func(seconds int) time.Time { return at.Add(time.Duration(seconds) * time.Second) }
	const ttl, late = 8 * time.Second, time.Second
	for _, c := range []struct {
		name  string
		spans []span
		since time.Time
		by    int
		known bool
	}{
		{"calm", nil, time.Time{}, 9, true},
		{"an unrest before", []span{{in(-5), in(-1), false}}, time.Time{}, 9, true},
		{"an unrest amid", []span{{in(1), in(4), false}}, time.Time{}, 11, true},
		{"one that is over soon enough", []span{{in(1), in(2), false}}, time.Time{}, 9, true},
		{"one that began before", []span{{in(-5), in(5), false}}, time.Time{}, 12, true},
		{"one after the end", []span{{in(10), in(12), false}}, time.Time{}, 9, true},
		{"one within the time that another gave", []span{{in(1), in(6), false}, {in(12), in(20), false}}, time.Time{}, 27, true},
		{"in the order of their ends", []span{{in(12), in(14), false}, {in(1), in(6), false}}, time.Time{}, 21, true},
		{"one in which nodes began anew", []span{{in(1), in(4), true}}, time.Time{}, 13, true},
		{"one that lasts", nil, in(3), 9, false},
		{"one that lasts and began too late", nil, in(10), 9, true},
	} {
		u := &unrest{spans: c.spans, since: c.since}
		if by, known := u.bound(at, ttl, late); !by.Equal(in(c.by)) || known != c.known {
			t.Errorf("%s: by %v, %v; want %v, %v", c.name, by.Sub(at), known, in(c.by).Sub(at), c.known)
		}
	}
}

func TestUnrestLasts(t *testing.T) {
	u := new(unrest)
	u.begin()
	if _, known := u.bound(time.Now(), time.Second, 0); known {
		t.Error("a bound amid an unrest")
	}
	u.end()
	u.between(time.Now(), time.Now())
	if _, known := u.bound(time.Now(), time.Second, 0); !known || len(u.spans) != 2 {
		t.Errorf("%d spans", len(u.spans))
	}
}
