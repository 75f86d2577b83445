package api

import (
	"strconv"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// appendRenewed appends the JSON of an answer to a heartbeat; ids have no
// character that JSON escapes.
func appendRenewed(dst []byte, a *wire.Renewed) []byte {
	dst = append(dst, `{"id":"`...)
	dst = append(dst, a.ID...)
	dst = append(dst, `","epoch":`...)
	dst = strconv.AppendUint(dst, a.Epoch, 10)
	dst = append(dst, `,"seq":`...)
	dst = strconv.AppendUint(dst, a.Seq, 10)
	dst = append(dst, `,"ttl_ms":`...)
	dst = strconv.AppendInt(dst, a.TTLMS, 10)
	dst = append(dst, `,"expires_in_ms":`...)
	dst = strconv.AppendInt(dst, a.ExpiresInMS, 10)
	dst = append(dst, `,"heartbeat_every_ms":`...)
	dst = strconv.AppendInt(dst, a.HeartbeatEveryMS, 10)
	dst = append(dst, `,"pending":`...)
	dst = strconv.AppendInt(dst, int64(a.Pending), 10)
	dst = append(dst, `,"duplicate":`...)
	dst = strconv.AppendBool(dst, a.Duplicate)
	dst = append(dst, `,"revision":`...)
	dst = strconv.AppendUint(dst, a.Revision, 10)
	return append(dst, "}\n"...)
}

// appendBatch appends the JSON of an answer to a batch.
func appendBatch(dst []byte, a *wire.HeartbeatsResult) []byte {
	dst = append(dst, `{"accepted":`...)
	dst = strconv.AppendInt(dst, int64(a.Accepted), 10)
	dst = append(dst, `,"duplicates":`...)
	dst = strconv.AppendInt(dst, int64(a.Duplicates), 10)
	dst = append(dst, `,"rejected":[`...)
	for i, r := range a.Rejected {
		dst = appendRejected(appendComma(dst, i), r)
	}
	dst = append(dst, `],"pending":[`...)
	for i, p := range a.Pending {
		dst = append(appendComma(dst, i), '[')
		dst = append(strconv.AppendUint(dst, p[0], 10), ',')
		dst = append(strconv.AppendUint(dst, p[1], 10), ']')
	}
	dst = append(dst, `],"revision":`...)
	dst = strconv.AppendUint(dst, a.Revision, 10)
	return append(dst, "}\n"...)
}

func appendComma(dst []byte, i int) []byte {
	if i > 0 {
		dst = append(dst, ',')
	}
	return dst
}

func appendRejected(dst []byte, r wire.RejectedBeat) []byte {
	dst = append(dst, `{"epoch":`...)
	dst = strconv.AppendUint(dst, r.Epoch, 10)
	dst = append(dst, `,"seq":`...)
	dst = strconv.AppendUint(dst, r.Seq, 10)
	dst = append(dst, `,"code":"`...)
	dst = append(dst, r.Code...)
	return append(dst, `"}`...)
}
