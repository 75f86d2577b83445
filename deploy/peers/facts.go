package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// facts are what a reader must know of a run.
func facts(ctx context.Context, o options, now time.Time) []string {
	return []string{
		fmt.Sprintf("Measured on %s by `%s`; medians of %d rounds.", now.UTC().Format(time.DateOnly), o.command(), o.rounds),
		fmt.Sprintf("Machine: %s, %d processors, Linux %s; driver and servers share it.", processorName(), runtime.NumCPU(), kernel()),
		"Servers: " + strings.Join(versions(ctx, o), ", ") + ".",
		fmt.Sprintf("Clients: %s, etcd's client %s, go-redis %s.", runtime.Version(),
			required("go.etcd.io/etcd/client/v3"), required("github.com/redis/go-redis/v9")),
	}
}

func versions(ctx context.Context, o options) []string {
	var out []string
	for _, name := range o.peers {
		switch name {
		case "rollcall":
			out = append(out, "rollcall "+firstLine(ctx, o.rollcall, "version"))
		case "etcd":
			out = append(out, "etcd "+numberIn(firstLine(ctx, "etcd", "--version")))
		case "redis":
			out = append(out, "Redis "+numberIn(firstLine(ctx, "redis-server", "--version")))
		}
	}
	return out
}

// firstLine is what a program says of its version, in short.
func firstLine(ctx context.Context, program string, args ...string) string {
	said, err := exec.CommandContext(ctx, program, args...).Output()
	if err != nil {
		return program + " of unknown version"
	}
	line, _, _ := strings.Cut(string(said), "\n")
	return strings.TrimPrefix(strings.TrimSpace(line), "rollcall ")
}

var dotted = regexp.MustCompile(`\d+(\.\d+)+`)

// numberIn is the version in a line that says more.
func numberIn(line string) string {
	if n := dotted.FindString(line); n != "" {
		return n
	}
	return line
}

// required is the version of a module that this program was built with.
func required(module string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "of unknown version"
	}
	for _, d := range info.Deps {
		if d.Path == module {
			return d.Version
		}
	}
	return "of unknown version"
}

func processorName() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // not there: not told
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "a processor of unknown name"
}

func kernel() string {
	text, _ := os.ReadFile("/proc/sys/kernel/osrelease") // not there: not told
	return strings.TrimSpace(string(text))
}
