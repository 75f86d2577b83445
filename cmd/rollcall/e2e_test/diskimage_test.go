//go:build e2e && linux

package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// diskPrefix begins the names of the directories in which disks lie; the number
// of the process that made them follows.
const diskPrefix = "rollcall-disk-"

var diskOwner = regexp.MustCompile(diskPrefix + `(\d+)-`)

// disk is a small ext4 file system on a loop device, in a file of its own, which
// stays what it is when the power goes.
type disk struct {
	t     *testing.T
	image string
	mount string // directory
}

// needs skips the test where it cannot run; where it has to, it fails instead.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	missing := ""
	if os.Geteuid() != 0 {
		missing = "root"
	}
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			missing = program
		}
	}
	switch {
	case missing == "":
	case os.Getenv("CI") != "":
		t.Fatalf("needs %s", missing)
	default:
		t.Skipf("needs %s", missing)
	}
}

// ownMounts gives this test and the processes that it starts from here on mounts of
// their own: nobody else's copy of them keeps a disk alive that lost its power, and
// with the test they are gone, however it ends. What has to see them must run in
// the test's own goroutine.
func ownMounts(t *testing.T) {
	t.Helper()
	runtime.LockOSThread() // and never unlocked: the thread ends with the test
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		t.Fatalf("unshare: %v", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatalf("make mounts private: %v", err)
	}
}

// newDisk makes and mounts a disk of so many MiB. It is gone after the test.
func newDisk(t *testing.T, mib int64) *disk {
	t.Helper()
	needs(t, "mkfs.ext4", "mount", "losetup")
	ownMounts(t)
	sweepDisks(t)
	root, err := os.MkdirTemp("", fmt.Sprintf("%s%d-", diskPrefix, os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	d := &disk{t: t, image: filepath.Join(root, "image"), mount: filepath.Join(root, "mount")}
	t.Cleanup(func() {
		d.detach()
		os.RemoveAll(root)
	})
	if err := os.Mkdir(d.mount, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(d.image, mib<<20); err != nil {
		t.Fatal(err)
	}
	system(t, "mkfs.ext4", "-q", "-F", "-m", "0", d.image)
	d.attach()
	return d
}

// system runs a command that must succeed.
func system(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v, %s", name, args, err, out)
	}
}

// dir is where a node on this disk keeps its data.
func (d *disk) dir() string { return filepath.Join(d.mount, "data") }

// attach mounts the disk, which replays its journal; the loop device goes with
// the last mount.
func (d *disk) attach(options ...string) {
	d.t.Helper()
	system(d.t, "mount", "-o", strings.Join(append([]string{"loop"}, options...), ","), d.image, d.mount)
}

// detach unmounts the disk if it is mounted. What still holds it is given time.
func (d *disk) detach() {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for range 100 {
		err := unix.Unmount(d.mount, 0)
		if err == nil || err == unix.EINVAL || err == unix.ENOENT { // not mounted
			return
		}
		<-tick.C
	}
	d.t.Errorf("%s cannot be unmounted", d.mount)
	_ = unix.Unmount(d.mount, unix.MNT_DETACH)
}

// fuse returns what cuts the power, from whatever goroutine: then the disk has
// forgotten all that was not synced, and fails. Nothing more of the file system's
// journal is written. It must be called once.
func (d *disk) fuse() (cut func()) {
	d.t.Helper()
	const (
		shutdown   = 0x8004587d // FS_IOC_SHUTDOWN
		noLogFlush = 2
	)
	f, err := os.Open(d.mount)
	if err != nil {
		d.t.Fatal(err)
	}
	return func() {
		defer f.Close()
		if err := unix.IoctlSetPointerInt(int(f.Fd()), shutdown, noLogFlush); err != nil {
			d.t.Errorf("cut power: %v", err)
		}
	}
}

// sweepDisks removes what tests left that were killed.
func sweepDisks(t *testing.T) {
	t.Helper()
	loops, _ := exec.Command("losetup", "--noheadings", "--list", "--output", "NAME,BACK-FILE").Output()
	for line := range strings.Lines(string(loops)) {
		if name, file, _ := strings.Cut(line, " "); orphaned(file) {
			_ = exec.Command("losetup", "--detach", name).Run()
		}
	}
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), diskPrefix+"*"))
	for _, dir := range dirs {
		if orphaned(dir) {
			os.RemoveAll(dir)
		}
	}
}

// orphaned says that a path is of a disk whose maker is no more.
func orphaned(path string) bool {
	m := diskOwner.FindStringSubmatch(path)
	if m == nil {
		return false
	}
	owner, err := strconv.Atoi(m[1])
	return err == nil && syscall.Kill(owner, 0) == syscall.ESRCH
}

// TestPowerCutForgetsWhatWasNotSynced: the disk does what the tests of power cuts
// rest on.
func TestPowerCutForgetsWhatWasNotSynced(t *testing.T) {
	d := newDisk(t, 16)
	synced, lazy := filepath.Join(d.mount, "synced"), filepath.Join(d.mount, "lazy")
	for _, path := range []string{synced, lazy} {
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString("content"); err != nil {
			t.Fatal(err)
		}
		if path == synced {
			err = f.Sync()
		}
		if err != nil {
			t.Fatal(err)
		}
		if path == lazy {
			d.fuse()()
			if err := f.Sync(); err == nil {
				t.Error("a sync after the cut succeeds")
			}
		}
		f.Close()
	}
	d.detach()
	d.attach()
	if b, err := os.ReadFile(synced); err != nil || string(b) != "content" {
		t.Errorf("synced: %q, %v", b, err)
	}
	if b, _ := os.ReadFile(lazy); len(b) > 0 {
		t.Errorf("not synced and there: %q", b)
	}
}
