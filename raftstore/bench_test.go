package raftstore

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/hashicorp/raft"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// BenchmarkStoreLogs stores so many entries at a time, as leader and followers
// do, each time on the disk, and cuts the log as snapshots do.
func BenchmarkStoreLogs(b *testing.B) {
	for _, entries := range []int{1, 64} {
		for _, size := range []int{16, 1 << 10, 16 << 10, 128 << 10} {
			if testing.Short() && entries*size > 1<<20 {
				continue
			}
			b.Run(fmt.Sprintf("entries=%d/bytes=%d", entries, size), func(b *testing.B) {
				b.SetBytes(int64(entries * size))
				storeLogs(b, entries, size)
			})
		}
	}
}

// keptBytes is how much of the log a benchmark keeps: as much as a node does.
const keptBytes = 64 << 20

func storeLogs(b *testing.B, entries, size int) {
	s := openLog(b, b.TempDir())
	logs := make([]*raft.Log, entries)
	for i := range logs {
		logs[i] = &raft.Log{Term: 1, Type: raft.LogCommand, Data: bytes.Repeat([]byte{'x'}, size)}
	}
	next, kept := uint64(1), uint64(keptBytes/size)
	b.ReportAllocs()
	for b.Loop() {
		for i := range logs {
			logs[i].Index = next + uint64(i)
		}
		must(b, s.StoreLogs(logs))
		next += uint64(entries)
		if first, last := s.bounds(); last-first > kept {
			must(b, s.DeleteRange(first, last-kept/2))
		}
	}
}

// BenchmarkGetLog reads entries that the leader sends: those of the window in
// memory, and those that are on disk only.
func BenchmarkGetLog(b *testing.B) {
	const entries = 4000
	s := openLog(b, b.TempDir())
	logs := make([]*raft.Log, entries)
	for i := range logs {
		logs[i] = &raft.Log{Index: uint64(i) + 1, Term: 1, Data: make([]byte, 1000)}
	}
	for i := 0; i < entries; i += 100 {
		must(b, s.StoreLogs(logs[i:i+100]))
	}
	for name, first := range map[string]uint64{"from=disk": 1, "from=memory": entries - 10} {
		b.Run(name, func(b *testing.B) {
			var l raft.Log
			b.ReportAllocs()
			for i := uint64(0); b.Loop(); i++ {
				must(b, s.GetLog(first+i%10, &l))
			}
		})
	}
}

// BenchmarkApply is an entry of so many renewals of 10,000 leases, from its
// bytes in the log to its outcome.
func BenchmarkApply(b *testing.B) {
	const leases = 10_000
	m := newMachine(b)
	epochs := make([]uint64, leases)
	index := uint64(0)
	for i := range epochs {
		index++
		epochs[i] = m.apply(b, index, grant(fmt.Sprint("lease-", i))).Results[0].Lease.Epoch
	}
	seq, at := uint64(1), 0
	for _, batch := range []int{16, 1000, 8000} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := new(registry.Renew)
				for range batch {
					r.Beats = r.Beats.Append(epochs[at], seq)
					if at++; at == leases {
						at, seq = 0, seq+1
					}
				}
				index++
				m.apply(b, index, r)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(batch), "ns/beat")
		})
	}
}

// BenchmarkPropose is an entry of a cluster of one, from its proposal to its
// outcome: the log, the disk and the state machine.
func BenchmarkPropose(b *testing.B) {
	for _, batch := range []int{1, 1000, 8000} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			s := openSingle(b, b.TempDir())
			epoch := propose(b, s, grant("web-1")).Results[0].Lease.Epoch
			r := new(registry.Renew)
			for range batch {
				r.Beats = r.Beats.Append(epoch, 1)
			}
			b.ReportAllocs()
			for b.Loop() {
				propose(b, s, r)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(batch), "ns/beat")
		})
	}
}
