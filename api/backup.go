package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

const (
	// backupPart of a backup is sent or read within the time for one answer, or
	// the other side is given up.
	backupPart = 1 << 20
	// restoreWithin bounds a restore after its upload.
	restoreWithin = 15 * time.Minute
)

// Backup is a copy of a replica, to be read once and closed.
type Backup struct {
	io.ReadCloser
	Info wire.Backup
}

// snapshot streams a backup of this node's replica.
func (s *Server) snapshot(_ context.Context, r *request) (answer, error) {
	done, err := s.backups.begin()
	if err != nil {
		return answer{}, err
	}
	b, err := s.node.Backup()
	if err != nil {
		done()
		return answer{}, err
	}
	r.header.Set("Content-Type", wire.TypeBackup)
	r.header.Set("Content-Length", strconv.FormatInt(b.Info.Bytes, 10))
	return answer{status: http.StatusOK, stream: func(w http.ResponseWriter) {
		defer done()
		defer b.Close() //nolint:errcheck // a copy that nobody needs any more
		w.WriteHeader(http.StatusOK)
		if r.http.Method != http.MethodHead {
			s.sendBackup(w, r, b)
		}
	}}, nil
}

// sendBackup sends part by part. A client that gets less than was announced knows
// that it was cut off.
func (s *Server) sendBackup(w http.ResponseWriter, r *request, b io.Reader) {
	control := http.NewResponseController(w)
	for {
		_ = control.SetWriteDeadline(time.Now().Add(answerWithin))
		_, err := io.CopyN(w, b, backupPart)
		switch {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			s.log.Warn("a backup was cut off", "request_id", r.header.Get(wire.HeaderRequestID), "error", err)
			return
		}
	}
}

// restore reads a backup and makes it the state of the cluster.
func (s *Server) restore(ctx context.Context, r *request) (answer, error) {
	force, err := r.query.yes(paramForce)
	if err != nil {
		return answer{}, err
	}
	if err := r.checkUpload(); err != nil {
		return answer{}, err
	}
	done, err := s.restores.begin()
	if err != nil {
		return answer{}, err
	}
	defer done()
	body := &upload{r: r, control: http.NewResponseController(r.writer)}
	got, err := s.node.Restore(ctx, body, force)
	if body.err != nil && !errors.Is(body.err, io.EOF) {
		return answer{}, unread(body.err)
	}
	return answer{status: http.StatusOK, body: got}, err
}

// checkUpload holds the request to what a backup comes as.
func (r *request) checkUpload() error {
	if r.http.ContentLength > wire.MaxBackup {
		return tooLarge(wire.MaxBackup)
	}
	switch given := r.http.Header.Get("Content-Type"); given {
	case "", wire.TypeBackup, "application/octet-stream":
		return nil
	default:
		return wire.NewProblem(wire.CodeUnsupportedMediaType,
			"the Content-Type "+quote(given)+" is not supported: want "+wire.TypeBackup)
	}
}

// upload is a body that may take long, as long as it goes on. Then the request
// has the time that a restore may take.
type upload struct {
	r       *request
	control *http.ResponseController
	err     error // of the body; io.EOF at its end
}

func (u *upload) Read(p []byte) (n int, err error) {
	now := time.Now()
	_ = u.control.SetReadDeadline(now.Add(answerWithin))
	_ = u.control.SetWriteDeadline(now.Add(restoreWithin + waitSlack))
	n, u.err = u.r.http.Body.Read(p[:min(len(p), backupPart)])
	return n, u.err
}

// turnstile lets one in at a time.
type turnstile struct {
	free chan struct{} // holds a token while nobody is in
	what string
}

func newTurnstile(what string) turnstile {
	t := turnstile{make(chan struct{}, 1), what}
	t.free <- struct{}{}
	return t
}

// begin refuses whoever comes while another is in.
func (t turnstile) begin() (done func(), err error) {
	select {
	case <-t.free:
		return func() { t.free <- struct{}{} }, nil
	default:
		return nil, wire.NewProblem(wire.CodeOverloaded, "this node "+t.what+" already: one at a time")
	}
}
