package api

import (
	"slices"
	"strconv"
	"strings"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// aliveQuery is a decoded GET /v1/alive.
type aliveQuery struct {
	registry.Query
	fields   []string // of a lease; none: all
	past     *past    // the moment that is asked about; nil: now
	question question
	cursor   cursor // zero on the first page
}

func (r *request) aliveQuery() (q aliveQuery, err error) {
	q.NS = r.ns
	if q.Service, err = r.query.text(paramService, isService); err != nil {
		return q, err
	}
	if q.Prefix, err = r.query.text(paramPrefix, isPrefix); err != nil {
		return q, err
	}
	if q.Tags, err = r.query.tags(); err != nil {
		return q, err
	}
	if q.Meta, err = r.query.meta(); err != nil {
		return q, err
	}
	if q.States, err = r.query.states(); err != nil {
		return q, err
	}
	if q.fields, err = r.query.fields(); err != nil {
		return q, err
	}
	if q.Limit, err = r.query.limit(); err != nil {
		return q, err
	}
	if q.past, err = r.query.past(); err != nil {
		return q, err
	}
	if q.Flapping, err = r.query.flapping(q.past); err != nil {
		return q, err
	}
	q.question = q.ask()
	q.cursor, err = r.query.cursor(q.question)
	q.After = q.cursor.after
	return q, err
}

// ask returns the question without what pages may differ in.
func (q *aliveQuery) ask() question {
	ask := question("alive").with(q.NS, q.Service, q.Prefix).with(q.Tags...)
	for _, p := range q.Meta {
		ask = ask.with(p.Key, p.Value)
	}
	for _, state := range q.States {
		ask = append(ask, byte(state))
	}
	ask = ask.with(q.fields...)
	if q.Flapping != nil {
		ask = ask.with(paramFlapping, strconv.FormatBool(*q.Flapping))
	}
	if q.past != nil {
		ask = q.past.ask(ask)
	}
	return ask
}

// flapping returns whether those that flap are asked for, or those that do not:
// a hint of now, which the past does not have.
func (q query) flapping(p *past) (*bool, error) {
	text, there := q.get(paramFlapping)
	if !there {
		return nil, nil
	}
	asked := text == "true"
	switch {
	case !asked && text != "false":
		return nil, invalid(paramFlapping, "flapping %s: want true or false", quote(text))
	case p != nil:
		return nil, invalid(paramFlapping, "flapping is not known of the past: want it without at and at_revision")
	}
	return &asked, nil
}

// tags returns the tags that a lease must have, sorted, each once.
func (q query) tags() ([]string, error) {
	tags := slices.DeleteFunc(slices.Clone(q[paramTag]), isEmpty)
	if len(tags) > wire.MaxTags {
		return nil, invalid(paramTag, "%d tags: at most %d", len(tags), wire.MaxTags)
	}
	for _, tag := range tags {
		if complaint := isTag(tag); complaint != "" {
			return nil, invalid(paramTag, "tag %s: %s", quote(tag), complaint)
		}
	}
	slices.Sort(tags)
	return slices.Compact(tags), nil
}

func isEmpty(text string) bool { return text == "" }

// meta returns the pairs of meta.K=V that a lease must have, sorted by key.
func (q query) meta() (pairs []registry.Pair, err error) {
	for name, given := range q {
		key, ok := strings.CutPrefix(name, paramMeta)
		if !ok {
			continue
		}
		if isMetaKey(key) != "" || isMetaValue(given[0]) != "" {
			return nil, invalid(name, "%s: want a key of 1 to %d and a value of at most %d bytes of UTF-8", quote(name), wire.MaxMetaKey, wire.MaxMetaValue)
		}
		pairs = append(pairs, registry.Pair{Key: key, Value: given[0]})
	}
	if len(pairs) > wire.MaxMetaPairs {
		return nil, invalid(paramMeta, "%d pairs of meta: at most %d", len(pairs), wire.MaxMetaPairs)
	}
	slices.SortFunc(pairs, func(a, b registry.Pair) int { return strings.Compare(a.Key, b.Key) })
	return pairs, nil
}

// states returns the states that are asked for, in order, each once; several
// may stand in one parameter, with commas.
func (q query) states() (states []registry.LeaseState, err error) {
	for _, list := range q[paramState] {
		for name := range strings.SplitSeq(list, ",") {
			state, ok := registry.ParseLeaseState(name)
			if !ok || state > registry.Held {
				return nil, invalid(paramState, "state %s: want alive, draining or held", quote(name))
			}
			states = append(states, state)
		}
	}
	slices.Sort(states)
	return slices.Compact(states), nil
}

// fields returns the fields of a lease that are asked for, sorted, each once.
func (q query) fields() ([]string, error) {
	list, _ := q.get(paramFields)
	if list == "" {
		return nil, nil
	}
	names := strings.Split(list, ",")
	for _, name := range names {
		if _, ok := leaseFields[name]; !ok {
			return nil, invalid(paramFields, "%s is not a field of a lease", quote(name))
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func (q query) cursor(asked question) (cursor, error) {
	text, _ := q.get(paramCursor)
	if text == "" {
		return cursor{}, nil
	}
	return decodeCursor(text, asked)
}

// pageOf identifies a page of a question: what it begins after, and its size.
func pageOf(asked question, c cursor, limit int) question {
	return slices.Clone(asked).with("page", c.after, strconv.Itoa(limit))
}
