package registry

import "encoding/binary"

// maxRenewed bounds the beats of all results that are decoded together, for a
// few bytes may stand for many of them. A frame of a node has 10,000 at most.
const maxRenewed = 1 << 16

// appendBeatResults encodes runs: most leases of a batch have one TTL and no
// mail, so that the answer to thousands of beats is a few bytes.
func appendBeatResults(dst []byte, beats []BeatResult) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(beats)))
	for len(beats) > 0 {
		n := 1
		for n < len(beats) && beats[n] == beats[0] {
			n++
		}
		dst = appendBeatResult(binary.AppendUvarint(dst, uint64(n)), &beats[0])
		beats = beats[n:]
	}
	return dst
}

func appendBeatResult(dst []byte, b *BeatResult) []byte {
	dst = append(dst, byte(b.Code))
	dst = binary.AppendUvarint(dst, uint64(b.TTL))
	dst = binary.AppendUvarint(dst, uint64(b.RemainingMS))
	dst = binary.AppendUvarint(dst, uint64(b.Pending))
	return binary.AppendUvarint(dst, b.Current)
}

func (r *reader) beatResults() []BeatResult {
	n := r.renewals()
	if n == 0 {
		return nil
	}
	beats := make([]BeatResult, n)
	for rest := beats; len(rest) > 0; {
		run := r.uvarint()
		if run == 0 || run > uint64(len(rest)) {
			r.fail()
			return nil
		}
		fill(rest[:run], r.beatResult())
		rest = rest[run:]
	}
	return beats
}

// renewals reads how many beats there are in a result.
func (r *reader) renewals() int {
	n := r.uvarint()
	if n > uint64(maxRenewed-r.renewed) {
		r.fail()
		return 0
	}
	r.renewed += int(n)
	return int(n)
}

func fill(beats []BeatResult, b BeatResult) {
	for i := range beats {
		beats[i] = b
	}
}

func (r *reader) beatResult() BeatResult {
	return BeatResult{Code(r.byte()), r.uvarint32(), r.uvarint32(), r.uvarint32(), r.uvarint()}
}
