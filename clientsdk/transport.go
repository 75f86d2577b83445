package clientsdk

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

const (
	// keepAlive finds a peer that vanished without a word: first probe and
	// interval, four lost ones end the connection.
	keepAlive = 15 * time.Second
	// idleTimeout is shorter than any server's, so that a request seldom meets
	// a connection that the other side is just closing.
	idleTimeout   = 30 * time.Second
	maxHeaderSize = 64 << 10
)

// newTransport makes the client's own connections. HTTP/1.1 on purpose: one
// connection that went dead takes one request with it, not all of them.
func newTransport(c Config) (*http.Transport, error) {
	roots, err := loadRoots(c.CACert)
	if err != nil {
		return nil, err
	}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            newDialer(c).DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    c.DialTimeout,
		ExpectContinueTimeout:  time.Second,
		MaxConnsPerHost:        c.MaxConns,
		MaxIdleConnsPerHost:    c.MaxConns,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeaderSize,
	}, nil
}

func newDialer(c Config) *net.Dialer {
	return &net.Dialer{
		Timeout: c.DialTimeout,
		KeepAliveConfig: net.KeepAliveConfig{
			Enable: true, Idle: keepAlive, Interval: keepAlive, Count: 4,
		},
	}
}

// loadRoots reads the authorities at path; nil are the system's.
func loadRoots(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read CA certificates: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read CA certificates: no certificate in %s", path)
	}
	return pool, nil
}
