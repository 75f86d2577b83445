package raftstore

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/hashicorp/raft"
)

// mapped returns how many kilobytes of a file this process has mapped and in
// memory.
func mapped(t *testing.T, path string) (kb int) {
	t.Helper()
	f, err := os.Open("/proc/self/smaps")
	must(t, err)
	defer f.Close()
	ours := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		if fields := strings.Fields(line); strings.Contains(fields[0], "-") {
			ours = strings.HasSuffix(line, path)
		} else if ours && fields[0] == "Rss:" {
			n := 0
			_, err := fmt.Sscanf(fields[1], "%d", &n)
			must(t, err)
			kb += n
		}
	}
	return kb
}

// TestReadPagesAreLetGo: what was read of a log no longer counts as this
// process's memory, and is there all the same.
func TestReadPagesAreLetGo(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("pages are let go on Linux only")
	}
	dir := t.TempDir()
	s := openLog(t, dir)
	const entries, pieces = 50, 16
	for i := range uint64(entries) {
		must(t, s.StoreLog(large(i+1, pieces)))
	}
	read := func() {
		s.cache = logWindow{}
		for i := range uint64(entries) {
			must(t, s.GetLog(i+1, new(raft.Log)))
		}
	}
	read()
	before := mapped(t, logName)
	must(t, s.unmap())
	after := mapped(t, logName)
	if before < entries*pieces*logPiece/1000/2 || after > before/10 {
		t.Errorf("%d kB were mapped after reading, %d after letting go", before, after)
	}
	read()
}
