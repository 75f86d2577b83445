package registry

import (
	"fmt"
	"testing"
)

func TestSmoke(t *testing.T) {
	r := NewReplica("n1")
	r.Lead(1)
	idx := uint64(0)
	do := func(c ...Command) Outcome {
		idx++
		e := Entry{Wall: 1000 + int64(idx), Advance: 5, Proposer: "n1", Commands: c}
		d, err := DecodeEntry(e.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		return r.Apply(Position{idx, 1}, &d, 0)
	}
	do(&Serve{Term: 1, ClusterID: "c"})
	for i := range 5000 {
		o := do(&Grant{NS: "default", ID: fmt.Sprintf("w-%d", i*7919%5000), Spec: Spec{Service: "web", Tags: []string{"a", "b"}, Meta: []Pair{{"zone", "a"}}}, TTL: 1000})
		if o.Results[0].Code != OK {
			t.Fatal(o)
		}
	}
	n := 0
	for q := (Query{NS: "default", Service: "web", Limit: 100}); ; {
		p := r.List(q)
		for _, l := range p.Leases {
			if l.ID <= q.After {
				t.Fatal(l.ID)
			}
			q.After = l.ID
		}
		n += len(p.Leases)
		if !p.More {
			break
		}
	}
	if n != 5000 || r.Digest() == 0 || r.sum != r.recount() {
		t.Fatal(n)
	}
	for i := range 5000 {
		if o := do(&Leave{"default", fmt.Sprintf("w-%d", i), 0}, &Evict{"default", fmt.Sprintf("w-%d", i)}); o.Results[1].Code != OK || o.Results[0].Code != Superseded {
			t.Fatal(o)
		}
	}
	if r.postings.root.items != nil && len(r.postings.root.items) != 0 || len(r.postings.counts) != 0 || r.sum != r.recount() {
		t.Fatal("rest")
	}
}
