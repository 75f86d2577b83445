package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// portOwner names the process that has a local port ("process 4711 (nginx)"),
// or returns "" where that cannot be seen.
func portOwner(network, port string) string {
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return ""
	}
	protocol := "tcp"
	if strings.HasPrefix(network, "udp") {
		protocol = "udp"
	}
	for _, table := range []string{protocol, protocol + "6"} {
		if inode := socketInode("/proc/net/"+table, uint16(number)); inode != "" {
			return inodeOwner(inode)
		}
	}
	return ""
}

// socketInode finds the listening (or, for UDP, bound) socket of a port in one
// of the kernel's tables: columns 1, 3 and 9 are its address, state and inode.
func socketInode(table string, port uint16) string {
	text, err := os.ReadFile(table)
	if err != nil {
		return ""
	}
	suffix := fmt.Sprintf(":%04X", port)
	for line := range strings.Lines(string(text)) {
		columns := strings.Fields(line)
		if len(columns) < 10 || !strings.HasSuffix(columns[1], suffix) {
			continue
		}
		if listening, unconnected := "0A", "07"; columns[3] == listening || columns[3] == unconnected {
			return columns[9]
		}
	}
	return ""
}

func inodeOwner(inode string) string {
	descriptors, _ := filepath.Glob("/proc/[0-9]*/fd/*") // the pattern is well-formed
	for _, d := range descriptors {
		if target, err := os.Readlink(d); err != nil || target != "socket:["+inode+"]" {
			continue
		}
		pid := strings.Split(d, "/")[2]
		name, err := os.ReadFile("/proc/" + pid + "/comm")
		if err != nil {
			return "process " + pid
		}
		return fmt.Sprintf("process %s (%s)", pid, strings.TrimSpace(string(name)))
	}
	return ""
}
