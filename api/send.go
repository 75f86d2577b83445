package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// Values of headers that many answers share.
var (
	typeJSON    = []string{wire.TypeJSON}
	typeCBOR    = []string{wire.TypeCBOR}
	typeProblem = []string{wire.TypeProblem}
	varyAccept  = []string{"Accept"}
	noCache     = []string{"no-cache"}
	oneSecond   = []string{"1"}
)

// smallBody is up to what size package http finds out the length by itself.
const smallBody = 2048

// encode turns an answer's body into bytes and names their media type.
func (s *Server) encode(r *request, a *answer) error {
	h := r.header
	switch {
	case a.stream != nil: // it does all this by itself
	case a.body == nil && a.media != "":
		h.Set("Content-Type", a.media)
	case a.body == nil:
		h["Content-Type"] = typeJSON
	case wantsCBOR(r.http.Header["Accept"]):
		raw, err := encodeCBOR(a.body)
		if err != nil {
			return fmt.Errorf("encode answer: %w", err)
		}
		a.raw, h["Content-Type"] = raw, typeCBOR
	default:
		raw, err := encodeJSON(a.body)
		if err != nil {
			return fmt.Errorf("encode answer: %w", err)
		}
		a.raw, h["Content-Type"] = raw, typeJSON
	}
	return nil
}

func encodeJSON(body any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(body)
	return b.Bytes(), err
}

// send writes an encoded answer. A client that has gone away is no error of
// ours, so what Write returns is not looked at.
func (s *Server) send(w http.ResponseWriter, r *request, a answer) {
	h := r.header
	if r.route.Kind == Read {
		h["Vary"], h["Cache-Control"] = varyAccept, noCache
	}
	if a.stream != nil {
		a.stream(w)
		return
	}
	if a.status == http.StatusNotModified {
		w.WriteHeader(a.status)
		return
	}
	writeBody(w, a.status, a.raw)
}

func writeBody(w http.ResponseWriter, status int, body []byte) {
	if len(body) >= smallBody {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	if status != http.StatusOK {
		w.WriteHeader(status)
	}
	w.Write(body)
}

// answerProblem writes a problem and returns its status. Problems are JSON
// whatever Accept asks for.
func (s *Server) answerProblem(w http.ResponseWriter, r *http.Request, p *wire.Problem) int {
	h := w.Header()
	h["Content-Type"] = typeProblem
	if p.Retryable {
		h["Retry-After"] = oneSecond
	}
	if p.Code == wire.CodeTooLarge {
		h.Set("Connection", "close") // the rest of the body is not read
	}
	body, err := encodeJSON(p)
	if err != nil {
		s.log.Error("encode problem", "error", err)
	}
	writeBody(w, p.Status, body)
	return p.Status
}
