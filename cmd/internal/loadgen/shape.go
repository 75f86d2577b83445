package loadgen

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// fullID is how long the ids of full leases are, at least.
const fullID = 40

// What full leases carry beside a service and an address each of their own.
const (
	fullPort = 8080
	fullMore = `,"tags":["v2","eu"],"meta":{"zone":"a"}`
)

// shape is what the leases of a run carry: a service and a TTL; full ones also
// an id of at least 40 bytes, an address, a port, two tags and one pair of meta.
type shape struct {
	service string
	ttl     time.Duration
	full    bool
}

// id is that of the nth lease.
func (s *shape) id(prefix string, n int) string {
	digits := strconv.Itoa(n)
	if missing := fullID - len(prefix) - len(digits); s.full && missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	return prefix + digits
}

// appendMembers appends the members of the nth lease's registration, without
// the braces around them.
func (s *shape) appendMembers(b []byte, n int) []byte {
	b = fmt.Appendf(b, `"service":%q,"ttl_ms":%d`, s.service, s.ttl.Milliseconds())
	if !s.full {
		return b
	}
	b = fmt.Appendf(b, `,"address":"%s","port":%d`, address(n), fullPort)
	return append(b, fullMore...)
}

// appendBody appends the body of the nth lease's registration.
func (s *shape) appendBody(b []byte, n int) []byte {
	return append(s.appendMembers(append(b, '{'), n), '}')
}

// registration is the same as a value.
func (s *shape) registration(n int) wire.Registration {
	r := wire.Registration{Service: s.service, TTLMS: s.ttl.Milliseconds()}
	if s.full {
		r.Address, r.Port = address(n), fullPort
		r.Tags, r.Meta = []string{"v2", "eu"}, map[string]string{"zone": "a"}
	}
	return r
}

// address is one that only the nth lease has, of 16,777,216.
func address(n int) string { return fmt.Sprintf("10.%d.%d.%d", byte(n>>16), byte(n>>8), byte(n)) }
