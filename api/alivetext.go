package api

import (
	"encoding/binary"
	"net/http"
	"strconv"
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// aliveText answers in JSON, with a page that others may have asked for.
func (s *Server) aliveText(r *request, q *aliveQuery) (answer, error) {
	var now sight
	s.node.View(func(replica *registry.Replica, mono time.Duration) { now = sight{replica.Version(), mono} })
	given := r.http.Header["If-None-Match"]
	enough := func(p *page) bool { return p.text != nil || matches(given, p.tag) }
	p, shared := s.pages.get(q.pageKey(), now, enough, func(p *page) { s.writePage(r, q, p) })
	r.page = p // until it is sent
	r.reading.revision, r.reading.viewed = p.revision, true
	r.header["Etag"] = []string{p.tag}
	if matches(given, p.tag) {
		return answer{status: http.StatusNotModified}, nil
	}
	s.metrics.page(shared)
	return answer{status: http.StatusOK, raw: p.text.body}, nil
}

// pageKey tells the pages apart: by all that a body depends on but the registry.
func (q *aliveQuery) pageKey() []byte {
	return binary.BigEndian.AppendUint64(pageOf(q.question, q.cursor, q.Limit), q.cursor.revision)
}

// writePage reads a page, and encodes it unless the client has it already.
func (s *Server) writePage(r *request, q *aliveQuery, p *page) {
	l := rowsLists.Get().(*rowsList)
	defer l.release()
	s.listRows(r, q.Query, l)
	p.tag, p.revision = rowsTag(q, l), l.revision
	if !matches(r.http.Header["If-None-Match"], p.tag) {
		p.text = newText(pageHead + len(l.rows)*rowSize(q.fields))
		p.text.body = s.appendPage(p.text.body, q, l)
	}
	p.seen = l.seen
}

// What memory a page is given at first, in bytes.
const (
	pageHead  = 512
	wholeSize = 440 // of a typical lease
	fieldSize = 48
)

func rowSize(fields []string) int {
	if fields == nil {
		return wholeSize
	}
	return fieldSize * len(fields)
}

// appendPage appends what encoding a wire.AlivePage, or the projected one,
// would give.
func (s *Server) appendPage(dst []byte, q *aliveQuery, l *rowsList) []byte {
	dst = strconv.AppendUint(append(dst, `{"revision":`...), l.revision, 10)
	dst = strconv.AppendInt(append(dst, `,"count":`...), int64(len(l.rows)), 10)
	dst = s.appendRows(append(dst, `,"alive":[`...), q.fields, l)
	dst = append(dst, ']')
	if l.next != "" {
		dst = appendString(append(dst, `,"next_cursor":`...), q.next(l))
	}
	return append(dst, "}\n"...)
}

func (s *Server) appendRows(dst []byte, fields []string, l *rowsList) []byte {
	columns := columnsOf(fields)
	for i := range l.rows {
		row := &l.rows[i]
		l.text.take(row, s.rtts.of(row.Epoch))
		dst = appendComma(dst, i)
		if columns == nil {
			dst = l.text.whole(dst)
		} else {
			dst = l.text.some(dst, columns)
		}
	}
	return dst
}
