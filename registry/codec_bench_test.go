package registry

import (
	"fmt"
	"testing"
)

// travelling are commands of the kinds that travel most.
func travelling() map[string]Command {
	commands := map[string]Command{
		"grant": typical(1, 10_000),
		"send":  &Send{NS: "default", ID: "web-000001", Message: messageID(1), TTL: 3_600_000, Body: Body{From: "billing", Data: make([]byte, 200)}},
		"ack":   &Ack{NS: "default", ID: "web-000001", Messages: []MessageID{messageID(1)}},
	}
	for _, n := range []int{1, 16, 1000, 8000} {
		commands[fmt.Sprintf("beats=%d", n)] = &Renew{Beats: make(Beats, n*BeatSize)}
	}
	expire := &Expire{Term: 1}
	for i := range 1000 {
		expire.Burials = append(expire.Burials, Burial{Epoch: 1_000_000 + uint64(i), Seq: 100, AgeMS: 10_100, OverdueMS: 100})
	}
	commands["expire=1000"] = expire
	return commands
}

var travellingNames = []string{"beats=1", "beats=16", "beats=1000", "beats=8000", "grant", "expire=1000", "send", "ack"}

// BenchmarkEncodeEntry encodes an entry of one command into memory that is
// there.
func BenchmarkEncodeEntry(b *testing.B) {
	commands := travelling()
	for _, name := range travellingNames {
		b.Run("command="+name, func(b *testing.B) {
			e := Entry{Wall: 1_700_000_000_000, Proposer: "n1", Commands: []Command{commands[name]}}
			data := e.Append(nil)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				data = e.Append(data[:0])
			}
		})
	}
}

// BenchmarkDecodeEntry decodes the same.
func BenchmarkDecodeEntry(b *testing.B) {
	commands := travelling()
	for _, name := range travellingNames {
		b.Run("command="+name, func(b *testing.B) {
			e := Entry{Wall: 1_700_000_000_000, Proposer: "n1", Commands: []Command{commands[name]}}
			data := e.Append(nil)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := DecodeEntry(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkResults encodes and decodes what an entry did, for a follower.
func BenchmarkResults(b *testing.B) {
	for _, n := range []int{1, 16, 1000, 8000} {
		beats := make([]BeatResult, n)
		for i := range beats {
			beats[i] = BeatResult{TTL: 10_000, RemainingMS: 10_000}
		}
		results := []Result{{Revision: 1_000_000, Beats: beats}}
		data := AppendResults(nil, results)
		b.Run(fmt.Sprintf("way=encode/beats=%d", n), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				data = AppendResults(data[:0], results)
			}
		})
		b.Run(fmt.Sprintf("way=decode/beats=%d", n), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := DecodeResults(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
