package api

import (
	"net"
	"net/http"
	"strconv"
	"time"
)

const (
	// writePiece is how many bytes are written at once to a stream, and
	// writePieceWithin how long that may take: who reads more slowly is cut off.
	writePiece       = 64 << 10
	writePieceWithin = 10 * time.Second
	// closingWithin is the same when the server ends its streams.
	closingWithin = time.Second
)

// appendID begins an event of a stream (HTML, section 9.2) that has an id. A
// client that connects again names the last one that it got.
func appendID(b []byte, id uint64) []byte {
	return append(strconv.AppendUint(append(b, "id: "...), id, 10), '\n')
}

// appendSSE appends an event of a stream; data is one line.
func appendSSE(b []byte, name string, data []byte) []byte {
	b = append(append(b, "event: "...), name...)
	b = append(append(b, "\ndata: "...), data...)
	return append(b, "\n\n"...)
}

// appendComment appends a line that clients pass over.
func appendComment(b []byte, text string) []byte {
	return append(append(append(b, ": "...), text...), "\n\n"...)
}

// outlet is where a stream is written to.
type outlet interface {
	// write writes everything, or fails where the client is gone or too slow.
	write(b []byte) error
	// gone is closed when the client is known to have gone away; nil where only
	// writing tells.
	gone() <-chan struct{}
}

// pieces writes b so that each piece has its own time.
func pieces(b []byte, deadline func(time.Time) error, write func([]byte) (int, error)) error {
	for len(b) > 0 {
		n := min(len(b), writePiece)
		_ = deadline(time.Now().Add(writePieceWithin)) // what knows no deadline has none
		if _, err := write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// connOutlet is a connection that package http has handed over.
type connOutlet struct {
	net.Conn
	done <-chan struct{} // the server ends its streams
}

func (c connOutlet) gone() <-chan struct{} { return nil }
func (c connOutlet) write(b []byte) error  { return pieces(b, c.deadline, c.Write) }

// deadline sets the time for a piece, less when the server ends its streams.
func (c connOutlet) deadline(end time.Time) error {
	select {
	case <-c.done:
		end = time.Now().Add(closingWithin)
	default:
	}
	return c.SetWriteDeadline(end)
}

// flushOutlet is an answer that package http goes on to own, as with HTTP/2.
type flushOutlet struct {
	http.ResponseWriter
	control *http.ResponseController
	done    <-chan struct{}
}

func newFlushOutlet(w http.ResponseWriter, r *http.Request) flushOutlet {
	return flushOutlet{w, http.NewResponseController(w), r.Context().Done()}
}

func (f flushOutlet) gone() <-chan struct{} { return f.done }
func (f flushOutlet) write(b []byte) error {
	if err := pieces(b, f.control.SetWriteDeadline, f.Write); err != nil {
		return err
	}
	return f.control.Flush()
}
