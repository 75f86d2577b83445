package main

import (
	"net"
	"net/url"
	"time"

	"github.com/seed-b4c92e43/rollcall/clientsdk"
)

// checkWithin bounds one check; the lease's own bound, a sixth of its TTL, may
// be tighter.
const checkWithin = 5 * time.Second

// parseChecks makes the gate of the lease out of --check: well is whoever
// answers one of them. None: no gate.
func parseChecks(checks []string) (clientsdk.Probe, error) {
	var probes []clientsdk.Probe
	for _, check := range checks {
		probe, err := parseCheck(check)
		if err != nil {
			return nil, err
		}
		probes = append(probes, probe)
	}
	if len(probes) == 0 {
		return nil, nil
	}
	return clientsdk.Any(probes...), nil
}

func parseCheck(check string) (clientsdk.Probe, error) {
	u, err := url.Parse(check)
	if err != nil || u.Host == "" {
		return nil, wrongUsage("check %q: want tcp://HOST:PORT or http://HOST[:PORT]/PATH", check)
	}
	switch u.Scheme {
	case "http", "https":
		return clientsdk.ProbeHTTP(check, checkWithin), nil
	case "tcp":
		if _, _, err := net.SplitHostPort(u.Host); err != nil || u.Path != "" {
			return nil, wrongUsage("check %q: want tcp://HOST:PORT", check)
		}
		return clientsdk.ProbeTCP(u.Host, checkWithin), nil
	default:
		return nil, wrongUsage("check %q: want tcp:// or http://", check)
	}
}
