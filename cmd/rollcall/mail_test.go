package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	messageID = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
	sendTo    = "POST /v1/mailboxes/web-1/messages"
)

func TestSendGivesEachBodyItsForm(t *testing.T) {
	file := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(file, []byte("\xff\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"json":    {[]string{`{"n": 1}`}, `"body":{"n":1}`},
		"number":  {[]string{"12"}, `"body":12`},
		"null":    {[]string{"null"}, `"body":null`},
		"text":    {[]string{"hello, you\n"}, `"body":"hello, you"`},
		"nothing": {[]string{"--binary", ""}, `"body_b64":""`},
		"empty":   {[]string{""}, `"body":""`},
		"binary":  {[]string{"--binary", "hi"}, `"body_b64":"aGk="`},
		"file":    {[]string{"--binary", "--file", file}, `"body_b64":"/wA="`},
		"all":     {[]string{"1", "--from", "billing", "--ttl", "90s"}, `"from":"billing","body":1,"ttl_ms":90000`},
	} {
		t.Run(name, func(t *testing.T) {
			f := startFake(t, map[string]string{sendTo: `{"id":"` + messageID + `","offset":7,"duplicate":false,"state":"pending","revision":9}`})
			out, _ := run(t, 0, append([]string{"send", "web-1", "--message-id", messageID}, test.args...)...)
			want := `POST /v1/mailboxes/web-1/messages  {"id":"` + messageID + `",` + test.want + "}"
			checkLines(t, f.requests(), want)
			if out != messageID+" is sent: offset 7, revision 9.\n" {
				t.Errorf("stdout %q", out)
			}
		})
	}
}

func TestSendMakesAnIDAndTellsOfADuplicate(t *testing.T) {
	f := startFake(t, map[string]string{sendTo: `{"id":"x","offset":7,"duplicate":true,"state":"acked","revision":9}`})
	out, _ := run(t, 0, "send", "web-1", "1")
	if !strings.Contains(out, "was sent before, and is not again: offset 7, acked") {
		t.Errorf("stdout %q", out)
	}
	if !regexp.MustCompile(`"id":"[0-9a-f-]{36}"`).MatchString(f.requests()[0]) {
		t.Errorf("asked %q", f.requests())
	}
}

func TestSendRefusesWhatHasNoForm(t *testing.T) {
	startFake(t, nil)
	for want, args := range map[string][]string{
		"no text; --binary":     {"send", "web-1", "\xff"},
		"BODY, - or --file":     {"send", "web-1"},
		"wants BODY, - or":      {"send", "web-1", "1", "--file", "x"},
		"wants ID [BODY|-]":     {"send"},
		"--epoch is for --ack":  {"recv", "web-1", "--epoch", "3"},
		"either --up-to or":     {"mailbox", "ack", "web-1"},
		"either --up-to or mes": {"mailbox", "ack", "web-1", "x", "--up-to", "1"},
		"wants ID MESSAGE...":   {"mailbox", "nack", "web-1"},
	} {
		if _, errOut := run(t, exitUsage, args...); !strings.Contains(errOut, want) {
			t.Errorf("%q: stderr %q, want %q", args, errOut, want)
		}
	}
}

const onePage = `{"messages":[{"id":"m1","offset":7,"from":"billing","body":{"n":1},"enqueued_at":"2026-11-22T10:00:00.250Z","attempts":0},` +
	`{"id":"m2","offset":8,"from":"","body_b64":"aGk=","enqueued_at":"2026-11-22T10:00:01Z","attempts":2}],` +
	`"next":8,"gap":{"from":3,"to":6,"cause":"expired"}}`

func TestRecvPrintsAndAcknowledges(t *testing.T) {
	f := startFake(t, map[string]string{
		"GET /v1/mailboxes/web-1/messages": onePage,
		"POST /v1/mailboxes/web-1/ack":     `{"acked":2,"pending":1,"revision":10}`,
	})
	out, errOut := run(t, 0, "recv", "web-1", "--after", "2", "--limit", "2", "--wait", "1s", "--ack", "--epoch", "5")
	want := `gap: offsets 3 to 6 were dropped unread (expired)
7  2026-11-22 10:00:00.250 UTC  m1  from billing
    {"n":1}
8  2026-11-22 10:00:01.000 UTC  m2  nacked 2 times
    hi
`
	if out != want || errOut != "acknowledged 2 messages; 1 pending.\n" {
		t.Errorf("stdout:\n%s\nstderr %q", out, errOut)
	}
	checkLines(t, f.requests(),
		"GET /v1/mailboxes/web-1/messages after=2&limit=2&wait_ms=1000",
		`POST /v1/mailboxes/web-1/ack  {"epoch":5,"ids":["m1","m2"]}`)
}

func TestRecvPrintsTheBodyAsItIs(t *testing.T) {
	startFake(t, map[string]string{"GET /v1/mailboxes/web-1/messages": onePage})
	if out, _ := run(t, 0, "recv", "web-1", "-o", "json"); out != onePage+"\n" {
		t.Errorf("stdout %q", out)
	}
}

func TestMailboxCommands(t *testing.T) {
	for line, test := range map[string]struct{ answer, asked, want string }{
		"mailbox web-1": {
			`{"ns":"default","id":"web-1","pending":2,"dead":1,"bytes":70,"oldest_age_ms":1500,"last_offset":9}`,
			"GET /v1/mailboxes/web-1", "2        70     1.5s    1     9",
		},
		"mailbox message web-1 m1": {
			`{"id":"m1","offset":7,"state":"dead","attempts":5}`,
			"GET /v1/mailboxes/web-1/messages/m1", "m1 is dead: offset 7, nacked 5 times.",
		},
		"mailbox dead web-1": {
			`{"messages":[{"id":"m1","offset":7,"from":"b","body":1,"enqueued_at":"2026-11-22T10:00:00.25Z","attempts":5,"reason":"no\u001b[31m"}]}`,
			"GET /v1/mailboxes/web-1/dead limit=1000", "m1  7       2026-11-22 10:00:00.250 UTC  b     5      no\uFFFD[31m      1",
		},
		"mailbox requeue web-1 m1": {
			`{"id":"m1","offset":12,"duplicate":false,"state":"pending","revision":40}`,
			"POST /v1/mailboxes/web-1/dead/m1/requeue", "m1 is pending again: offset 12, revision 40.",
		},
		"mailbox ack web-1 --up-to 7": {
			`{"acked":1,"pending":0,"revision":9}`, `POST /v1/mailboxes/web-1/ack  {"up_to":7}`, "acknowledged 1 message; 0 pending.",
		},
		"mailbox ack web-1 m1 m2": {
			`{"acked":2,"pending":0,"revision":9}`, `POST /v1/mailboxes/web-1/ack  {"ids":["m1","m2"]}`, "acknowledged 2 messages",
		},
		"mailbox nack web-1 m1 --reason odd --attempt 5": {
			`{"nacked":1,"dead":1,"pending":0}`,
			`POST /v1/mailboxes/web-1/nack  {"ids":["m1"],"attempt":5,"reason":"odd"}`,
			"handed back 1 message, now dead letters: 1; 0 pending.",
		},
	} {
		t.Run(line, func(t *testing.T) {
			method, rest, _ := strings.Cut(test.asked, " ")
			path, _, _ := strings.Cut(rest, " ")
			f := startFake(t, map[string]string{method + " " + path: test.answer})
			out, _ := run(t, 0, strings.Fields(line)...)
			if !strings.Contains(out, test.want) {
				t.Errorf("stdout %q, want %q", out, test.want)
			}
			checkLines(t, f.requests(), test.asked)
			if out, _ := run(t, 0, append(strings.Fields(line), "-o", "json")...); out != test.answer+"\n" {
				t.Errorf("as JSON %q", out)
			}
		})
	}
}

func TestUnknownMessageExitsWith3(t *testing.T) {
	startFake(t, nil)
	run(t, exitNotAlive, "mailbox", "message", "web-1", "m1")
	run(t, exitNotAlive, "history", "web-1")
}
