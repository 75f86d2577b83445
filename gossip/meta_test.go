package gossip

import (
	"errors"
	"strings"
	"testing"
)

func sampleMeta() meta {
	return meta{
		Local: Local{
			Node: "n1", Incarnation: "0123456789abcdef", ClusterID: "c", HTTPAddr: "n1.example:7700",
			RaftAddr: "n1.example:7701", Role: "edge", Version: "1.2.3", Expect: 3, Fresh: true,
		},
		Started: 1790000000000, Leaving: true,
	}
}

func TestMetaComesBack(t *testing.T) {
	for _, m := range []meta{sampleMeta(), {Local: Local{Node: "x"}}, {Local: Local{Node: "x", RaftAddr: "a:1"}, Started: -1}} {
		b, err := m.encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeMeta(append(b, "what a later version adds"...))
		if err != nil || got != m {
			t.Errorf("got %+v, %v; want %+v", got, err, m)
		}
	}
}

func TestMetaLimits(t *testing.T) {
	m := sampleMeta()
	m.Version = strings.Repeat("v", MaxMeta)
	if _, err := m.encode(); err == nil {
		t.Error("metadata beyond the limit was encoded")
	}
	good, _ := (&meta{Local: Local{Node: "n1", HTTPAddr: "h"}}).encode()
	for i := range good {
		if _, err := decodeMeta(good[:i]); err == nil {
			t.Errorf("%d of %d bytes were believed", i, len(good))
		}
	}
	for name, c := range map[string]struct {
		bytes []byte
		want  error
	}{
		"version": {append([]byte{9}, good[1:]...), errMetaVersion},
		"node":    {[]byte{metaVersion, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, errMetaNode},
		"text":    {[]byte{metaVersion, 0, 0, 0, 1, 0xff, 0, 0, 0, 0, 0, 0, 0}, errMetaText},
		"prefix":  {[]byte{metaVersion, 0, 0, 0, 1, 'n', 0, 0, 0, 0, 0, 5, 0}, errMetaNumber},
	} {
		if _, err := decodeMeta(c.bytes); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func FuzzMeta(f *testing.F) {
	m := sampleMeta()
	b, _ := m.encode()
	f.Add(b)
	f.Add([]byte{metaVersion})
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := decodeMeta(data)
		if err != nil {
			return
		}
		again, err := m.encode()
		if err != nil {
			return // longer than memberlist would have carried
		}
		if got, err := decodeMeta(again); err != nil || got != m {
			t.Fatalf("%+v came back as %+v, %v", m, got, err)
		}
	})
}
