package netflow

import (
	"net"
	"unsafe"

	"golang.org/x/sys/unix"
)

// growBuffer asks for memory for datagrams that wait to be read. Root can have
// more than the system allows others.
func growBuffer(conn *net.UDPConn, n int) {
	conn.SetReadBuffer(n) // a wish
	if raw, err := conn.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, n) })
	}
}

// socketDrops gives how many datagrams the system has dropped since the socket
// was opened, most of them since its memory was full. ok is false when the
// system (Linux before 4.12) does not say.
func socketDrops(conn *net.UDPConn) (n uint32, ok bool) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, false
	}
	// The numbers of struct sk_meminfo, of which the drops are the last.
	var info [9]uint32
	const drops = 8
	raw.Control(func(fd uintptr) {
		size := uint32(unsafe.Sizeof(info))
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO, uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
		ok = errno == 0 && size == uint32(unsafe.Sizeof(info))
	})
	return info[drops], ok
}
