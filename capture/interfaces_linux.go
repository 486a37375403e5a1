package capture

import (
	"net"

	"golang.org/x/sys/unix"
)

// interfaceLink asks for the hardware type; any socket will do for that. An
// interface that does not answer is LinkRaw, as is any type without a link
// layer of its own.
func interfaceLink(i net.Interface) LinkType {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return LinkRaw
	}
	defer unix.Close(fd)
	t, err := hardwareType(fd, i.Name)
	if err != nil {
		return LinkRaw
	}
	return linkOfHardware(t)
}

// hardwareType gives the hardware type (ARPHRD_) of an interface.
func hardwareType(fd int, name string) (uint16, error) {
	request, err := unix.NewIfreq(name)
	if err != nil {
		return 0, err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFHWADDR, request); err != nil {
		return 0, err
	}
	return request.Uint16(), nil // sa_family of ifr_hwaddr
}
