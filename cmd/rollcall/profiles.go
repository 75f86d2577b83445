package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"runtime"
	"time"
)

// How much of what goroutines wait for is sampled while profiles are served.
const (
	blockSample  = int(10 * time.Microsecond) // one sample for so much waiting, in nanoseconds
	mutexSample  = 100                        // one of so many contended unlocks
	profilesStop = 5 * time.Second            // how long a profile under way may hold the end up
)

// profiles serves Go's profiles (net/http/pprof) on a port of its own. They show
// memory, and an execution trace slows a node down, so only loopback may ask.
type profiles struct {
	server   *http.Server
	listener net.Listener
}

// openProfiles binds the port; with addr "" it returns nil, which serves nothing.
// The error is one of usage where addr is not of the loopback.
func openProfiles(addr string) (*profiles, error) {
	if addr == "" {
		return nil, nil
	}
	if !isLoopback(addr) {
		return nil, wrongUsage("debug-addr %q: want a host:port of the loopback, such as 127.0.0.1:6060", addr)
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for profiles: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	return &profiles{&http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}, listener}, nil
}

// serve answers until ctx ends, and samples what goroutines wait for meanwhile.
func (p *profiles) serve(ctx context.Context) {
	if p == nil {
		return
	}
	runtime.SetBlockProfileRate(blockSample)
	defer runtime.SetBlockProfileRate(0)
	defer runtime.SetMutexProfileFraction(runtime.SetMutexProfileFraction(mutexSample))
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = p.server.Serve(p.listener)
	}()
	<-ctx.Done()
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), profilesStop)
	defer cancel()
	if p.server.Shutdown(within) != nil {
		_ = p.server.Close()
	}
	<-done
}

// close gives the port back where it was never served.
func (p *profiles) close() {
	if p != nil {
		_ = p.listener.Close()
	}
}
