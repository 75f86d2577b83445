package registry

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"testing"
)

// record finds a record as raftstore would: what is not flushed yet, then the
// image.
func (d *disk) record(s *State, kind Kind, key BodyKey) []byte {
	if v, known := s.Record(kind, key[:]); known {
		return v
	}
	return d.records[string(append([]byte{byte(kind)}, key[:]...))]
}

// bodies checks that every message that has a body has the one that was sent.
// That none is left over is checked by loading.
func (d *disk) bodies(s *State) error {
	var wrong error
	s.mail.each(func(slot uint32, m *message) {
		record := d.record(s, KindBody, s.mail.key(slot))
		if m.state == MessageAcked || m.state == MessageExpired {
			return // the next Flush sees to it that nothing is left
		}
		b, err := DecodeBody(record)
		if err != nil || b.From != "f" || len(b.Data) != int(m.size) {
			wrong = fmt.Errorf("body of %+v: %+v, %w", m, b, err)
		}
		reason := d.record(s, KindReason, s.mail.key(slot))
		if (reason != nil) != (m.marks&reasoned != 0) {
			wrong = fmt.Errorf("reason of %+v: %q", m, reason)
		}
	})
	return wrong
}

// flushed returns what a Flush hands out, by kind, nil for what is gone.
func (b *bench) flushed() map[Kind][][]byte {
	all := make(map[Kind][][]byte)
	b.r.Flush(func(kind Kind, _, value []byte) { all[kind] = append(all[kind], value) })
	return all
}

func TestBodiesAreFlushedOnce(t *testing.T) {
	b := newBench(t)
	c := post(1)
	c.Body.Binary = true
	m := b.send(c)
	sent := b.wall
	record, known := b.r.Record(KindBody, m.Key[:])
	body, err := DecodeBody(record)
	if want := (Body{From: "x", Binary: true, Data: []byte("0123456789"), Wall: sent}); err != nil || !known || !reflect.DeepEqual(body, want) {
		t.Errorf("before the flush: %+v, %v", body, err)
	}
	if size := b.r.FlushSize(); size < len(record) {
		t.Errorf("only %d bytes to flush", size)
	}
	if got := b.flushed()[KindBody]; len(got) != 1 || !bytes.Equal(got[0], record) {
		t.Errorf("flushed: %q", got)
	}
	if _, known := b.r.Record(KindBody, m.Key[:]); known || b.r.FlushSize() != 0 {
		t.Error("kept after the flush")
	}
	b.nack(1)
	if got := b.flushed(); len(got[KindBody]) != 0 || len(got[KindReason]) != 1 {
		t.Errorf("after a nack: %q", got)
	}
	b.ack(1)
	got := b.flushed()
	if !reflect.DeepEqual(got[KindBody], [][]byte{nil}) || !reflect.DeepEqual(got[KindReason], [][]byte{nil}) || len(got[KindMessage]) != 1 {
		t.Errorf("after the ack: %q", got)
	}
}

// A message that ends before it gets to the disk costs it nothing but a
// tombstone.
func TestBodyOfShortLifeIsNotWritten(t *testing.T) {
	b := newBench(t)
	m := b.send(post(1))
	b.nack(1)
	if r, _ := b.r.Record(KindReason, m.Key[:]); string(r[1:]) != "busy" {
		t.Errorf("reason record %q", r)
	}
	b.ack(1)
	got := b.flushed()
	if len(got[KindBody]) != 0 || len(got[KindReason]) != 0 || len(got[KindMessage]) != 1 {
		t.Errorf("flushed %q", got)
	}
}

func TestReasonIsThatOfTheLastNack(t *testing.T) {
	b := newBench(t)
	m := b.send(post(1))
	nack := func(reason string) {
		b.do(&Nack{NS: "ns", ID: "m", Messages: messageIDs(1), Reason: reason})
	}
	nack("first")
	nack("second")
	record, _ := b.r.Record(KindReason, m.Key[:])
	if reason, err := DecodeReason(record); err != nil || reason != "second" {
		t.Errorf("reason %q, %v", reason, err)
	}
	b.flushed()
	nack("")
	if record, known := b.r.Record(KindReason, m.Key[:]); record != nil || !known {
		t.Errorf("after a nack without a reason: %q, %v", record, known)
	}
}

func TestRecordsOfMailThatDoNotDecode(t *testing.T) {
	for _, record := range [][]byte{nil, {}, {9}, {imageVersion, 2, 0, 0}, {imageVersion, 0, 5, 'x'}} {
		if _, err := DecodeBody(record); !errors.Is(err, ErrMalformed) {
			t.Errorf("body %q: %v", record, err)
		}
	}
	if _, err := DecodeReason(nil); !errors.Is(err, ErrMalformed) {
		t.Errorf("reason: %v", err)
	}
}

// named is a record of an image.
type named struct {
	kind       Kind
	key, value []byte
}

// mailImage returns an image with mail in every state.
func imageOfMail(t testing.TB) []named {
	b := newBench(t)
	b.limits(MailLimits{MaxAttempts: 2})
	b.sends(4)
	b.nack(1, 2)
	b.nack(2)
	b.ack(3)
	var image []named
	b.r.Flush(func(kind Kind, key, value []byte) { image = append(image, named{kind, key, value}) })
	return image
}

func loadAll(image []named) error {
	r := NewReplica("n1")
	for _, rec := range image {
		if err := r.Load(rec.kind, rec.key, rec.value); err != nil {
			return err
		}
	}
	return r.Loaded()
}

// An image of which a record of mail is missing, or there twice, is refused.
func TestIncompleteMailIsRefused(t *testing.T) {
	image := imageOfMail(t)
	if err := loadAll(image); err != nil {
		t.Fatal(err)
	}
	tried := make(map[Kind]bool)
	for i, rec := range image {
		without := append(append([]named(nil), image[:i]...), image[i+1:]...)
		ended := rec.kind == KindMessage && rec.value[1+16] > byte(MessageDead) // an ended message leaves no trace elsewhere
		if err := loadAll(without); !errors.Is(err, ErrInconsistent) && rec.kind >= KindMailbox && !ended {
			t.Errorf("without a record of kind %d: %v", rec.kind, err)
		}
		if rec.kind == KindMessage {
			twice := rec
			twice.key = bytes.Clone(rec.key)
			twice.key[15] += 100
			if err := loadAll(append(image[:len(image):len(image)], twice)); !errors.Is(err, ErrInconsistent) {
				t.Errorf("with a message twice: %v", err)
			}
		}
		tried[rec.kind] = true
	}
	for _, kind := range []Kind{KindMailbox, KindMessage, KindBody, KindReason} {
		if !tried[kind] {
			t.Errorf("no record of kind %d", kind)
		}
	}
}

// FuzzLoadMail loads arbitrary records of mail beside a sound state: they are
// refused, or make a state that can be used.
func FuzzLoadMail(f *testing.F) {
	image := imageOfMail(f)
	sorted := make(map[Kind]named)
	for _, rec := range image {
		sorted[rec.kind] = rec
	}
	box, m, floor := sorted[KindMailbox], sorted[KindMessage], []byte{imageVersion, 3}
	f.Add(box.key, box.value, m.key, m.value, m.key, m.value, sorted[KindBody].key, floor)
	f.Fuzz(func(t *testing.T, name, box, key, first, other, second, body, floor []byte) {
		r := NewReplica("n1")
		for _, rec := range []named{
			{KindMeta, []byte(metaKey), (&State{index: 50, term: 1, revision: 50, clusterMS: 5000}).appendMeta(nil)},
			{KindMailbox, name, box},
			{KindMessage, key, first},
			{KindMessage, other, second},
			{KindBody, body, floor},
			{KindMeta, []byte(floorKey), floor},
		} {
			if r.Load(rec.kind, rec.key, rec.value) != nil {
				return
			}
		}
		if r.Loaded() != nil {
			return
		}
		if err := audit(r.State); err != nil {
			t.Fatal(err)
		}
		r.clusterMS += 1 << 40
		r.Apply(Position{r.Index() + 1, 1}, &Entry{Commands: []Command{post(1), &Ack{NS: "ns", ID: "m", UpTo: 1}}}, 0)
		if err := audit(r.State); err != nil {
			t.Fatal(err)
		}
	})
}
