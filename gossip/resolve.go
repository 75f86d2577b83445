package gossip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"
)

const lookupTimeout = 5 * time.Second

// splitAddr splits host[:port].
func splitAddr(addr string, defaultPort int) (host string, port int, err error) {
	if ip, err := netip.ParseAddr(addr); err == nil {
		return ip.String(), defaultPort, nil
	}
	host, service, err := net.SplitHostPort(addr)
	if err != nil {
		var bad *net.AddrError
		if errors.As(err, &bad) && bad.Err == "missing port in address" {
			return addr, defaultPort, nil
		}
		return "", 0, err
	}
	n, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("port %q of %q is not a number up to 65535", service, addr)
	}
	return host, int(n), nil
}

// lookup returns the IP addresses of a host, IPv4 first, since that is what
// containers and mixed networks reach most surely.
func lookup(ctx context.Context, r Resolver, host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip.Unmap()}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	texts, err := r.LookupHost(ctx, host)
	if err != nil {
		return nil, err
	}
	ips := make([]netip.Addr, 0, len(texts))
	for _, s := range texts {
		if ip, err := netip.ParseAddr(s); err == nil {
			ips = append(ips, ip.Unmap())
		}
	}
	if len(ips) == 0 {
		return nil, fmt.Errorf("%q has no address", host)
	}
	slices.SortStableFunc(ips, func(a, b netip.Addr) int { return a.BitLen() - b.BitLen() })
	return ips, nil
}

// bindAddr resolves the address to listen on; memberlist takes IPs only, and
// would listen everywhere on anything else.
func bindAddr(ctx context.Context, c *Config) (ip string, port int, err error) {
	host, port, err := splitAddr(c.Bind, DefaultPort)
	if err != nil {
		return "", 0, fmt.Errorf("gossip address: %w", err)
	}
	if host == "" {
		return "0.0.0.0", port, nil
	}
	ips, err := lookup(ctx, c.Resolver, host)
	if err != nil {
		return "", 0, fmt.Errorf("gossip address %q does not resolve: %w", c.Bind, err)
	}
	return ips[0].String(), port, nil
}

// advertiseAddr resolves the address to announce; "" leaves it to the
// transport.
func advertiseAddr(ctx context.Context, c *Config, bound int) (ip string, port int, err error) {
	if c.Advertise == "" {
		return "", bound, nil
	}
	host, port, err := splitAddr(c.Advertise, bound)
	if err != nil {
		return "", 0, fmt.Errorf("advertised address: %w", err)
	}
	ips, err := lookup(ctx, c.Resolver, host)
	if err != nil {
		return "", 0, fmt.Errorf("advertised address %q does not resolve (give an IP address, or a name that this machine resolves too): %w", host, err)
	}
	return ips[0].String(), port, nil
}
