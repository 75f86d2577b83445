package clientsdk

import (
	"net/url"
	"testing"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// FuzzLink gives a session whatever a node may send: an answer reaches at most the
// one who asked, once.
func FuzzLink(f *testing.F) {
	f.Add([]byte(`{"op":"ok","rid":7,"revision":1}`))
	f.Add([]byte(`{"op":"error","rid":null,"code":"invalid"}`))
	f.Add([]byte(`{"op":"message","ns":"default","to":"a","message":{"id":"x","offset":1,"body":{}}}`))
	f.Add([]byte(`{"op":"lost","id":"a","epoch":1,"certificate":{}}`))
	f.Fuzz(func(t *testing.T, frame []byte) {
		l := newLink(&url.URL{Host: "node"}, nil, nil)
		answers := make(chan linkAnswer, 2)
		l.waits[7] = answers
		s := &session{client: &Client{config: Config{Namespace: "default"}}}
		for range 2 {
			if l.take(frame, func(op string, frame []byte) {
				if op != wire.OpMessage { // those need an inbox, and lost ones a holder
					s.pushed(l, op, frame)
				}
			}) != nil {
				break
			}
		}
		if l.left != nil {
			l.left.Stop()
		}
		if len(answers) > 1 {
			t.Error("answered twice")
		}
	})
}
