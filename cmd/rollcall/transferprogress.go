package main

import (
	"fmt"
	"io"
	"time"
)

// transferProgress is a writer that counts, and says on a terminal now and then
// how much has gone through.
type transferProgress struct {
	w     io.Writer
	shown bool // on a terminal
	size  int64
	done  int64
	last  time.Time
}

func newTransferProgress(w io.Writer, size int64) *transferProgress {
	return &transferProgress{w: w, shown: isTerminal(w), size: size, last: time.Now()}
}

func (p *transferProgress) Write(b []byte) (int, error) {
	p.done += int64(len(b))
	if p.shown && time.Since(p.last) > 200*time.Millisecond {
		p.last = time.Now()
		fmt.Fprintf(p.w, "\r%s of %s ", byteSize(p.done), byteSize(p.size))
	}
	return len(b), nil
}

func (p *transferProgress) end() {
	if p.shown {
		fmt.Fprint(p.w, "\r")
	}
	fmt.Fprintf(p.w, "%s of %s went through.\n", byteSize(p.done), byteSize(p.size))
}
