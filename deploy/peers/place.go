package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

const (
	placePattern = "rollcall-peers-" // and a random part: the directory of a run
	tmpfsMagic   = 0x01021994        // statfs(2): a file system in memory
)

// errInMemory is returned where a write to the disk would not be one.
var errInMemory = errors.New("is in memory, where fsync means nothing: set TMPDIR to a directory on a disk")

// place is where the servers of a run live: a directory and ports. It belongs
// to one goroutine.
type place struct {
	dir   string
	lock  *os.File // held for as long as this program lives
	ports int
	made  int // directories under dir
}

// checkDisk refuses a directory in memory, where figures would mean nothing.
func checkDisk(parent string) error {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(parent, &fs); err != nil {
		return fmt.Errorf("look at %s: %w", parent, err)
	}
	if fs.Type == tmpfsMagic {
		return fmt.Errorf("%s %w", parent, errInMemory)
	}
	return nil
}

// newPlace makes a directory for the run, and removes those of runs that did
// not come to do so themselves. The caller calls leave.
func newPlace(parent string, ports int) (*place, error) {
	removeLeftovers(parent)
	dir, err := os.MkdirTemp(parent, placePattern)
	if err != nil {
		return nil, fmt.Errorf("make a directory: %w", err)
	}
	lock, err := tryLock(dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &place{dir: dir, lock: lock, ports: ports}, nil
}

func (p *place) leave() error { return errors.Join(os.RemoveAll(p.dir), p.lock.Close()) }

// fresh makes an empty directory.
func (p *place) fresh(name string) (string, error) {
	p.made++
	dir := filepath.Join(p.dir, fmt.Sprintf("%s-%d", name, p.made))
	return dir, os.Mkdir(dir, 0o700)
}

// port is the address of the nth port of the run.
func (p *place) port(n int) string { return fmt.Sprintf("127.0.0.1:%d", p.ports+n) }

// checkPorts says which port is taken by somebody else.
func (p *place) checkPorts() error {
	for n := range portsNeeded {
		l, err := net.Listen("tcp", p.port(n))
		if err != nil {
			return fmt.Errorf("a port is taken, choose others with --ports (PORTS=): %w", err)
		}
		l.Close()
	}
	return nil
}

// removeLeftovers takes away the directories whose owners are gone.
func removeLeftovers(parent string) {
	old, _ := filepath.Glob(filepath.Join(parent, placePattern+"*")) // the pattern is good
	for _, dir := range old {
		if lock, err := tryLock(dir); err == nil {
			_ = os.RemoveAll(dir) // of another user, maybe: then it stays
			lock.Close()
		}
	}
}

// tryLock takes the lock of a run's directory, which its owner holds.
func tryLock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", dir, err), f.Close())
	}
	return f, nil
}

// datasync writes a file's data to its disk.
func datasync(f *os.File) error {
	if err := syscall.Fdatasync(int(f.Fd())); err != nil {
		return fmt.Errorf("sync %s: %w", f.Name(), err)
	}
	return nil
}
