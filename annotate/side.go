package annotate

import (
	"encoding/binary"
	"net/netip"

	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/packet"
)

const (
	reservedPort = 512   // first of the ports that clients with privileges are given (bindresvport, rresvport); servers stand below
	systemPorts  = 1024  // first port that is not a system port (RFC 6335 section 6)
	highPorts    = 32768 // first port of Linux's default range of local ports, which ends at 60999
	dynamicPort  = 49152 // first dynamic port (RFC 6335 section 6)
)

// decide applies the rules of the package comment, in their order.
func (a *Annotator) decide(in *Input, srcAssigned, dstAssigned bool) Service {
	if in.Stated != flow.NoSide {
		return in.service(in.Stated, Stated, Certain)
	}
	if o := in.Opening; o.Server != flow.NoSide {
		reason, c := Handshake, Certain
		if o.Accept {
			reason = Accepted
			if !o.Confirmed {
				// A lone SYN-ACK may be an answer to a forged address, or a probe.
				c = Likely
			}
		}
		if o.Inherited {
			reason = Earlier
		}
		return in.service(o.Server, reason, c)
	}
	o := in.Observed
	shown := o != nil && o.Server != observe.NoSide
	if shown && in.Protocol == packet.UDP && clientsPort(in.service(o.Server, ByPayload, Certain).Port) {
		shown = false // a request to a DHCP client: message and port contradict each other
	}
	if shown && o.ServerStrength == observe.Full {
		return in.service(o.Server, ByPayload, Certain)
	}
	if a.known != nil {
		if s, ok := a.known.service(in); ok {
			return s
		}
	}
	if shown {
		return in.service(o.Server, ByPayload, Likely)
	}
	group := NoSide // the end that has a multicast or broadcast address, if only one has
	if src, dst := a.notAClient(in.Source.Addr()), a.notAClient(in.Destination.Addr()); src != dst {
		group = destinationIf(dst)
		if s := in.service(group, Multicast, Likely); canServe(s.Port) {
			return s
		}
	}
	if a.evidence != nil {
		if s, ok := a.evidence.service(in); ok {
			return s
		}
	}
	if in.Hint != flow.NoSide {
		return in.service(in.Hint, Hinted, Likely)
	}
	if group != NoSide || in.NoSourcePort || in.NoDestinationPort || o != nil && o.Peers {
		return Service{} // of peers no port says that it is a service
	}
	return in.byPorts(srcAssigned, dstAssigned)
}

// byPorts applies the rules that have nothing but the two ports. Both name the
// lower one.
func (in *Input) byPorts(srcAssigned, dstAssigned bool) Service {
	low, high := in.Destination.Port(), in.Source.Port()
	lowAssigned, highAssigned := dstAssigned, srcAssigned
	if low == high {
		return in.service(Both, EqualPorts, Likely)
	}
	lower := Destination
	if high < low {
		lower, low, high = Source, high, low
		lowAssigned, highAssigned = highAssigned, lowAssigned
	}
	reserved := low >= reservedPort && low < systemPorts
	switch {
	case clientsPort(low):
		return Service{}
	case reserved && !lowAssigned:
		return Service{} // a client with privileges may have it, whatever it speaks to
	case low < highPorts && high >= highPorts:
		return in.service(lower, HighPort, Likely)
	case low < reservedPort && high >= reservedPort, reserved && high >= systemPorts && !highAssigned:
		return in.service(lower, SystemPort, Likely)
	}
	return Service{}
}

// canServe reports whether who is spoken to at a multicast or broadcast address
// may be a service. An answer to all goes to the port of whoever asked: a
// dynamic one, or the client's port of DHCP.
func canServe(port uint16) bool { return port < dynamicPort && !clientsPort(port) }

// clientsPort reports ports that are assigned for who begins the conversation,
// and so are no service: those of DHCP clients (RFC 2131 section 4.1, RFC 8415
// section 7.2), and that which FTP servers open data connections from (RFC 959
// section 5.2).
func clientsPort(port uint16) bool { return port == 20 || port == 68 || port == 546 }

func (in *Input) service(s Side, r Reason, c Confidence) Service {
	p := in.Destination.Port()
	if s == Source {
		p = in.Source.Port()
	}
	return Service{Side: s, Port: p, Reason: r, Confidence: c}
}

func destinationIf(yes bool) Side {
	if yes {
		return Destination
	}
	return Source
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// notAClient reports a multicast or broadcast address; a subnet's broadcast
// address only if its network is known.
func (a *Annotator) notAClient(addr netip.Addr) bool {
	if notAClient(addr) {
		return true
	}
	if len(a.broadcasts) == 0 {
		return false
	}
	_, ok := a.broadcasts[addr.Unmap()]
	return ok
}

// notAClient reports a multicast address or the limited broadcast address.
func notAClient(a netip.Addr) bool { return a.IsMulticast() || a == broadcast }

// broadcasts gives the broadcast addresses of networks: those of IPv4 that have
// room for one (RFC 919, RFC 3021).
func broadcasts(networks []netip.Prefix) map[netip.Addr]struct{} {
	m := map[netip.Addr]struct{}{}
	for _, p := range networks {
		if a := p.Masked().Addr(); a.Is4() && p.Bits() < 31 {
			last := a.As4()
			binary.BigEndian.PutUint32(last[:], binary.BigEndian.Uint32(last[:])|^uint32(0)>>p.Bits())
			m[netip.AddrFrom4(last)] = struct{}{}
		}
	}
	return m
}
