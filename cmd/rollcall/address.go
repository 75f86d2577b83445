package main

import (
	"net"
	"net/url"
	"strconv"
	"strings"
)

// splitAddress reads HOST:PORT, HOST or :PORT. An IPv6 address with a port
// stands in brackets.
func splitAddress(s string) (host string, port int, err error) {
	if s == "" || net.ParseIP(s) != nil {
		return s, 0, nil
	}
	if !strings.Contains(s, ":") {
		return s, 0, nil
	}
	host, text, err := net.SplitHostPort(s)
	if err != nil {
		return "", 0, wrongUsage("address %q: want HOST:PORT, HOST or :PORT", s)
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, wrongUsage("address %q: want a port of 0 to 65535", s)
	}
	return host, int(n), nil
}

// ownAddress returns the address under which this machine reaches an endpoint,
// which is the one under which the endpoint's clients may reach it; "" where
// there is no way.
func ownAddress(endpoint string) string {
	if !strings.Contains(endpoint, "://") {
		endpoint = "http://" + endpoint
	}
	u, err := url.Parse(endpoint)
	if err != nil {
		return ""
	}
	port := u.Port()
	if port == "" {
		port = "80"
	}
	c, err := net.Dial("udp", net.JoinHostPort(u.Hostname(), port)) // sends nothing
	if err != nil {
		return ""
	}
	defer c.Close()
	host, _, err := net.SplitHostPort(c.LocalAddr().String())
	if err != nil {
		return ""
	}
	return host
}
