package api

import (
	"fmt"
	"net/http"
)

// format is how an answer is written that is too large to be encoded at once:
// an eventPage, event by event.
type format struct {
	media          []string
	encode         func(any) ([]byte, error)
	begin, between string
	end            func(next uint64) []byte
}

var jsonFormat = format{
	media: typeJSON, encode: encodeJSON, begin: `{"events":[`, between: ",",
	end: func(next uint64) []byte { return fmt.Appendf(nil, "],\"next\":%d}\n", next) },
}

// cborFormat is a map of two: events, a list of no stated length (RFC 8949,
// section 3.2.2), and next.
var cborFormat = format{
	media: typeCBOR, encode: theCBOR.enc.Marshal, begin: "\xa2\x66events\x9f",
	end: func(next uint64) []byte {
		number, err := theCBOR.enc.Marshal(next)
		if err != nil {
			panic("encode an integer: " + err.Error())
		}
		return append([]byte("\xff\x64next"), number...)
	},
}

// pollSnapshot answers a long poll with all parts of a snapshot, one at a time
// in memory. What cannot be finished breaks off, so that no client takes it for
// the whole.
func (s *Server) pollSnapshot(rw http.ResponseWriter, r *request, w *watching) {
	defer w.close()
	f := jsonFormat
	if wantsCBOR(r.http.Header["Accept"]) {
		f = cborFormat
	}
	r.header["Content-Type"] = f.media
	out := newFlushOutlet(rw, r.http)
	if f.parts(out, w) != nil {
		panic(http.ErrAbortHandler)
	}
}

func (f *format) parts(out outlet, w *watching) error {
	before := f.begin
	for {
		data, err := f.encode(w.part)
		if err != nil {
			return err
		}
		if err := out.write(append([]byte(before), data...)); err != nil {
			return err
		}
		if !w.part.More {
			break
		}
		if w.part, err = w.snapshot.next(); err != nil {
			return err
		}
		before = f.between
	}
	return out.write(f.end(w.upTo))
}
