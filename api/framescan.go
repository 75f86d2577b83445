package api

import "github.com/seed-b4c92e43/rollcall/api/wire"

// beatFrame is a heartbeat on a session.
type beatFrame struct {
	rid    rid
	ns, id string
	beat   beat
}

// scanBeatFrame reads {"op":"heartbeat","rid":N,"id":"…","epoch":N,"seq":N}, in
// any order, with or without "ns" and "rtt_ms". What it does not know is left
// to the general decoder, as with the other bodies of a scanner.
func scanBeatFrame(payload []byte) (beatFrame, bool) {
	s := scanner{data: payload}
	f := beatFrame{ns: wire.DefaultNS, beat: beat{rtt: -1}}
	if !s.next('{') {
		return f, false
	}
	var seen frameMembers
	for {
		if !s.frameMember(&f, &seen) {
			return f, false
		}
		if s.next(',') {
			continue
		}
		whole := seen.op && seen.rid && f.id != "" && f.beat.epoch != 0 && f.beat.seq != 0
		return f, s.next('}') && s.end() && whole
	}
}

// frameMembers says which members were there.
type frameMembers struct{ op, rid, ns bool }

func (s *scanner) frameMember(f *beatFrame, seen *frameMembers) (ok bool) {
	switch {
	case !seen.op && s.name(`"op"`):
		seen.op = true
		op, ok := s.text()
		return ok && string(op) == wire.OpHeartbeat
	case !seen.rid && s.name(`"rid"`):
		seen.rid = true
		f.rid.kind = kindNumber
		f.rid.n, ok = s.count()
	case f.id == "" && s.name(`"id"`):
		f.id, ok = s.id()
	case !seen.ns && s.name(`"ns"`):
		seen.ns = true
		f.ns, ok = s.namespace()
	default:
		return s.beatMember(&f.beat)
	}
	return ok
}

// text reads a string of printable ASCII without escapes.
func (s *scanner) text() ([]byte, bool) {
	if !s.next('"') {
		return nil, false
	}
	from := s.at
	for s.at < len(s.data) && s.data[s.at] != '"' {
		if b := s.data[s.at]; b < ' ' || b > '~' || b == '\\' {
			return nil, false
		}
		s.at++
	}
	text := s.data[from:s.at]
	return text, s.next('"')
}

func (s *scanner) id() (string, bool) {
	text, ok := s.text()
	if !ok || len(text) > wire.MaxID {
		return "", false
	}
	id := string(text)
	return id, isID(id) == ""
}

func (s *scanner) namespace() (string, bool) {
	text, ok := s.text()
	if !ok || string(text) == wire.DefaultNS {
		return wire.DefaultNS, ok // which is not copied
	}
	ns := string(text)
	return ns, len(text) <= wire.MaxName && isName(ns) == ""
}
