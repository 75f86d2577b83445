package registry

import (
	"testing"

	"pgregory.net/rapid"
)

// TestUnheardIsTheSame: an entry does the same whether or not anybody reads
// what its beats did, and the entry after it is heard again.
func TestUnheardIsTheSame(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		heard, unheard := newBench(t), newBench(t)
		var epochs []uint64
		for _, id := range []string{"a", "b", "c"} {
			epochs = append(epochs, heard.grant(id))
			unheard.grant(id)
		}
		for range rapid.IntRange(1, 8).Draw(rt, "entries") {
			e := Entry{Commands: []Command{&Renew{NS: drawNS(rt), Beats: drawBeats(rt, epochs)}}}
			heard.at.Index++
			a := heard.r.Apply(heard.at, &e, 0)
			b := unheard.r.ApplyUnheard(heard.at, &e, 0)
			if len(b.Results) != 1 || b.Results[0].Beats != nil || a.Revision != b.Revision {
				rt.Fatalf("unheard: %+v, heard: %+v", b, a)
			}
			if heard.r.Digest() != unheard.r.Digest() {
				rt.Fatal("the states differ")
			}
		}
		unheard.at = heard.at
		if out := unheard.entry(&Renew{Beats: Beats{}.Append(epochs[0], MaxJump)}); len(out.Results[0].Beats) != 1 {
			rt.Fatal("the entry after an unheard one has no results")
		}
	})
}

func drawNS(rt *rapid.T) string { return rapid.SampledFrom([]string{"", "ns", "other"}).Draw(rt, "ns") }

func drawBeats(rt *rapid.T, epochs []uint64) (beats Beats) {
	for range rapid.IntRange(0, 5).Draw(rt, "beats") {
		epoch := rapid.SampledFrom(append([]uint64{0, 99}, epochs...)).Draw(rt, "epoch")
		beats = beats.Append(epoch, rapid.Uint64Range(0, 20).Draw(rt, "seq"))
	}
	return beats
}
