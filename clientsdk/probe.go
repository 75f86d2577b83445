package clientsdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Probe asks whether something is well; it fits Registration.Health. It
// returns when its context ends.
type Probe = func(context.Context) error

// ErrNoProbe is returned by Any and All of nothing.
var ErrNoProbe = errors.New("no probe is given")

// maxProbeBody is as much of an HTTP probe's answer as is read.
const maxProbeBody = 64 << 10

// ProbeAny asks over two channels at once, whether tcpAddr (host:port) accepts
// a connection and whether a GET of httpURL answers 2xx, each within limit.
// One success is enough; else the error joins both.
func ProbeAny(tcpAddr, httpURL string, limit time.Duration) Probe {
	return Any(ProbeTCP(tcpAddr, limit), ProbeHTTP(httpURL, limit))
}

// ProbeTCP is well when addr accepts a connection within limit.
func ProbeTCP(addr string, limit time.Duration) Probe {
	dialer := net.Dialer{Timeout: limit, KeepAlive: -1}
	return func(ctx context.Context) error {
		conn, err := dialer.DialContext(ctx, "tcp", addr)
		if err != nil {
			return fmt.Errorf("probe tcp %s: %w", addr, err)
		}
		return conn.Close()
	}
}

// ProbeHTTP is well when a GET of url answers 2xx within limit, body included.
// It follows no redirect and keeps no connection.
func ProbeHTTP(url string, limit time.Duration) Probe {
	client := &http.Client{
		Timeout:       limit,
		CheckRedirect: noRedirect,
		Transport:     &http.Transport{DisableKeepAlives: true, MaxResponseHeaderBytes: maxHeaderSize},
	}
	return func(ctx context.Context) error {
		if err := get(ctx, client, url); err != nil {
			return fmt.Errorf("probe %s: %w", url, err)
		}
		return nil
	}
}

func get(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(res.Body, maxProbeBody)); err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("answered %s", res.Status)
	}
	return nil
}

// Any is well when one of the probes is. All are asked at once; the first
// success ends the others, and their end is waited for.
func Any(probes ...Probe) Probe {
	return func(ctx context.Context) error {
		if len(probes) == 0 {
			return ErrNoProbe
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		answers := ask(ctx, probes)
		failures := make([]error, 0, len(probes))
		well := false
		for range probes {
			err := <-answers
			if err == nil {
				well = true
				cancel()
			}
			failures = append(failures, err)
		}
		if well {
			return nil
		}
		return errors.Join(failures...)
	}
}

// All is well when every one of the probes is, asked at once.
func All(probes ...Probe) Probe {
	return func(ctx context.Context) error {
		if len(probes) == 0 {
			return ErrNoProbe
		}
		answers := ask(ctx, probes)
		failures := make([]error, 0, len(probes))
		for range probes {
			failures = append(failures, <-answers)
		}
		return errors.Join(failures...)
	}
}

// ask runs each probe on a goroutine of its own; the caller takes as many
// answers as there are probes, and none is left behind. A probe that panics
// has failed.
func ask(ctx context.Context, probes []Probe) <-chan error {
	answers := make(chan error)
	for _, probe := range probes {
		go func() {
			answers <- contained(ctx, probe)
		}()
	}
	return answers
}

func contained(ctx context.Context, probe Probe) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the probe panicked: %v", v)
		}
	}()
	return probe(ctx)
}
