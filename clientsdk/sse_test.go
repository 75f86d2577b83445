package clientsdk

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func readFrames(r io.Reader, limit int) (list []frame, err error) {
	s := newFrames(r, limit, func() {})
	for {
		f, err := s.next()
		if err != nil {
			return list, err
		}
		list = append(list, f)
	}
}

func TestFramesAreReadAsTheStandardSays(t *testing.T) {
	long := strings.Repeat("x", 3*frameBuffer)
	for _, e := range []struct {
		name, text string
		want       []frame
	}{
		{"one", "event: left\nid: 7\ndata: {}\n\n", []frame{{"left", "7", []byte("{}")}}},
		{"carriage returns", "event: left\r\nid: 7\r\ndata: {}\r\n\r\n", []frame{{"left", "7", []byte("{}")}}},
		{"no space", "event:left\ndata:{}\n\n", []frame{{"left", "", []byte("{}")}}},
		{"only the first space is no data", "data:  {}\n\n", []frame{{"", "", []byte(" {}")}}},
		{"lines are joined", "data: a\ndata\ndata: b\n\n", []frame{{"", "", []byte("a\n\nb")}}},
		{"a comment is nothing", ": hello\n\n:\ndata: a\n: b\n\n", []frame{{"", "", []byte("a")}}},
		{"a field not known is nothing", "retry: 5\nfoo: bar\ndata: a\n\n", []frame{{"", "", []byte("a")}}},
		{"without data it is none", "event: left\nid: 7\n\ndata: a\n\n", []frame{{"", "", []byte("a")}}},
		{"a colon in the value", "data: a: b\n\n", []frame{{"", "", []byte("a: b")}}},
		{"cut off it is none", "data: a\n\ndata: b\n", []frame{{"", "", []byte("a")}}},
		{"longer than the buffer", "data: " + long + "\n\ndata: a\n\n", []frame{{"", "", []byte(long)}, {"", "", []byte("a")}}},
	} {
		for name, r := range map[string]io.Reader{
			"": strings.NewReader(e.text), ", byte by byte": iotest.OneByteReader(strings.NewReader(e.text)),
		} {
			got, err := readFrames(r, 1<<20)
			if !errors.Is(err, io.EOF) || !slices.EqualFunc(got, e.want, sameFrame) {
				t.Errorf("%s%s: %.200q, %v", e.name, name, got, err)
			}
		}
	}
}

func sameFrame(a, b frame) bool {
	return a.event == b.event && a.id == b.id && bytes.Equal(a.data, b.data)
}

func TestFramesAreBounded(t *testing.T) {
	for name, text := range map[string]string{
		"one line":    "data: " + strings.Repeat("x", 10_000),
		"many lines":  strings.Repeat("data: xxxxxxxx\n", 1000),
		"no end":      strings.Repeat("x", 100_000),
		"other lines": strings.Repeat("event: xxxxxxx\n", 1000),
	} {
		if got, err := readFrames(strings.NewReader(text), 9000); !errors.Is(err, ErrAnswerTooLarge) || len(got) != 0 {
			t.Errorf("%s: %d events, %v", name, len(got), err)
		}
	}
	within := strings.Repeat("data: "+strings.Repeat("x", 8000)+"\n\n", 100)
	if got, err := readFrames(strings.NewReader(within), 9000); !errors.Is(err, io.EOF) || len(got) != 100 {
		t.Errorf("the bound is for one event: %d events, %v", len(got), err)
	}
}

func TestLongLinesAreNotKept(t *testing.T) {
	s := newFrames(strings.NewReader("data: "+strings.Repeat("x", 1<<20)+"\n\ndata: a\n\n"), 2<<20, func() {})
	_, _ = s.next()
	if _, err := s.next(); err != nil || cap(s.long) > frameBuffer {
		t.Errorf("%d bytes kept, %v", cap(s.long), err)
	}
}

func FuzzFrames(f *testing.F) {
	f.Add([]byte("event: left\r\nid: 7\ndata: {}\ndata:b\n\n: c\n\n"))
	f.Add([]byte("data\n\ndata:\n\n\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		whole, err := readFrames(bytes.NewReader(text), 256)
		split, other := readFrames(iotest.OneByteReader(bytes.NewReader(text)), 256)
		if !slices.EqualFunc(whole, split, sameFrame) || !errors.Is(other, err) {
			t.Errorf("%q %v at once, %q %v byte by byte", whole, err, split, other)
		}
		for _, f := range whole {
			if len(f.data) > 256 || f.data == nil {
				t.Errorf("%q", f.data)
			}
		}
	})
}
