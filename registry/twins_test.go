package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"testing"

	"pgregory.net/rapid"
)

var slot = regexp.MustCompile(`"Slot":\d+`)

// twins applies one random log to two replicas, of which one is flushed at random
// points and now and then made anew from its image and the log: they answer the
// same and are the same, entry by entry. What an image is made of is what a replica
// made of it would flush.
func twins(t *rapid.T) {
	straight, again := NewReplica("n1"), NewReplica("n1")
	d := &disk{records: make(map[string][]byte)}
	for i := range rapid.IntRange(1, 60).Draw(t, "entries") {
		at := Position{Index: uint64(i) + 1, Term: 1}
		entry := drawEntry(t, straight.Revision())
		data := entry.Append(nil)
		one, err := DecodeEntry(data)
		if err != nil {
			t.Fatal(err)
		}
		other, _ := DecodeEntry(data)
		a, b := straight.Apply(at, &one, 0), again.Apply(at, &other, 0)
		if x, y := said(t, a), said(t, b); x != y {
			t.Fatalf("entry %d: %s and %s", at.Index, x, y)
		}
		d.log = append(d.log, logged{at, data, straight.Digest(), services(straight.State)})
		again = d.maybeReload(t, again)
		if straight.Digest() != again.Digest() || straight.Revision() != again.Revision() {
			t.Fatalf("after entry %d the states differ", at.Index)
		}
	}
	if err := audit(again.State); err != nil {
		t.Fatal(err)
	}
	if err := d.inverse(straight); err != nil {
		t.Fatal(err)
	}
}

// said is an outcome in words, but for where in memory a lease lies, in which
// replicas differ.
func said(t *rapid.T, o Outcome) string {
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return slot.ReplaceAllString(string(text), "")
}

// maybeReload flushes, packs the renewals or makes the replica anew, or nothing.
func (d *disk) maybeReload(t *rapid.T, r *Replica) *Replica {
	switch rapid.IntRange(0, 6).Draw(t, "then") {
	case 0, 1:
		d.flush(r.State)
	case 2:
		d.flush(r.State)
		d.renewals = r.Renewals()
	case 3:
		again, err := d.load()
		if err != nil {
			t.Fatal(err)
		}
		return again
	}
	return r
}

// inverse says whether a snapshot and its restoration are: a replica that is made
// of the whole image makes that image again.
func (d *disk) inverse(r *Replica) error {
	whole := imageOf(r)
	made, err := whole.load()
	if err != nil {
		return err
	}
	again := &disk{records: maps.Clone(whole.records), renewals: made.Renewals()}
	again.flush(made.State) // what loading changed, which is nothing
	switch {
	case made.Digest() != r.Digest():
		return errors.New("another state")
	case len(again.renewals) != len(whole.renewals): // in whatever order; the digest has seen them
		return fmt.Errorf("renewals %x, then %x", whole.renewals, again.renewals)
	case !reflect.DeepEqual(again.records, whole.records):
		return fmt.Errorf("records %x, then %x", whole.records, again.records)
	}
	return nil
}

// imageOf is all that a replica would have flushed since its beginning.
func imageOf(r *Replica) *disk {
	d := &disk{records: make(map[string][]byte)}
	d.flush(r.State)
	d.renewals = r.Renewals()
	return d
}

func TestReloadedTwinIsTheSame(t *testing.T) { rapid.Check(t, twins) }

// FuzzApply lets the fuzzer choose the log and the points.
func FuzzApply(f *testing.F) { f.Fuzz(rapid.MakeFuzz(twins)) }

// FuzzMailRecords decodes bodies and reasons from a disk.
func FuzzMailRecords(f *testing.F) {
	f.Add([]byte{imageVersion, 0, 0, 0})
	f.Add([]byte{imageVersion, 'b', 'u', 's', 'y'})
	f.Fuzz(func(t *testing.T, record []byte) {
		if b, err := DecodeBody(record); err == nil && len(b.Data) > len(record) {
			t.Errorf("%d bytes of %d", len(b.Data), len(record))
		}
		if r, err := DecodeReason(record); err == nil && len(r) > len(record) {
			t.Errorf("%d bytes of %d", len(r), len(record))
		}
	})
}
