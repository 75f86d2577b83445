//go:build linux

package lab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// sayer is the variable by which this binary knows that it is to be a process
// of a host; its value is where it listens.
const sayer = "ROLLCALL_LAB_SAYER"

// place is the directory of the tests that need a lab, "" where none can be.
var place string

// TestMain runs the tests in namespaces, and looks afterwards whether anything
// of them is left outside.
func TestMain(m *testing.M) {
	if addr := os.Getenv(sayer); addr != "" {
		os.Exit(listen(addr))
	}
	before := links()
	code, err := Main(func(_ context.Context, dir string) int {
		place = dir
		return m.Run()
	})
	if errors.Is(err, ErrNotRoot) {
		code, err = m.Run(), nil
	}
	if place == "" && err == nil && code == 0 {
		left := leftovers(places(), fmt.Sprint(prefix, os.Getpid(), "-*"))
		if after := links(); len(left) > 0 || !slices.Equal(before, after) {
			err = fmt.Errorf("left behind: %v; links before %v, after %v", left, before, after)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		code = 1
	}
	os.Exit(code)
}

func links() (names []string) {
	list, err := net.Interfaces()
	if err != nil {
		return []string{err.Error()}
	}
	for _, one := range list {
		names = append(names, one.Name)
	}
	return names
}

// listen does what it is told, a line a connection, and says what came of it.
func listen(addr string) int {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		go func() {
			defer conn.Close()
			line, err := bufio.NewReader(conn).ReadString('\n')
			if err == nil {
				fmt.Fprintln(conn, obey(strings.Fields(line)))
			}
		}()
	}
}

func obey(words []string) string {
	switch words[0] {
	case "dial":
		took, err := call(words[1], "hello")
		if err != nil {
			return "error: " + err.Error()
		}
		return took.String()
	case "work":
		n := 0
		for began := time.Now(); time.Since(began) < time.Second; {
			n++
		}
		return fmt.Sprint(n)
	case "open":
		for range 100 {
			file, err := os.Open(os.DevNull)
			if err != nil {
				return "error: " + err.Error()
			}
			defer file.Close()
		}
	case "end":
		os.Exit(7)
	}
	return words[0]
}

// call says a line to a process and waits for its answer.
func call(addr, line string) (time.Duration, error) {
	began := time.Now()
	_, err := saidWithin(addr, line, time.Second)
	return time.Since(began), err
}

func said(addr, line string) (string, error) { return saidWithin(addr, line, 6*time.Second) }

func saidWithin(addr, line string, limit time.Duration) (string, error) {
	conn, err := net.DialTimeout("tcp", addr+":9000", 700*time.Millisecond)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(limit)); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintln(conn, line); err != nil {
		return "", err
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	return strings.TrimSpace(answer), err
}
