package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of processor time in /proc (USER_HZ, 100 on every Linux).
const tick = 10 * time.Millisecond

var errProc = errors.New("/proc is not as proc(5) says")

// memory is what a process has resident, in bytes.
type memory struct {
	all       int64 // files mapped into it, too
	anonymous int64 // what is not a file's
}

// processorTime is what the processes took in all since they started.
func processorTime(processes []*process) (time.Duration, error) {
	sum := time.Duration(0)
	for _, p := range processes {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
		if err != nil {
			return 0, fmt.Errorf("processor time of %s: %w", p.name, err)
		}
		ticks, err := ticksOf(text)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(ticks) * tick
	}
	return sum, nil
}

// ticksOf adds fields 14 and 15, utime and stime. The second field, a name, may
// hold spaces and ends with the last parenthesis.
func ticksOf(stat []byte) (int64, error) {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, errProc
	}
	user, err := strconv.ParseInt(string(fields[11]), 10, 64)
	system, err2 := strconv.ParseInt(string(fields[12]), 10, 64)
	return user + system, errors.Join(err, err2)
}

func (p *process) resident() (memory, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return memory{}, fmt.Errorf("memory of %s: %w", p.name, err)
	}
	all, err := kilobytes(string(text), "VmRSS:")
	anonymous, err2 := kilobytes(string(text), "RssAnon:")
	return memory{all, anonymous}, errors.Join(err, err2)
}

func kilobytes(status, name string) (int64, error) {
	_, rest, found := strings.Cut(status, "\n"+name)
	fields := strings.Fields(rest)
	if !found || len(fields) < 1 {
		return 0, fmt.Errorf("%s: %w", name, errProc)
	}
	n, err := strconv.ParseInt(fields[0], 10, 64)
	return n << 10, err
}
