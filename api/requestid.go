package api

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strconv"
	"sync/atomic"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// requestIDs makes ids for requests that come without one: unique among all
// processes by a random beginning, within this one by a counter.
type requestIDs struct {
	process string
	last    atomic.Uint64
}

func newRequestIDs() *requestIDs {
	var b [8]byte
	rand.Read(b[:]) // never fails: it ends the process instead
	return &requestIDs{process: hex.EncodeToString(b[:]) + "-"}
}

// of returns the id that a request brought, if it is one that may stand in a
// log, else a new one.
func (ids *requestIDs) of(r *http.Request) string {
	if given := r.Header[wire.HeaderRequestID]; len(given) > 0 && isPrintable(given[0], wire.MaxRequestID) {
		return given[0]
	}
	return ids.next()
}

// next returns a new id.
func (ids *requestIDs) next() string {
	var b [40]byte
	return string(ids.appendNext(b[:0]))
}

// appendNext appends a new id.
func (ids *requestIDs) appendNext(dst []byte) []byte {
	return strconv.AppendUint(append(dst, ids.process...), ids.last.Add(1), 36)
}
