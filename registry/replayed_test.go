package registry

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// TestReplayedKeepsRenewals: a replay reads of an entry what DecodeEntry reads,
// but for commands that renew nothing.
func TestReplayedKeepsRenewals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawEntry(t, 9)
		data := e.Append(nil)
		want, err := DecodeEntry(data)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range want.Commands {
			switch c.(type) {
			case *Renew, *RenewNamed:
			default:
				want.Commands[i] = nil
			}
		}
		got, err := DecodeReplayed(data)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, %v, want %+v", got, err, want)
		}
		if cut := data[:len(data)-1]; len(want.Commands) > 0 {
			if _, err := DecodeReplayed(cut); err == nil {
				t.Fatal("an entry that was cut short is read")
			}
		}
	})
}
