package registry

import (
	"slices"

	"pgregory.net/rapid"
)

func drawMessageID(t *rapid.T) MessageID {
	return messageID(rapid.IntRange(1, 5).Draw(t, "message"))
}

func drawMessageIDs(t *rapid.T) []MessageID {
	return list(rapid.SliceOfN(rapid.Custom(drawMessageID), 0, 4).Draw(t, "messages"))
}

func drawMailCommand(t *rapid.T, epoch uint64) Command {
	ns, id := rapid.SampledFrom([]string{"a", "a", "a", "b"}).Draw(t, "ns"), rapid.SampledFrom([]string{"x", "x", "x", "y"}).Draw(t, "id")
	switch rapid.IntRange(0, 9).Draw(t, "mail") {
	case 0, 1, 2, 3:
		return &Send{
			NS: ns, ID: id, Message: drawMessageID(t), TTL: rapid.SampledFrom([]uint64{0, 3000, 60_000, 60_000}).Draw(t, "ttl"),
			Body: Body{From: "f", Data: slices.Repeat([]byte{'x'}, rapid.IntRange(0, 9).Draw(t, "size"))},
		}
	case 4, 5:
		return &Ack{NS: ns, ID: id, Epoch: epoch, UpTo: rapid.SampledFrom([]uint64{0, 0, 1, 2, 3, 6}).Draw(t, "up to"), Messages: drawMessageIDs(t)}
	case 6, 7, 8:
		return &Nack{
			NS: ns, ID: id, Epoch: epoch, Messages: drawMessageIDs(t), Attempt: rapid.SampledFrom([]uint32{0, 0, 0, 1, 2}).Draw(t, "attempt"),
			Reason: rapid.SampledFrom([]string{"", "busy"}).Draw(t, "reason"),
		}
	}
	return &Requeue{ns, id, drawMessageID(t)}
}

// drawMailLimits draws limits so low that they matter.
func drawMailLimits(t *rapid.T) MailLimits {
	few := rapid.Uint32Range(1, 4)
	return MailLimits{
		Messages: few.Draw(t, "waiting"), Bytes: rapid.SampledFrom([]uint64{0, 20}).Draw(t, "bytes"),
		TotalBytes: rapid.SampledFrom([]uint64{0, 8 * messageOverhead}).Draw(t, "total"), MaxAttempts: few.Draw(t, "attempts"),
		Tombstones: few.Draw(t, "tombstones"), TombstoneMS: rapid.SampledFrom([]uint64{0, 1000}).Draw(t, "tombstone age"),
		Dead: few.Draw(t, "dead"), DeadMS: rapid.SampledFrom([]uint64{0, 8000}).Draw(t, "dead age"), Idle: rapid.Uint32Range(1, 2).Draw(t, "idle"),
	}
}
