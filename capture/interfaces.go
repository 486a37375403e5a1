package capture

import (
	"fmt"
	"net"
	"net/netip"
)

// Interface is a network interface of this machine from which packets can be
// captured.
type Interface struct {
	Name     string
	Index    int
	Link     LinkType // which header its packets begin with
	Up       bool
	Loopback bool
	// Addresses are the interface's addresses, each with its prefix length, in
	// the system's order. IPv6 link-local addresses have no zone.
	Addresses []netip.Prefix
}

// Interfaces returns the network interfaces in the order of their index.
func Interfaces() ([]Interface, error) {
	system, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	interfaces := make([]Interface, 0, len(system))
	for _, s := range system {
		i := Interface{
			Name:     s.Name,
			Index:    s.Index,
			Link:     interfaceLink(s),
			Up:       s.Flags&net.FlagUp != 0,
			Loopback: s.Flags&net.FlagLoopback != 0,
		}
		// An interface may go between the two calls; it is listed without
		// addresses then.
		addresses, _ := s.Addrs()
		for _, a := range addresses {
			if n, ok := a.(*net.IPNet); ok {
				if address, ok := netip.AddrFromSlice(n.IP); ok {
					ones, _ := n.Mask.Size()
					i.Addresses = append(i.Addresses, netip.PrefixFrom(address.Unmap(), ones))
				}
			}
		}
		interfaces = append(interfaces, i)
	}
	return interfaces, nil
}
