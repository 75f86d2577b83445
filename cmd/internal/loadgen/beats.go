package loadgen

import (
	"encoding/binary"
	"strconv"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// lease is one lease that a worker keeps alive.
type lease struct {
	id     string
	number int    // what its shape follows from
	epoch  uint64 // 0: not granted
	seq    uint64 // of the renewal acknowledged last

	renewed int64 // when that, or the grant, was sent, in Unix ms; 0: not known
}

// overdue says that a lease may have ended by now: nothing that was acknowledged
// was sent within its TTL, be it that the driver was late or the cluster away.
func (l *lease) overdue(ttl time.Duration, now time.Time) bool {
	return l.renewed != 0 && now.UnixMilli()-l.renewed > ttl.Milliseconds()
}

// codec writes a batch of renewals with the next seq of each lease. The seqs
// themselves are counted on when the batch was answered, so that one without an
// answer is sent again as it was.
type codec struct {
	mediaType string
	encode    func(b []byte, leases []lease) []byte
}

func codecOf(name string) codec {
	switch name {
	case CodecBinary:
		return codec{wire.TypeBeats, appendBinary}
	case CodecCBOR:
		return codec{wire.TypeCBOR, appendCBOR}
	default:
		return codec{wire.TypeJSON, appendJSON}
	}
}

func appendBeat(b []byte, l *lease) []byte {
	b = append(b, `{"epoch":`...)
	b = strconv.AppendUint(b, l.epoch, 10)
	b = append(b, `,"seq":`...)
	b = strconv.AppendUint(b, l.seq+1, 10)
	return append(b, '}')
}

func appendJSON(b []byte, leases []lease) []byte {
	b = append(b, `{"beats":[`...)
	for i := range leases {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '[')
		b = strconv.AppendUint(b, leases[i].epoch, 10)
		b = append(b, ',')
		b = strconv.AppendUint(b, leases[i].seq+1, 10)
		b = append(b, ']')
	}
	return append(b, "]}"...)
}

func appendBinary(b []byte, leases []lease) []byte {
	for i := range leases {
		b = binary.BigEndian.AppendUint64(b, leases[i].epoch)
		b = binary.BigEndian.AppendUint64(b, leases[i].seq+1)
	}
	return b
}

// Major types of CBOR (RFC 8949, section 3.1), in place.
const (
	cborUint  = 0 << 5
	cborText  = 3 << 5
	cborArray = 4 << 5
	cborMap   = 5 << 5
)

func appendCBOR(b []byte, leases []lease) []byte {
	b = appendCBORHead(b, cborMap, 1)
	b = appendCBORHead(b, cborText, uint64(len("beats")))
	b = append(b, "beats"...)
	b = appendCBORHead(b, cborArray, uint64(len(leases)))
	for i := range leases {
		b = appendCBORHead(b, cborArray, 2)
		b = appendCBORHead(b, cborUint, leases[i].epoch)
		b = appendCBORHead(b, cborUint, leases[i].seq+1)
	}
	return b
}

// appendCBORHead writes a major type with its argument in the shortest form.
func appendCBORHead(b []byte, major byte, n uint64) []byte {
	switch {
	case n < 24:
		return append(b, major|byte(n))
	case n < 1<<8:
		return append(b, major|24, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, major|25), uint16(n))
	case n < 1<<32:
		return binary.BigEndian.AppendUint32(append(b, major|26), uint32(n))
	default:
		return binary.BigEndian.AppendUint64(append(b, major|27), n)
	}
}
