package api_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-b4c92e43/rollcall/api"
	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func TestBackupIsStreamed(t *testing.T) {
	n, c := newServer(t)
	n.backup = strings.Repeat("b", 3<<20)
	r := c.do("GET", wire.PathSnapshot, "").is(200)
	if string(r.body) != n.backup || r.Header.Get("Content-Type") != wire.TypeBackup || r.ContentLength != 3<<20 {
		t.Fatalf("%d bytes of %d, %v", len(r.body), len(n.backup), r.Header)
	}
	if r := c.do("HEAD", wire.PathSnapshot, "").is(200); r.ContentLength != 3<<20 {
		t.Fatalf("HEAD: %v", r.Header)
	}
	n.fail = fmt.Errorf("%w: no room", api.ErrOverloaded)
	c.do("GET", wire.PathSnapshot, "").refuses(wire.CodeOverloaded)
	n.fail = nil
	c.do("GET", wire.PathSnapshot, "").is(200)
}

func TestRestoreReadsABackup(t *testing.T) {
	n, c := newServer(t)
	body := strings.Repeat("r", 3<<20) // beyond what other bodies may have
	send := func(path string, options ...option) *reply {
		return c.send("POST", path, []byte(body), options...)
	}
	backup := header("Content-Type", wire.TypeBackup)
	send(wire.PathRestore, backup).is(200)
	if n.restored != body || n.forced {
		t.Fatalf("%d bytes came, forced %v", len(n.restored), n.forced)
	}
	send(wire.PathRestore+"?force=true", header("Content-Type", "application/octet-stream")).is(200)
	if !n.forced {
		t.Fatal("force was not passed on")
	}
	send(wire.PathRestore+"?force=1", backup).refuses(wire.CodeInvalidRequest)
	send(wire.PathRestore, header("Content-Type", wire.TypeJSON)).refuses(wire.CodeUnsupportedMediaType)
	n.fail = fmt.Errorf("%w: gone", api.ErrNoLeader)
	send(wire.PathRestore, backup).refuses(wire.CodeNoLeader)
}

// TestOneRestoreAtATime: a second one is refused while the first is on its way.
func TestOneRestoreAtATime(t *testing.T) {
	_, c := newServer(t)
	reader, writer := io.Pipe()
	first := make(chan error, 1)
	go func() {
		req, _ := http.NewRequest("POST", c.base+wire.PathRestore, reader)
		req.Header.Set("Content-Type", wire.TypeBackup)
		resp, err := c.http.Do(req)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode != 200 {
				err = fmt.Errorf("status %d", resp.StatusCode)
			}
		}
		first <- err
	}()
	if _, err := writer.Write(make([]byte, 1<<20)); err != nil { // more than fits between
		t.Fatal(err)
	}
	r := c.send("POST", wire.PathRestore, []byte("x"), header("Content-Type", wire.TypeBackup))
	r.refuses(wire.CodeOverloaded)
	writer.Close()
	if err := <-first; err != nil {
		t.Fatal(err)
	}
}
