package api

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// leaseText appends the JSON of one row of a list after another, byte for byte
// that of a wire.Lease.
type leaseText struct {
	row  *registry.Row
	spec registry.Spec // of the row
	rtt  *wire.RTT     // of the row
}

// leaseColumn is a field of a lease.
type leaseColumn struct {
	name, key string // key: with a comma before it
	append    func(dst []byte, t *leaseText) []byte
}

// leaseColumns are the fields in the order of a wire.Lease.
var leaseColumns = [...]leaseColumn{
	column("ns", func(dst []byte, t *leaseText) []byte { return appendString(dst, t.row.NS) }),
	column("id", func(dst []byte, t *leaseText) []byte { return appendString(dst, t.row.ID()) }),
	column("service", func(dst []byte, t *leaseText) []byte { return appendString(dst, t.row.Service) }),
	column("address", func(dst []byte, t *leaseText) []byte { return appendString(dst, t.spec.Address) }),
	column("port", func(dst []byte, t *leaseText) []byte { return strconv.AppendUint(dst, uint64(t.row.Port), 10) }),
	column("tags", func(dst []byte, t *leaseText) []byte { return appendTags(dst, t.spec.Tags) }),
	column("meta", func(dst []byte, t *leaseText) []byte { return appendMeta(dst, t.spec.Meta) }),
	column("state", func(dst []byte, t *leaseText) []byte { return appendString(dst, t.row.State.String()) }),
	column(heldReason, func(dst []byte, t *leaseText) []byte { return appendString(dst, t.row.HeldReason) }),
	column("epoch", func(dst []byte, t *leaseText) []byte { return strconv.AppendUint(dst, t.row.Epoch, 10) }),
	column("seq", func(dst []byte, t *leaseText) []byte { return strconv.AppendUint(dst, t.row.Seq, 10) }),
	column("ttl_ms", func(dst []byte, t *leaseText) []byte { return strconv.AppendUint(dst, uint64(t.row.TTL), 10) }),
	column("expires_in_ms", func(dst []byte, t *leaseText) []byte { return strconv.AppendInt(dst, max(0, t.row.RemainingMS), 10) }),
	column("granted_at", func(dst []byte, t *leaseText) []byte { return appendTime(dst, t.row.GrantedAt) }),
	column("renewed_at", func(dst []byte, t *leaseText) []byte { return appendTime(dst, t.row.RenewedAt) }),
	column("renewals", func(dst []byte, t *leaseText) []byte { return strconv.AppendUint(dst, t.row.Renewals, 10) }),
	column("missed", func(dst []byte, t *leaseText) []byte { return strconv.AppendUint(dst, t.row.Missed, 10) }),
	column("late", func(dst []byte, t *leaseText) []byte { return strconv.AppendBool(dst, t.row.RemainingMS < 0) }),
	column("flapping", func(dst []byte, t *leaseText) []byte { return strconv.AppendBool(dst, t.row.Flapping) }),
	column("rtt_ms", func(dst []byte, t *leaseText) []byte { return appendRTT(dst, t.rtt) }),
	column("revision", func(dst []byte, t *leaseText) []byte { return strconv.AppendUint(dst, t.row.Revision, 10) }),
}

const heldReason = "held_reason" // left out of a whole lease where there is none

func column(name string, f func([]byte, *leaseText) []byte) leaseColumn {
	return leaseColumn{name: name, key: `,"` + name + `":`, append: f}
}

// columnsOf returns the columns of these fields, nil for all.
func columnsOf(fields []string) []leaseColumn {
	if fields == nil {
		return nil
	}
	columns := make([]leaseColumn, len(fields))
	for i, name := range fields {
		columns[i] = leaseColumns[slices.IndexFunc(leaseColumns[:], func(c leaseColumn) bool { return c.name == name })]
	}
	return columns
}

// take goes on to another row.
func (t *leaseText) take(row *registry.Row, rtt *wire.RTT) {
	t.row, t.rtt = row, rtt
	row.Spec(&t.spec)
}

// whole appends a lease with all its fields.
func (t *leaseText) whole(dst []byte) []byte {
	start := len(dst)
	for i := range leaseColumns {
		if c := &leaseColumns[i]; t.row.HeldReason != "" || c.name != heldReason {
			dst = c.append(append(dst, c.key...), t)
		}
	}
	dst[start] = '{'
	return append(dst, '}')
}

// some appends a lease with some of its fields, of which there is at least one.
func (t *leaseText) some(dst []byte, columns []leaseColumn) []byte {
	start := len(dst)
	for i := range columns {
		dst = columns[i].append(append(dst, columns[i].key...), t)
	}
	dst[start] = '{'
	return append(dst, '}')
}

func appendTags(dst []byte, tags []string) []byte {
	dst = append(dst, '[')
	for i, tag := range tags {
		dst = appendString(appendComma(dst, i), tag)
	}
	return append(dst, ']')
}

// appendMeta appends pairs as an object, whose names are in order and unique
// as in a map.
func appendMeta(dst []byte, pairs []registry.Pair) []byte {
	for i := 1; i < len(pairs); i++ {
		if strings.Compare(pairs[i-1].Key, pairs[i].Key) >= 0 {
			return appendAny(dst, showMeta(pairs))
		}
	}
	dst = append(dst, '{')
	for i := range pairs {
		dst = append(appendString(appendComma(dst, i), pairs[i].Key), ':')
		dst = appendString(dst, pairs[i].Value)
	}
	return append(dst, '}')
}

// appendString appends a string as package encoding/json writes it.
func appendString(dst []byte, text string) []byte {
	for i := range len(text) {
		if b := text[i]; b < ' ' || b >= 0x7f || b == '"' || b == '\\' {
			return appendAny(dst, text)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, text...)
	return append(dst, '"')
}

// appendTime appends a wire.Time. Package time is fast at RFC 3339 without
// fractions only.
func appendTime(dst []byte, at int64) []byte {
	t := time.UnixMilli(at).UTC()
	dst = t.AppendFormat(append(dst, '"'), time.RFC3339)
	ms := uint(t.Nanosecond() / int(time.Millisecond))
	return append(dst[:len(dst)-len("Z")], '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10), 'Z', '"')
}

func appendRTT(dst []byte, rtt *wire.RTT) []byte {
	if rtt == nil {
		return append(dst, "null"...)
	}
	dst = appendFloat(append(dst, `{"mean":`...), rtt.Mean)
	dst = appendFloat(append(dst, `,"p95":`...), rtt.P95)
	dst = appendFloat(append(dst, `,"jitter":`...), rtt.Jitter)
	return append(dst, '}')
}

// appendFloat appends a number as package encoding/json writes it.
func appendFloat(dst []byte, f float64) []byte {
	if size := math.Abs(f); size != 0 && (size < 1e-6 || size >= 1e21) {
		return appendAny(dst, f) // with an exponent
	}
	return strconv.AppendFloat(dst, f, 'f', -1, 64)
}

// appendAny appends what need not be fast, and can be encoded.
func appendAny(dst []byte, v any) []byte {
	text, err := encodeJSON(v)
	if err != nil {
		text, _ = json.Marshal(nil)
		return append(dst, text...)
	}
	return append(dst, text[:len(text)-len("\n")]...)
}
