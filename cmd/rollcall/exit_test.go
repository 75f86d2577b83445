package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func TestWrongUsageExitsWith2(t *testing.T) {
	for line, want := range map[string]string{
		"":                                    "Usage:",
		"aliv":                                "did you mean alive",
		"frobnicate":                          `unknown command "frobnicate"`,
		"cluster":                             "Usage:",
		"cluster frobnicate":                  `unknown command "frobnicate"`,
		"alive --frobnicate":                  "unknown flag: --frobnicate",
		"alive a b":                           "rollcall alive wants [SERVICE], got 2 arguments",
		"why":                                 "rollcall why wants ID",
		"services x":                          "wants no argument",
		"alive -o xml":                        `output "xml"`,
		"alive --meta x":                      `meta "x": want KEY=VALUE`,
		"alive --watch --meta a=b":            "--watch and --meta exclude each other",
		"alive --at soon":                     `at "soon"`,
		"alive --at 1m --at-revision 1":       "exclude each other",
		"history":                             "wants ID",
		"alive --addr ftp://x":                "neither http nor https",
		"alive --timeout soon":                "invalid argument",
		"register x --address h:p":            "want a port",
		"register x --address h:1:2":          "want HOST:PORT",
		"run --service web":                   "run wants a command",
		"run --check udp://x:1 -- sh":         "want tcp:// or http://",
		"run --check nonsense -- sh":          "want tcp://HOST:PORT",
		"healthcheck --ready --live":          "exclude each other",
		"bench --mode other":                  `mode "other"`,
		"bench watch --every 0s":              "want more than 0",
		"bench watch --watchers -1":           "watchers -1",
		"bench mail --body 1":                 "body 1",
		"bench mail --senders 0":              "want more than 0",
		"bench idle --kind poll":              `kind "poll"`,
		"bench idle --hold 0s":                "want more than 0",
		"bench scale --voters 2":              "2 voters",
		"bench scale --cost http_beat":        "want NAME=VALUE",
		"bench scale --cost beer=1":           "no unit cost has that name",
		"bench frobnicate":                    "wants no argument",
		"bench --mode session --codec binary": "a session has json or cbor",
		"bench --workers 0":                   "want more than 0",
		"bench --duration 0s":                 "want more than 0",
		"server --node-id a/b":                `node-id "a/b"`,
		"server --node-id a":                  "data-dir is not set",
		"dev --max-voters 2":                  "want 1, 3 or 5",
		"server --log-level loud":             `log-level "loud"`,
		"server --log-format xml":             `log-format "xml"`,
		"server --config /nonexistent":        "read configuration",
	} {
		t.Run(line, func(t *testing.T) {
			var out, errOut bytes.Buffer
			if code := program(strings.Fields(line), &out, &errOut); code != exitUsage {
				t.Errorf("exit code %d, want 2", code)
			}
			if out.Len() > 0 || !strings.Contains(errOut.String(), want) {
				t.Errorf("stdout %q, stderr %q, want %q", out.String(), errOut.String(), want)
			}
		})
	}
}

func TestExitCodesOfProblems(t *testing.T) {
	for want, err := range map[int]error{
		exitDone:     nil,
		exitFailed:   errors.New("anything"),
		exitUsage:    fmt.Errorf("wrapped: %w", wrongUsage("x")),
		exitNotAlive: fmt.Errorf("wrapped: %w", &wire.Problem{Status: 410, Code: wire.CodeLeaseEnded}),
		exitNoQuorum: fmt.Errorf("wrapped: %w", &wire.Problem{Status: 503, Code: wire.CodeNoLeader}),
		7:            &exitError{code: 7},
	} {
		if got := exitCode(err); got != want {
			t.Errorf("%v: exit code %d, want %d", err, got, want)
		}
	}
	for code, problem := range map[int]*wire.Problem{
		exitNotAlive: {Status: 404, Code: wire.CodeLeaseNotFound},
		exitFailed:   {Status: 409, Code: wire.CodeSuperseded},
	} {
		if got := exitCode(problem); got != code {
			t.Errorf("%v: exit code %d, want %d", problem, got, code)
		}
	}
}

func TestUnreachableClusterFailsWithAHint(t *testing.T) {
	t.Setenv("ROLLCALL_ADDR", "127.0.0.1:1")
	var out, errOut bytes.Buffer
	if code := program([]string{"services"}, &out, &errOut); code != exitFailed {
		t.Errorf("exit code %d, want 1", code)
	}
	if !strings.Contains(errOut.String(), "Is a node running?") {
		t.Errorf("stderr %q", errOut.String())
	}
}
