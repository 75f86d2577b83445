package api

import (
	"bytes"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// scanner reads the two bodies of the hot path without making anything on the
// way. It knows only what clients usually send; whatever it does not know, or
// finds wrong, is left to the general decoder, which alone refuses. What the
// scanner accepts the general decoder accepts with the same meaning: a fuzz
// test holds the two together.
type scanner struct {
	data []byte
	at   int
}

// scanBeat reads {"epoch":N,"seq":N} with or without "rtt_ms".
func scanBeat(body []byte) (beat, bool) {
	s := scanner{data: body}
	b := beat{rtt: -1}
	if !s.next('{') {
		return b, false
	}
	for {
		if !s.beatMember(&b) {
			return b, false
		}
		if s.next(',') {
			continue
		}
		return b, s.next('}') && s.end() && b.epoch != 0 && b.seq != 0
	}
}

func (s *scanner) beatMember(b *beat) (ok bool) {
	switch {
	case b.epoch == 0 && s.name(`"epoch"`):
		b.epoch, ok = s.count()
	case b.seq == 0 && s.name(`"seq"`):
		b.seq, ok = s.count()
	case b.rtt < 0 && s.name(`"rtt_ms"`):
		b.rtt, ok = s.decimal()
	}
	return ok
}

// scanBeats reads {"beats":[[N,N],…]}.
func scanBeats(body []byte) (registry.Beats, bool) {
	s := scanner{data: body}
	if !s.next('{') || !s.name(`"beats"`) || !s.next('[') {
		return nil, false
	}
	n := min(bytes.Count(body, []byte{']'}), wire.MaxBeats)
	beats := make(registry.Beats, 0, n*registry.BeatSize)
	if !s.next(']') {
		for {
			epoch, seq, ok := s.pair()
			if !ok || beats.Len() == wire.MaxBeats {
				return nil, false
			}
			beats = beats.Append(epoch, seq)
			if s.next(',') {
				continue
			}
			if !s.next(']') {
				return nil, false
			}
			break
		}
	}
	return beats, s.next('}') && s.end()
}

func (s *scanner) pair() (epoch, seq uint64, ok bool) {
	if !s.next('[') {
		return 0, 0, false
	}
	if epoch, ok = s.count(); !ok || !s.next(',') {
		return 0, 0, false
	}
	if seq, ok = s.count(); !ok || !s.next(']') {
		return 0, 0, false
	}
	return epoch, seq, true
}

func (s *scanner) space() {
	for s.at < len(s.data) {
		if b := s.data[s.at]; b != ' ' && b != '\n' && b != '\r' && b != '\t' {
			return
		}
		s.at++
	}
}

// next skips space and takes b if it is next.
func (s *scanner) next(b byte) bool {
	if s.at >= len(s.data) || s.data[s.at] != b {
		s.space()
		if s.at >= len(s.data) || s.data[s.at] != b {
			return false
		}
	}
	s.at++
	return true
}

// name takes a quoted name and its colon.
func (s *scanner) name(quoted string) bool {
	s.space()
	if rest := s.data[s.at:]; len(rest) < len(quoted) || string(rest[:len(quoted)]) != quoted {
		return false
	}
	s.at += len(quoted)
	return s.next(':')
}

func (s *scanner) end() bool {
	s.space()
	return s.at == len(s.data)
}

// maxExact is how many digits always fit into 2^53-1.
const maxExact = 15

// digits reads digits that follow; n is how many.
func (s *scanner) digits(sum uint64) (_ uint64, n int) {
	from := s.at
	for s.at < len(s.data) && isDigit(s.data[s.at]) && s.at-from <= maxExact {
		sum = sum*10 + uint64(s.data[s.at]-'0')
		s.at++
	}
	return sum, s.at - from
}

// count reads an epoch or a seq: 1 to 2^53-1, no leading zero. (digits stops
// after 16 of them; a 17th stands where a comma or bracket should.)
func (s *scanner) count() (uint64, bool) {
	s.space()
	if s.at < len(s.data) && s.data[s.at] == '0' {
		return 0, false
	}
	sum, n := s.digits(0)
	return sum, n > 0 && isCount(sum)
}

// decimal reads a number such as 12.5 of so few digits that the quotient of
// two exact floats is the nearest float.
func (s *scanner) decimal() (float64, bool) {
	s.space()
	zero := s.at < len(s.data) && s.data[s.at] == '0'
	sum, whole := s.digits(0)
	if whole == 0 || zero && whole > 1 {
		return 0, false
	}
	fraction := 0
	if s.at < len(s.data) && s.data[s.at] == '.' {
		s.at++
		if sum, fraction = s.digits(sum); fraction == 0 {
			return 0, false
		}
	}
	if whole+fraction > maxExact {
		return 0, false
	}
	ms := float64(sum) / powersOfTen[fraction]
	return ms, ms <= maxRTT
}

var powersOfTen = [maxExact + 1]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}
