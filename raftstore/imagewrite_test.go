package raftstore

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// TestCapturesTogetherAreCapturesInOrder: captures written in one transaction make
// the file that they make one by one, the head included.
func TestCapturesTogetherAreCapturesInOrder(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var batch []*capture
	for index := range uint64(20) {
		c := &capture{index: index + 1}
		for range rnd.IntN(30) {
			key, value := []byte(fmt.Sprintf("key-%02d", rnd.IntN(20))), []byte(nil)
			if rnd.IntN(3) > 0 {
				value = []byte(fmt.Sprint("value-", rnd.IntN(1000)))
			}
			c.add([]registry.Kind{registry.KindLease, registry.KindEvent}[rnd.IntN(2)], key, value)
		}
		batch = append(batch, c)
	}
	one, together := newMachine(t).image, newMachine(t).image
	for _, c := range batch {
		must(t, one.commit([]*capture{c}))
	}
	must(t, together.commit(batch))
	one.head.mark = together.head.mark // each has its own
	if one.head != together.head || one.head.count == 0 {
		t.Errorf("heads %+v and %+v", one.head, together.head)
	}
	if a, b := recordsOf(t, one), recordsOf(t, together); a != b {
		t.Errorf("one by one:\n%stogether:\n%s", a, b)
	}
}

func recordsOf(t *testing.T, m *image) (text string) {
	t.Helper()
	tx, err := m.begin()
	must(t, err)
	defer tx.Rollback()
	for _, kind := range []registry.Kind{registry.KindLease, registry.KindEvent} {
		must(t, tx.Bucket([]byte(kindBucket(kind))).ForEach(func(k, v []byte) error {
			text += fmt.Sprintf("%d %s %x\n", kind, k, v)
			return nil
		}))
	}
	return text
}
