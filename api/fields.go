package api

import (
	"strconv"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// fieldBody is the field of a problem with the body as a whole.
const fieldBody = "body"

// invalid returns an invalid_request problem of that field.
func invalid(field, format string, args ...any) *wire.Problem {
	p := wire.NewProblem(wire.CodeInvalidRequest, sprintf(format, args))
	p.Field = field
	return p
}

// fields takes the members of a body one by one, remembers the first thing
// that is wrong, and knows in the end which members nobody wanted.
type fields struct {
	members []member
	taken   int // the first so many of members; take moves them there
	problem *wire.Problem
}

// fieldsOf begins with a whole body, which must be an object.
func fieldsOf(v value) *fields {
	f := &fields{members: v.members}
	if v.kind != kindObject {
		f.problem = invalid(fieldBody, "the body is %s: want an object", v.kind)
	}
	return f
}

// done returns what was wrong, or the name of a member that is not a field.
func (f *fields) done() error {
	if f.problem != nil {
		return f.problem
	}
	if f.taken < len(f.members) {
		name := f.members[f.taken].name
		return invalid(name, "%q is not a field of this body", name)
	}
	return nil
}

func (f *fields) fail(name, format string, args ...any) {
	if f.problem == nil {
		f.problem = invalid(name, "%s: %s", name, sprintf(format, args))
	}
}

func (f *fields) take(name string) (value, bool) {
	for i := f.taken; i < len(f.members); i++ {
		if m := f.members[i]; m.name == name {
			f.members[i], f.members[f.taken] = f.members[f.taken], m
			f.taken++
			return m.value, true
		}
	}
	return value{}, false
}

// require fails when a field is not there.
func (f *fields) require(name string, there bool) {
	if !there {
		f.fail(name, "is missing")
	}
}

// takeKind takes a member that must be of that kind.
func (f *fields) takeKind(name string, want valueKind) (value, bool) {
	v, ok := f.take(name)
	if ok && v.kind != want {
		f.fail(name, "is %s: want %s", v.kind, want)
		return value{}, false
	}
	return v, ok
}

// integer takes a whole number between two bounds, both included.
func (f *fields) integer(name string, low, high uint64) (uint64, bool) {
	v, ok := f.take(name)
	if !ok {
		return 0, false
	}
	n, ok := v.integer()
	if !ok || n < low || n > high {
		f.fail(name, "want an integer from %d to %d", low, high)
		return 0, false
	}
	return n, true
}

// integer returns a value that is a whole number of 64 bits without a sign, a
// fraction or an exponent.
func (v value) integer() (uint64, bool) {
	if v.kind != kindNumber || !isDigit(v.text[len(v.text)-1]) {
		return 0, false
	}
	n, err := strconv.ParseUint(v.text, 10, 64)
	return n, err == nil
}

// text takes a string that must satisfy a rule.
func (f *fields) text(name string, ok rule) (string, bool) {
	v, there := f.takeKind(name, kindText)
	if !there {
		return "", false
	}
	if complaint := ok(v.text); complaint != "" {
		f.fail(name, "%s", complaint)
		return "", false
	}
	return v.text, true
}
