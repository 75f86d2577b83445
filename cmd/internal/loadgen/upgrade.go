package loadgen

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// upgrade makes a fresh connection a session (RFC 6455, section 4.1). An answer
// other than 101 is the problem that it tells.
func (c *conn) upgrade(protocol string) error {
	c.out = append(c.out[:0], "GET "+wire.PathSession+" HTTP/1.1\r\nHost: "+c.hosts[c.at]+"\r\n"...)
	c.out = append(c.out, c.fields...)
	c.out = append(c.out, "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: "+protocol...)
	c.out = append(c.out, "\r\nSec-WebSocket-Key: "+challenge()+"\r\n\r\n"...)
	if _, err := c.nc.Write(c.out); err != nil {
		return fmt.Errorf("send to %s: %w", c.hosts[c.at], err)
	}
	h, err := c.in.readHead()
	if err != nil {
		return fmt.Errorf("answer of %s: %w", c.hosts[c.at], err)
	}
	if h.status == http.StatusSwitchingProtocols {
		return nil
	}
	if err := c.in.readBody(h); err != nil {
		return fmt.Errorf("answer of %s: %w", c.hosts[c.at], err)
	}
	return problem(h.status, c.in.body)
}

// challenge is random, as the protocol wants it; what the node makes of it is
// not looked at.
func challenge() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.StdEncoding.EncodeToString(b[:])
}
