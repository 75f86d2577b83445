package registry

import (
	"fmt"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// disk is a durable image and a log, as raftstore would keep them.
type disk struct {
	records  map[string][]byte // kind, then key
	renewals []byte
	log      []logged
}

// logged is one entry with what the state was after it.
type logged struct {
	at       Position
	data     []byte
	digest   uint64
	services string
}

func (d *disk) flush(s *State) {
	s.Flush(func(kind Kind, key, value []byte) {
		name := string(append([]byte{byte(kind)}, key...))
		if value == nil {
			delete(d.records, name)
			return
		}
		d.records[name] = value
	})
}

// load makes a replica of the image and replays the log.
func (d *disk) load() (*Replica, error) {
	r := NewReplica("n1")
	for name, value := range d.records {
		if err := r.Load(Kind(name[0]), []byte(name[1:]), value); err != nil {
			return nil, err
		}
	}
	if d.renewals != nil {
		if err := r.LoadRenewals(d.renewals); err != nil {
			return nil, err
		}
	}
	if err := r.Loaded(); err != nil {
		return nil, err
	}
	return r, d.replay(r)
}

func (d *disk) replay(r *Replica) error {
	image := r.Index()
	for _, l := range d.log {
		if l.at.Index <= r.ReplayFrom() {
			continue
		}
		e, err := DecodeEntry(l.data)
		if err != nil {
			return err
		}
		out := r.Apply(l.at, &e, 0)
		if l.at.Index <= image && len(out.Events) > 0 {
			return fmt.Errorf("entry %d was applied twice", l.at.Index)
		}
		if l.at.Index >= image && (r.Digest() != l.digest || services(r.State) != l.services) {
			return fmt.Errorf("another state after entry %d (image of %d)", l.at.Index, image)
		}
	}
	if err := d.bodies(r.State); err != nil {
		return err
	}
	return audit(r.State)
}

func services(s *State) string { return fmt.Sprint(s.Services("a"), s.Services("b")) }

// A node that is killed at any moment and started again has the same state at
// the same index: whatever of it was flushed, whenever renewals were packed.
func TestImageAndLogMakeTheSameState(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := &disk{records: make(map[string][]byte)}
		r := NewReplica("n1")
		for i := range rapid.IntRange(1, 40).Draw(t, "entries") {
			e := drawEntry(t, r.Revision())
			data := e.Append(nil)
			at := Position{Index: uint64(i) + 1, Term: 1}
			r.Apply(at, &e, 0)
			d.log = append(d.log, logged{at, data, r.Digest(), services(r.State)})
			switch rapid.IntRange(0, 9).Draw(t, "then") {
			case 0, 1, 2:
				d.flush(r.State)
			case 3:
				d.flush(r.State)
				d.renewals = r.Renewals()
			case 4:
				again, err := d.load()
				if err != nil {
					t.Fatal(err)
				}
				r = again
			}
		}
		if _, err := d.load(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestFlushHandsOutOnlyWhatChanged(t *testing.T) {
	b := newBench(t)
	count := func() map[Kind][2]int {
		n := make(map[Kind][2]int)
		b.r.Flush(func(kind Kind, _, value []byte) {
			c := n[kind]
			if value == nil {
				c[1]++
			} else {
				c[0]++
			}
			n[kind] = c
		})
		return n
	}
	stays := b.grant("stays")
	short := b.grant("short")
	b.do(&Leave{"ns", "short", short})
	if b.r.FlushSize() == 0 {
		t.Error("nothing to flush after a grant")
	}
	// One service record is that of the leases without one.
	want := map[Kind][2]int{KindMeta: {2, 0}, KindLease: {1, 0}, KindCertificate: {1, 0}, KindEvent: {3, 0}}
	if got := count(); !reflect.DeepEqual(got, want) {
		t.Errorf("first flush: %v, want %v", got, want)
	}
	b.beat(stays, 1)
	if got := count(); !reflect.DeepEqual(got, map[Kind][2]int{KindMeta: {1, 0}}) {
		t.Errorf("flush after a renewal: %v", got)
	}
	b.do(&Evict{"ns", "stays"})
	want = map[Kind][2]int{KindMeta: {1, 1}, KindLease: {0, 1}, KindCertificate: {1, 0}, KindEvent: {1, 0}}
	if got := count(); !reflect.DeepEqual(got, want) {
		t.Errorf("flush after the end: %v, want %v", got, want)
	}
	if n := b.r.FlushSize(); n != 0 {
		t.Errorf("FlushSize is %d after a flush", n)
	}
}
