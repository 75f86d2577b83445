package registry

import "encoding/binary"

// What a Result carries, as bits.
const (
	resultLease = 1 << iota
	resultCreated
	resultCertificate
	resultMail
	resultAll = 1<<iota - 1
)

// resultSizeMin is the least size of an encoding, by which counts are bounded.
const resultSizeMin = 10

func appendResult(dst []byte, t *Result) []byte {
	dst = append(dst, byte(t.Code), boolBit(t.Lease != nil, resultLease)|
		boolBit(t.Created, resultCreated)|boolBit(t.Certificate != nil, resultCertificate)|
		boolBit(t.Mail != nil, resultMail))
	for _, v := range [...]uint64{t.Revision, t.ReplacedEpoch, t.CurrentEpoch, t.CurrentSeq, uint64(t.Buried), uint64(t.Pending)} {
		dst = binary.AppendUvarint(dst, v)
	}
	dst = binary.AppendVarint(dst, t.RemainingMS)
	if t.Lease != nil {
		dst = appendLease(dst, t.Lease)
	}
	if t.Certificate != nil {
		dst = appendCertificate(dst, t.Certificate)
	}
	if t.Mail != nil {
		dst = appendMailResult(dst, t.Mail)
	}
	return appendBeatResults(dst, t.Beats)
}

func (r *reader) result() Result {
	t := Result{Code: Code(r.byte())}
	carried := r.flags(resultAll)
	t.Created = carried&resultCreated != 0
	t.Revision, t.ReplacedEpoch = r.uvarint(), r.uvarint()
	t.CurrentEpoch, t.CurrentSeq = r.uvarint(), r.uvarint()
	t.Buried, t.Pending = int(r.uvarint32()), int(r.uvarint32())
	t.RemainingMS = r.varint()
	if carried&resultLease != 0 {
		t.Lease = new(r.lease())
	}
	if carried&resultCertificate != 0 {
		t.Certificate = new(r.certificate())
	}
	if carried&resultMail != 0 {
		t.Mail = r.mailResult()
	}
	t.Beats = r.beatResults()
	return t
}

// appendLease leaves the slot out: it means nothing on another node.
func appendLease(dst []byte, l *Lease) []byte {
	dst = appendString(appendString(dst, l.NS), l.ID)
	dst = appendSpec(dst, &l.Spec)
	dst = appendString(append(dst, byte(l.State), byte(l.Resumes)), l.HeldReason)
	for _, v := range [...]uint64{l.Epoch, l.Seq, uint64(l.TTL), l.Renewals, l.Missed, l.Revision} {
		dst = binary.AppendUvarint(dst, v)
	}
	return binary.AppendVarint(binary.AppendVarint(dst, l.GrantedAt), l.RenewedAt)
}

func (r *reader) lease() Lease {
	l := Lease{NS: r.string(), ID: r.string(), Spec: r.spec()}
	l.State, l.Resumes, l.HeldReason = LeaseState(r.byte()), LeaseState(r.byte()), r.string()
	l.Epoch, l.Seq, l.TTL = r.uvarint(), r.uvarint(), r.uvarint32()
	l.Renewals, l.Missed, l.Revision = r.uvarint(), r.uvarint(), r.uvarint()
	l.GrantedAt, l.RenewedAt = r.varint(), r.varint()
	return l
}

func appendCertificate(dst []byte, c *Certificate) []byte {
	dst = appendString(appendString(appendString(dst, c.NS), c.ID), c.Service)
	dst = appendString(append(dst, byte(c.Cause)), c.Judge)
	dst = binary.AppendVarint(dst, c.At)
	for _, v := range [...]uint64{
		c.Epoch, c.Revision, c.Term, c.LastSeq, c.LastRenewalAgeMS,
		uint64(c.TTL), c.OverdueMS, c.Missed, uint64(c.JudgeStallMS),
	} {
		dst = binary.AppendUvarint(dst, v)
	}
	return dst
}

func (r *reader) certificate() Certificate {
	c := Certificate{NS: r.string(), ID: r.string(), Service: r.string(), Cause: Cause(r.byte()), Judge: r.string()}
	c.At = r.varint()
	c.Epoch, c.Revision, c.Term = r.uvarint(), r.uvarint(), r.uvarint()
	c.LastSeq, c.LastRenewalAgeMS, c.TTL = r.uvarint(), r.uvarint(), r.uvarint32()
	c.OverdueMS, c.Missed, c.JudgeStallMS = r.uvarint(), r.uvarint(), r.uvarint32()
	return c
}
