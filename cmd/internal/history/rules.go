package history

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// rules holds against each other what answers say at whatever time: what never
// changes, and the revision, which only grows, over all leases and mailboxes.
func rules(ops []*Op) error {
	var r ruling
	for _, o := range ops {
		if o.verdict == decided {
			r.take(o)
		}
	}
	r.revisions(ops)
	return errors.Join(r.found...)
}

// ruling is what was said first of each thing.
type ruling struct {
	epochs   map[uint64]string      // whose an epoch is
	keys     map[[2]string]uint64   // the epoch of a key of an id
	endings  map[uint64]certificate // by epoch
	offsets  map[[2]string]uint64   // of a message of a mailbox
	messages map[place]string       // at an offset
	found    []error
}

type place struct {
	box    string
	offset uint64
}

// maxFound bounds what is reported.
const maxFound = 10

// once notes what was said of something, and reports where it differs.
func once[K comparable, V comparable](r *ruling, said *map[K]V, k K, v V, o *Op) {
	if *said == nil {
		*said = make(map[K]V)
	}
	first, known := (*said)[k]
	if !known {
		(*said)[k] = v
	} else if first != v && len(r.found) < maxFound {
		r.found = append(r.found, fmt.Errorf("%v: %v is now %v, and was %v", o, k, v, first))
	}
}

func (r *ruling) take(o *Op) {
	if o.answer.epoch > 0 {
		once(r, &r.epochs, o.answer.epoch, o.id, o)
	}
	if o.kind == grant && o.terms.Key != "" && o.answer.code == "" {
		once(r, &r.keys, [2]string{o.id, o.terms.Key}, o.answer.epoch, o)
	}
	if c := o.answer.certificate; c != nil {
		once(r, &r.endings, c.epoch, *c, o)
		once(r, &r.epochs, c.epoch, o.id, o)
	}
	if (o.kind == send || o.kind == status) && o.answer.code == "" {
		r.place(o, o.mail.ids[0], o.answer.mail.offset)
	}
	for _, m := range o.answer.mail.messages {
		r.place(o, m.id, m.offset)
	}
}

func (r *ruling) place(o *Op, id string, offset uint64) {
	once(r, &r.offsets, [2]string{o.id, id}, offset, o)
	once(r, &r.messages, place{o.id, offset}, id, o)
}

// revisions checks that no operation answered with a lower revision than one
// that was answered before it began.
func (r *ruling) revisions(ops []*Op) {
	var told []*Op
	for _, o := range ops {
		if o.verdict == decided && o.answer.code == "" && o.answer.fresh && o.answer.revision > 0 {
			told = append(told, o)
		}
	}
	byReturn := slices.SortedFunc(slices.Values(told), func(a, b *Op) int { return cmp.Compare(a.ret, b.ret) })
	slices.SortFunc(told, func(a, b *Op) int { return cmp.Compare(a.call, b.call) })
	var newest *Op
	for _, o := range told {
		for ; len(byReturn) > 0 && byReturn[0].ret < o.call; byReturn = byReturn[1:] {
			if newest == nil || byReturn[0].answer.revision > newest.answer.revision {
				newest = byReturn[0]
			}
		}
		if newest != nil && o.answer.revision < newest.answer.revision && len(r.found) < maxFound {
			r.found = append(r.found, fmt.Errorf("%v was answered revision %d, after %v with %d",
				o, o.answer.revision, newest, newest.answer.revision))
		}
	}
}
