package loadgen

import (
	"bufio"
	"io"
	"strings"
	"testing"
)

func TestStreamKeepsIDsAndNames(t *testing.T) {
	long := strings.Repeat("x", 5000)
	in := ": hello\n\n" +
		"event: snapshot\ndata: " + long + "\n\n" +
		"id: 7\r\nevent: snapshot\r\ndata: {}\r\n\r\n" +
		"id:8\nevent:registered\ndata:{\"id\":\"x\"}\n\n" +
		"id: 9\nevent: bookmark\ndata: {}\n\n" +
		"event: error\ndata: {\"code\":\"compacted\"}\n\n" +
		"data: cut off"
	s := stream{in: bufio.NewReaderSize(strings.NewReader(in), 64)}
	for _, want := range []heard{
		{kind: heardSnapshot},
		{7, true, heardSnapshot},
		{8, true, heardEvent},
		{9, true, heardBookmark},
		{kind: heardError},
	} {
		if got, err := s.read(); err != nil || got != want {
			t.Fatalf("got %+v, %v, want %+v", got, err, want)
		}
	}
	if _, err := s.read(); err != io.EOF {
		t.Fatalf("the end: %v", err)
	}
}

func FuzzStream(f *testing.F) {
	f.Add("id: 7\nevent: snapshot\ndata: {}\n\n")
	f.Add(": x\n\nid:8\r\nevent:registered\r\ndata:" + strings.Repeat("y", 100) + "\r\n\r\n")
	f.Fuzz(func(t *testing.T, in string) {
		s := stream{in: bufio.NewReaderSize(strings.NewReader(in), 64)}
		for n := 0; ; n++ {
			if _, err := s.read(); err != nil {
				return
			}
			if n > len(in) {
				t.Fatal("more events than bytes")
			}
		}
	})
}
