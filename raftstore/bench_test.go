package raftstore

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/hashicorp/raft"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// BenchmarkLogAppend stores one entry of 16,000 bytes (1,000 beats) at a time,
// and cuts the log as snapshots do.
func BenchmarkLogAppend(b *testing.B) {
	s := openLog(b, b.TempDir())
	data := bytes.Repeat([]byte("0123456789abcdef"), 1000)
	b.SetBytes(int64(len(data)))
	for i := uint64(1); b.Loop(); i++ {
		if err := s.StoreLog(&raft.Log{Index: i, Term: 1, Data: data}); err != nil {
			b.Fatal(err)
		}
		if i%4000 == 0 {
			first, _ := s.bounds()
			if err := s.DeleteRange(first, i-2000); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkApply applies entries of 1,000 renewals each to 10,000 leases.
func BenchmarkApply(b *testing.B) {
	const leases, beats = 10_000, 1000
	m := newMachine(b)
	epochs := make([]uint64, leases)
	index := uint64(0)
	for i := range epochs {
		index++
		epochs[i] = m.apply(b, index, grant(fmt.Sprint("lease-", i))).Results[0].Lease.Epoch
	}
	seq, at := uint64(1), 0
	for b.Loop() {
		r := new(registry.Renew)
		for range beats {
			r.Beats = r.Beats.Append(epochs[at], seq)
			if at++; at == leases {
				at, seq = 0, seq+1
			}
		}
		index++
		m.apply(b, index, r)
	}
	b.ReportMetric(float64(b.N*beats)/b.Elapsed().Seconds(), "beats/s")
}
