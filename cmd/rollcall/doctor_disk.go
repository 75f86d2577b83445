package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// dataFiles are those of a data directory that is not empty.
var dataFiles = []string{"node.json", "raft.db", "state.db", "snapshots"}

func checkDataDir(dir string) []finding {
	entries, err := os.ReadDir(dir)
	if os.IsNotExist(err) || (err == nil && len(entries) == 0) {
		return []finding{{verdictOK, "data", dir + " is missing or empty: a node there would be a new one", ""}}
	}
	if err != nil {
		return []finding{{verdictFail, "data", fmt.Sprintf("%s cannot be read: %v", dir, err), "let the node's user own it"}}
	}
	return append(checkFiles(dir), checkSpace(dir))
}

func checkFiles(dir string) (out []finding) {
	for _, name := range dataFiles {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			out = append(out, finding{
				verdictFail, "data", fmt.Sprintf("%s lacks %s", dir, name),
				"restore the directory from a backup, or empty it wholly so that the node joins as a new one",
			})
		}
	}
	if len(out) == 0 {
		out = append(out, finding{verdictOK, "data", dir + " has its files", ""})
	}
	return out
}

func checkSpace(dir string) finding {
	free, total, err := space(dir)
	if err != nil || total == 0 {
		return finding{verdictWarn, "disk", fmt.Sprintf("free space of %s is not known: %v", dir, err), ""}
	}
	share := 100 * float64(free) / float64(total)
	found := fmt.Sprintf("%.0f %% (%d MiB) of the disk of %s is free", share, free>>20, dir)
	switch {
	case share < 5:
		return finding{verdictFail, "disk", found + ": grants are refused below 5 %", "free some space"}
	case share < 15:
		return finding{verdictWarn, "disk", found, "free some space: below 5 % grants are refused"}
	default:
		return finding{verdictOK, "disk", found, ""}
	}
}
