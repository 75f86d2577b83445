package registry

import (
	"testing"

	"pgregory.net/rapid"
)

// restarted loads what is on a disk and makes it the state of a cluster.
func (d *disk) restarted(c Restoration) (*Replica, error) {
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
	r.Restart(c)
	return r, nil
}

// Whatever a state was: restarted, by an entry before or beyond its own, it is
// whole, its image is that of the same state, and goes on as any other.
func TestAnyStateRestarts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := &disk{records: make(map[string][]byte)}
		r := NewReplica("n1")
		for i := range rapid.IntRange(1, 40).Draw(t, "entries") {
			e := drawEntry(t, r.Revision())
			r.Apply(Position{Index: uint64(i) + 1, Term: 1}, &e, 0)
		}
		d.flush(r.State)
		d.renewals = r.Renewals()
		at := Position{Index: rapid.Uint64Range(1, 100).Draw(t, "index"), Term: 3}
		floor := rapid.Uint64Range(0, 1000).Draw(t, "revision")
		again, err := d.restarted(Restoration{At: at, Revision: floor, Wall: 5, ClusterID: "c2"})
		if err != nil {
			t.Fatal(err)
		}
		if again.Revision() != max(floor, r.Revision()+1) || again.Len() != r.Len() || again.Index() != at.Index {
			t.Fatalf("revision %d of %d, %d leases of %d", again.Revision(), r.Revision(), again.Len(), r.Len())
		}
		if err := audit(again.State); err != nil {
			t.Fatal(err)
		}
		d.flush(again.State)
		d.renewals = again.Renewals()
		e := drawEntry(t, again.Revision())
		next := Position{Index: at.Index + 1, Term: 3}
		again.Apply(next, &e, 0)
		d.log = []logged{{next, e.Append(nil), again.Digest(), services(again.State)}}
		if _, err := d.load(); err != nil {
			t.Fatal(err)
		}
	})
}

// restart gives a bench the state that its replica had when it was saved.
func (b *bench) restart(d *disk, c Restoration) {
	b.t.Helper()
	b.at.Index++
	c.At = b.at
	r, err := d.restarted(c)
	if err != nil {
		b.t.Fatal(err)
	}
	b.r = r
}

func (b *bench) saved() *disk {
	d := &disk{records: make(map[string][]byte)}
	d.flush(b.r.State)
	d.renewals = b.r.Renewals()
	return d
}

// What was given after the backup was made is not given again, be it restored
// twice: neither epochs nor offsets.
func TestRestartGivesNothingAgain(t *testing.T) {
	b := newBench(t)
	first := b.grant("a")
	b.sends(2)
	backup := b.saved()
	lost := b.grant("b")
	b.send(post(3))
	b.send(post(4))
	for range 2 {
		own := b.r.Revision()
		b.restart(backup, Restoration{Revision: own + 1, ClusterID: "c"})
		if got := b.beat(first, 9); got.Code != OK {
			t.Fatalf("a's own epoch is refused: %+v", got)
		}
		if got := b.beat(lost, 9); got.Code != NotFound {
			t.Fatalf("an epoch of after the backup: %+v", got)
		}
		b.reads(0, 1, 2)
		if m := b.send(post(9)); m.Offset <= 4 || m.Offset <= own {
			t.Fatalf("offset %d was given before, at revision %d", m.Offset, own)
		}
		if m := b.send(&Send{NS: "ns", ID: "new", Message: messageID(1), TTL: 1000}); m.Offset <= own {
			t.Fatalf("a new mailbox begins at %d", m.Offset)
		}
		if epoch := b.grant("b"); epoch <= own || epoch <= lost {
			t.Fatalf("epoch %d again, at revision %d", epoch, own)
		}
		b.check()
	}
}

// Who watched before is told so, whatever it has seen.
func TestRestartCompactsTheWatches(t *testing.T) {
	b := newBench(t)
	b.grant("a")
	backup := b.saved()
	for range 5 {
		b.grant("b")
	}
	own := b.r.Revision()
	b.restart(backup, Restoration{Revision: own + 1, Wall: 9_000_000, ClusterID: "c"})
	for after := range own + 1 {
		if _, kept := b.r.EventsAfter(after, 10); kept {
			t.Fatalf("events after %d are told, though they were of another past", after)
		}
	}
	b.grant("c")
	if events, kept := b.r.EventsAfter(own+1, 10); !kept || len(events) != 1 {
		t.Fatalf("%d events after the restart, %v", len(events), kept)
	}
	if _, kept := b.r.RevisionAt(8_000_000); kept {
		t.Fatal("the past is told as if it had been that of the backup")
	}
}

// A burial that was decided before has no effect after, though epoch, seq and
// term are the same; nor does a hold.
func TestRestartVoidsTheJudgements(t *testing.T) {
	b := newBench(t)
	b.do(&Serve{Term: 1, ClusterID: "c"})
	epoch := b.grant("a")
	disk := b.saved()
	b.restart(disk, Restoration{ClusterID: "c"})
	disk.flush(b.r.State)
	disk.renewals = b.r.Renewals()
	expire := &Expire{Term: 1, Burials: []Burial{{Epoch: epoch}}}
	for range 2 { // after the entry, and after another start of the process
		if r, _ := b.do(expire); r.Code != WrongTerm || b.r.Len() != 1 {
			t.Fatalf("an old judgement: %+v", r)
		}
		if r, _ := b.do(&Hold{Term: 1, NS: "ns", MaxMS: 1, RestMS: 1, Burials: expire.Burials}); r.Code != WrongTerm {
			t.Fatalf("an old hold: %+v", r)
		}
		var err error
		if b.r, err = disk.load(); err != nil {
			t.Fatal(err)
		}
	}
	b.do(&Serve{Term: 1, ClusterID: "c"})
	if r, _ := b.do(expire); r.Buried != 1 {
		t.Fatalf("the judge of after: %+v", r)
	}
}
