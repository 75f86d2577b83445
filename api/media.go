package api

import (
	"mime"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// media is how a body is written.
type media uint8

const (
	mediaNone media = iota
	mediaJSON
	mediaCBOR
	mediaBeats // application/vnd.rollcall.beats
)

// mediaOf returns how a request's body is written by its Content-Type;
// mediaNone for what this server does not read.
func mediaOf(contentType string) media {
	if contentType == wire.TypeJSON {
		return mediaJSON
	}
	base, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return mediaNone
	}
	if charset, ok := params["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
		return mediaNone
	}
	switch base {
	case wire.TypeJSON:
		return mediaJSON
	case wire.TypeCBOR:
		return mediaCBOR
	case wire.TypeBeats:
		return mediaBeats
	}
	return mediaNone
}

// wantsCBOR tells whether an Accept asks for CBOR: names it, and not with a
// lower weight than JSON, nor after it with the same.
func wantsCBOR(accept []string) bool {
	if len(accept) == 0 || len(accept) == 1 && (accept[0] == "*/*" || accept[0] == wire.TypeJSON) {
		return false
	}
	return preferred(accept, wire.TypeCBOR, wire.TypeJSON) == wire.TypeCBOR
}

// preferred returns which of these types an Accept names with the greatest
// weight, the first of them where several have it; "" where it names none.
func preferred(accept []string, types ...string) (best string) {
	var most float64
	for _, line := range accept {
		for item := range strings.SplitSeq(line, ",") {
			base, params, err := mime.ParseMediaType(item)
			if err != nil || !slices.Contains(types, base) {
				continue
			}
			if q := weight(params); q > most {
				best, most = base, q
			}
		}
	}
	return best
}

func weight(params map[string]string) float64 {
	text, ok := params["q"]
	if !ok {
		return 1
	}
	q, err := strconv.ParseFloat(text, 64)
	if err != nil || q > 1 {
		return 0
	}
	return q
}
