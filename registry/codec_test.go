package registry

import (
	"errors"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

func TestEntryRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawEntry(t, 9)
		if rapid.Bool().Draw(t, "check") {
			e.Commands = append(e.Commands, &Check{})
		}
		normalize(e.Commands)
		got, err := DecodeEntry(e.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		normalize(got.Commands)
		if !reflect.DeepEqual(got, e) {
			t.Fatalf("got %+v, want %+v", got, e)
		}
		commands, err := DecodeCommands(AppendCommands(nil, e.Commands))
		normalize(commands)
		if err != nil || !reflect.DeepEqual(commands, e.Commands) {
			t.Fatalf("got %+v, %v, want %+v", commands, err, e.Commands)
		}
	})
}

// normalize makes empty and nil beats, tags and pairs the same.
func normalize(commands []Command) {
	for _, c := range commands {
		switch c := c.(type) {
		case *Renew:
			c.Beats = list(c.Beats)
		case *Patch:
			if c.Tags != nil {
				c.Tags = new(list(*c.Tags))
			}
			if c.Meta != nil {
				c.Meta = new(list(*c.Meta))
			}
		}
	}
}

func TestResultsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want []Result
		for range rapid.IntRange(0, 3).Draw(t, "results") {
			want = append(want, drawResult(t))
		}
		got, err := DecodeResults(AppendResults(nil, want))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, %v, want %+v", got, err, want)
		}
	})
}

func drawResult(t *rapid.T) Result {
	number := rapid.Uint64()
	r := Result{
		Code: Code(rapid.Byte().Draw(t, "code")), Revision: number.Draw(t, "revision"), Created: rapid.Bool().Draw(t, "created"),
		ReplacedEpoch: number.Draw(t, "replaced"), CurrentEpoch: number.Draw(t, "epoch"), CurrentSeq: number.Draw(t, "seq"),
		RemainingMS: rapid.Int64().Draw(t, "remaining"), Buried: rapid.IntRange(0, 1<<31).Draw(t, "buried"),
	}
	if rapid.Bool().Draw(t, "with a lease") {
		l := rapid.Make[Lease]().Draw(t, "lease")
		l.Slot, l.Spec.Tags, l.Spec.Meta = 0, list(l.Spec.Tags), list(l.Spec.Meta)
		r.Lease = &l
	}
	if rapid.Bool().Draw(t, "with a certificate") {
		r.Certificate = new(rapid.Make[Certificate]().Draw(t, "certificate"))
	}
	r.Beats = list(rapid.SliceOfN(rapid.Make[BeatResult](), 0, 5).Draw(t, "beats"))
	return r
}

func TestDecodeRefuses(t *testing.T) {
	good := (&Entry{Proposer: "n1", Commands: []Command{&Leave{"ns", "a", 1}}}).Append(nil)
	huge := append([]byte{entryVersion, 0, 0, 0}, 0xff, 0xff, 0xff, 0xff, 0x0f)
	for name, data := range map[string][]byte{
		"nothing":           nil,
		"another version":   append([]byte{9}, good[1:]...),
		"a byte too few":    good[:len(good)-1],
		"a byte too many":   append(good[:len(good):len(good)], 0),
		"more than is":      huge,
		"an unknown kind":   {entryVersion, 0, 0, 0, 1, 0, 0, 0, 1, 99},
		"half a beat":       {entryVersion, 0, 0, 0, 1, 0, 0, 0, 3, byte(kindRenew), 0, 7},
		"an unknown flag":   {entryVersion, 0, 0, 0, 1, 0, 0, 0, 5, byte(kindPatch), 0, 0, 0, 0x80},
		"a command too big": {entryVersion, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, byte(kindCheck)},
	} {
		if _, err := DecodeEntry(data); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDecodeEntry(f *testing.F) {
	f.Add((&Entry{Wall: 1, Proposer: "n1", Commands: []Command{
		&Grant{NS: "a", ID: "x", TTL: 500, Key: "k", Spec: Spec{Tags: []string{"t"}, Meta: []Pair{{"k", "v"}}}},
		&Renew{Beats: Beats{}.Append(1, 1)}, &RenewNamed{"a", "x", 1, 2}, &Patch{NS: "a", ID: "x", Epoch: 1, Port: new(uint16(1))},
		post(1), &Nack{NS: "ns", ID: "m", Messages: messageIDs(1)}, &Ack{NS: "ns", ID: "m", UpTo: 1}, &Requeue{"ns", "m", messageID(1)},
		&Leave{"a", "x", 1}, &Evict{"a", "x"}, &Expire{Term: 1, Burials: []Burial{{1, 1, 1, 1}}}, &Serve{Term: 1, ClusterID: "c"}, &Check{},
		&Hold{Term: 1, NS: "a", Service: "web", Reason: "1 of 1", MaxMS: 1, RestMS: 1, Burials: []Burial{{1, 1, 1, 1}}}, &Release{"a", "web"},
	}}).Append(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := DecodeEntry(data)
		if err != nil {
			return
		}
		again, err := DecodeEntry(e.Append(nil))
		if err != nil || !reflect.DeepEqual(again, e) {
			t.Fatalf("%+v becomes %+v, %v", e, again, err)
		}
		// Whatever decodes can be applied, on two replicas with one outcome.
		a, b := newState(), newState()
		for i := range uint64(2) {
			at := Position{Index: i + 1, Term: 1}
			if x, y := a.apply(at, &e), b.apply(at, &again); !reflect.DeepEqual(x, y) {
				t.Fatalf("outcomes %+v and %+v", x, y)
			}
		}
		if err := audit(a); err != nil || a.Digest() != b.Digest() {
			t.Fatalf("%v, digests %x and %x", err, a.Digest(), b.Digest())
		}
	})
}

func FuzzDecodeResults(f *testing.F) {
	f.Add(AppendResults(nil, []Result{{Code: Ended, Lease: &Lease{ID: "x"}, Certificate: &Certificate{ID: "x"}, Beats: make([]BeatResult, 2)}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		results, err := DecodeResults(data)
		if err != nil {
			return
		}
		again, err := DecodeResults(AppendResults(nil, results))
		if err != nil || !reflect.DeepEqual(again, results) {
			t.Fatalf("%+v becomes %+v, %v", results, again, err)
		}
	})
}

// FuzzDecodeEvent decodes records: what is one can be made again.
func FuzzDecodeEvent(f *testing.F) {
	b := newBench(f)
	spec := Spec{Service: "web", Tags: []string{"t"}, Meta: []Pair{{"k", "v"}}}
	b.entry(&Grant{NS: "a", ID: "x", TTL: 500, Spec: spec}, &Grant{NS: "a", ID: "x", TTL: 500, Spec: spec}, &Evict{"a", "x"})
	for i := range b.r.events.count {
		f.Add(uint64(i)+1, string(b.r.events.at(i).record))
	}
	f.Fuzz(func(t *testing.T, revision uint64, data string) {
		record := eventRecord(data)
		ev, err := record.decode(revision)
		if err != nil {
			return
		}
		h := record.head()
		if h.ns != ev.NS || h.id != ev.ID || h.kind != ev.Type || h.wall != ev.At {
			t.Fatalf("head %+v of %+v", h, ev)
		}
		again, err := eventRecord(appendEvent(nil, &ev, h.cluster)).decode(revision)
		if err != nil || !reflect.DeepEqual(again, ev) {
			t.Fatalf("%+v becomes %+v, %v", ev, again, err)
		}
	})
}

// FuzzLoad loads an image of one record of each kind and packed renewals, all
// arbitrary: it is refused, or makes a state that can be used.
func FuzzLoad(f *testing.F) {
	s := newState()
	s.apply(Position{1, 1}, &Entry{Proposer: "n1", Commands: []Command{&Serve{Term: 1, Retention: Retention{EventMax: 1}}, &Grant{NS: "a", ID: "x", TTL: 500, Key: "k"}, &Evict{"a", "x"}, typical(1, 500)}})
	s.apply(Position{2, 1}, &Entry{Commands: []Command{&Renew{Beats: Beats{}.Append(3, 2)}}})
	var args [][]byte
	s.Flush(func(_ Kind, key, value []byte) { args = append(args, key, value) })
	f.Add(args[9], args[6], args[7], args[0], args[1], args[2], args[3], args[4], args[5], s.Renewals())
	if r := NewReplica("n1"); r.Load(KindLease, args[0], args[1]) != nil || r.Load(KindEvent, args[4], args[5]) != nil ||
		r.Load(KindMeta, args[8], args[9]) != nil || r.Loaded() != nil {
		f.Fatal("the seed does not load")
	}
	f.Fuzz(func(t *testing.T, meta, name, service, epoch, lease, ended, certificate, revision, event, renewals []byte) {
		r := NewReplica("n1")
		errs := []error{
			r.Load(KindLease, epoch, lease), r.Load(KindMeta, []byte(metaKey), meta), r.Load(KindMeta, name, service),
			r.Load(KindCertificate, ended, certificate), r.Load(KindEvent, revision, event), r.LoadRenewals(renewals),
		}
		if errors.Join(errs...) != nil || r.Loaded() != nil {
			return
		}
		if err := audit(r.State); err != nil {
			t.Fatal(err)
		}
		r.Apply(Position{r.Index() + 1, 1}, &Entry{Commands: []Command{typical(1, 500), &Evict{"default", typical(1, 1).ID}}}, 0)
	})
}
