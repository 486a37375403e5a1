package annotate

import (
	"net/netip"

	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/capture/flow"
)

const (
	systemPorts = 1024  // first port that is not a system port (RFC 6335 section 6)
	highPorts   = 32768 // first port of Linux's default range of local ports, which ends at 60999
	dynamicPort = 49152 // first dynamic port (RFC 6335 section 6)
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
	if o != nil && o.ServerStrength == observe.Full {
		return in.service(o.Server, ByPayload, Certain)
	}
	if a.known != nil {
		if s, ok := a.known.service(in); ok {
			return s
		}
	}
	if o != nil && o.Server != observe.NoSide {
		return in.service(o.Server, ByPayload, Likely)
	}
	if src, dst := notAClient(in.Source.Addr()), notAClient(in.Destination.Addr()); src != dst {
		return in.service(destinationIf(dst), Multicast, Likely)
	}
	if a.evidence != nil {
		if s, ok := a.evidence.service(in); ok {
			return s
		}
	}
	if in.NoSourcePort || in.NoDestinationPort || o != nil && o.Peers {
		return Service{} // of peers no port says that it is a service
	}

	src, dst := in.Source.Port(), in.Destination.Port()
	if src == dst {
		return in.service(Both, EqualPorts, Likely)
	}
	low := min(src, dst)
	if s, d := src >= dynamicPort, dst >= dynamicPort; s != d {
		c := Likely
		if low >= highPorts {
			c = Weak // Linux may have chosen either
		}
		return in.service(destinationIf(s), DynamicPort, c)
	}
	if s, d := src >= highPorts, dst >= highPorts; s != d {
		return in.service(destinationIf(s), HighPort, Likely)
	}
	if s, d := src < systemPorts, dst < systemPorts; s != d {
		return in.service(destinationIf(d), SystemPort, Likely)
	}
	if srcAssigned != dstAssigned {
		return in.service(destinationIf(dstAssigned), AssignedPort, Weak)
	}
	return Service{}
}

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

// notAClient reports a multicast address or the limited broadcast address. A
// subnet's broadcast address cannot be told without its mask.
func notAClient(a netip.Addr) bool {
	return a.IsMulticast() || a == broadcast
}
