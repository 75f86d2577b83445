package api

import (
	"math"
	"slices"
	"strings"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// registration is a decoded wire.Registration.
type registration struct {
	spec registry.Spec
	ttl  uint32 // milliseconds
}

// decodeRegistration decodes the body of a registration; none is an empty one.
func decodeRegistration(body []byte, m media, limits Limits) (registration, error) {
	f := fieldsOf(value{kind: kindObject})
	if len(body) > 0 {
		v, err := decodeValue(body, m)
		if err != nil {
			return registration{}, err
		}
		f = fieldsOf(v)
	}
	reg := f.registration(limits)
	return reg, f.done()
}

// registration takes the members of a wire.Registration.
func (f *fields) registration(limits Limits) registration {
	reg := registration{ttl: milliseconds(limits.DefaultTTL)}
	reg.spec.Service, _ = f.text("service", isService)
	reg.spec.Address, _ = f.text("address", isAddress)
	reg.spec.Port, _ = f.port()
	reg.spec.Tags, _ = f.tags()
	reg.spec.Meta, _ = f.meta()
	if ttl, ok := f.integer("ttl_ms", uint64(milliseconds(limits.MinTTL)), uint64(milliseconds(limits.MaxTTL))); ok {
		reg.ttl = uint32(ttl)
	}
	return reg
}

// decodePatch decodes a wire.Patch for an id.
func decodePatch(body []byte, m media, ns, id string) (*registry.Patch, error) {
	v, err := decodeValue(body, m)
	if err != nil {
		return nil, err
	}
	f := fieldsOf(v)
	p := f.patch(ns, id)
	return p, f.done()
}

// patch takes the members of a wire.Patch.
func (f *fields) patch(ns, id string) *registry.Patch {
	p := &registry.Patch{NS: ns, ID: id, Epoch: f.epoch()}
	p.State = optional(f.state())
	p.Address = optional(f.text("address", isAddress))
	p.Port = optional(f.port())
	p.Tags = optional(f.tags())
	p.Meta = optional(f.meta())
	return p
}

// epoch takes the epoch that a request must name.
func (f *fields) epoch() uint64 {
	epoch, ok := f.integer("epoch", 1, wire.Unknown)
	f.require("epoch", ok)
	return epoch
}

func optional[T any](v T, there bool) *T {
	if !there {
		return nil
	}
	return &v
}

func (f *fields) port() (uint16, bool) {
	n, ok := f.integer("port", 0, math.MaxUint16)
	return uint16(n), ok
}

// state takes the state that a holder may ask for.
func (f *fields) state() (registry.LeaseState, bool) {
	v, ok := f.takeKind("state", kindText)
	if !ok {
		return 0, false
	}
	state, known := registry.ParseLeaseState(v.text)
	if !known || state != registry.Alive && state != registry.Draining {
		f.fail("state", "is %q: want draining or alive", v.text)
		return 0, false
	}
	return state, true
}

// tags takes the tags in the order given, each once.
func (f *fields) tags() ([]string, bool) { return f.tagList("tags") }

func (f *fields) tagList(name string) ([]string, bool) {
	v, ok := f.takeKind(name, kindList)
	if !ok {
		return nil, false
	}
	if len(v.list) > wire.MaxTags {
		f.fail(name, "%d tags: at most %d", len(v.list), wire.MaxTags)
		return nil, false
	}
	tags := make([]string, 0, len(v.list))
	for i, tag := range v.list {
		if tag.kind != kindText {
			f.fail(name, "number %d is %s: want a string", i, tag.kind)
			return nil, false
		}
		if complaint := isTag(tag.text); complaint != "" {
			f.fail(name, "number %d: %s", i, complaint)
			return nil, false
		}
		if !slices.Contains(tags, tag.text) {
			tags = append(tags, tag.text)
		}
	}
	return tags, true
}

// meta takes the meta, sorted by key.
func (f *fields) meta() ([]registry.Pair, bool) {
	v, ok := f.takeKind("meta", kindObject)
	if !ok {
		return nil, false
	}
	if len(v.members) > wire.MaxMetaPairs {
		f.fail("meta", "%d pairs: at most %d", len(v.members), wire.MaxMetaPairs)
		return nil, false
	}
	pairs := make([]registry.Pair, len(v.members))
	for i, m := range v.members {
		if complaint := metaComplaint(m); complaint != "" {
			f.fail("meta", "%q: %s", m.name, complaint)
			return nil, false
		}
		pairs[i] = registry.Pair{Key: m.name, Value: m.value.text}
	}
	slices.SortFunc(pairs, func(a, b registry.Pair) int { return strings.Compare(a.Key, b.Key) })
	return pairs, true
}

func metaComplaint(m member) string {
	if complaint := isMetaKey(m.name); complaint != "" {
		return "the key: " + complaint
	}
	if m.value.kind != kindText {
		return "is " + m.value.kind.String() + ": want a string"
	}
	return isMetaValue(m.value.text)
}
