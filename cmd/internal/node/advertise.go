package node

import (
	"fmt"
	"net"

	"github.com/hashicorp/go-sockaddr"
)

// advertised returns the host by which others reach this node.
func advertised(told, bound string) (string, error) {
	if told != "" {
		return told, nil
	}
	host, _, err := net.SplitHostPort(bound)
	if err != nil {
		return "", fmt.Errorf("split bound address: %w", err)
	}
	ip := net.ParseIP(host)
	if host != "" && (ip == nil || !ip.IsUnspecified()) {
		return host, nil
	}
	private, err := sockaddr.GetPrivateIP()
	if err != nil || private == "" {
		return "", fmt.Errorf("no private address found for %s: say with --advertise how other nodes reach this one", bound)
	}
	return private, nil
}

// withPort joins the advertised host with the port that was bound.
func withPort(host, bound string) string {
	_, port, err := net.SplitHostPort(bound)
	if err != nil {
		return host
	}
	return net.JoinHostPort(host, port)
}
