//go:build linux

package lab

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mtu is that of every link, so of every packet of the relay.
const mtu = 1500

// openTUN makes a device in the namespace from which packets are read in user
// space. It has no address: a host uses its own over it.
func (s *space) openTUN() (*os.File, error) {
	var device *os.File
	err := s.do(func() error {
		fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("open /dev/net/tun: %w", err)
		}
		if err := nameTUN(fd, "slow"); err != nil {
			unix.Close(fd)
			return err
		}
		device = os.NewFile(uintptr(fd), "tun")
		return tool(nil, fmt.Sprintf("ip link set slow mtu %d up", mtu))
	})
	return device, err
}

func nameTUN(fd int, name string) error {
	var request [40]byte // struct ifreq: 16 bytes of name, then the flags
	copy(request[:15], name)
	*(*uint16)(unsafe.Pointer(&request[16])) = unix.IFF_TUN | unix.IFF_NO_PI
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TUNSETIFF, uintptr(unsafe.Pointer(&request[0])))
	runtime.KeepAlive(&request)
	if errno != 0 {
		return fmt.Errorf("make a TUN device: %w", errno)
	}
	return nil
}

// Delayed sends what the host says to others through the relay, where it waits
// for delay, give or take jitter. What the others say to it is not delayed.
func (h *Host) Delayed(by Delay, others ...*Host) (Undo, error) {
	h.relay.set(h.number, by)
	var undos []Undo
	for _, o := range others {
		if o == h {
			continue
		}
		route := fmt.Sprintf("%s/32 dev slow src %s", o.Addr, h.Addr)
		if err := h.space.tool("ip route add " + route); err != nil {
			return nil, fmt.Errorf("%w (undone: %v)", err, All(undos...)())
		}
		undos = append(undos, func() error { return h.space.tool("ip route del " + route) })
	}
	return All(undos...), nil
}
