package netflow

import (
	"math"
	"net/netip"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/capture/flow"
)

// reading is a Record while its fields come in.
type reading struct {
	Record
	clock              *clock
	forward, reverse   times
	source, dest       ends
	sport, dport       uint16
	hasSport, hasDport bool
	totals             [2]Counters // used where there are no deltas
	first              [2]uint8    // flags of the first packet
	taken, of          uint32      // sampling
	boot               int64       // systemInitTimeMilliseconds, in nanoseconds
}

// ends are the addresses that a record gives for one end. Some exporters use
// one template for both versions of IP, and fill one pair with zeros.
type ends struct{ v4, v6 netip.Addr }

func (e *ends) addr() netip.Addr {
	if !e.v6.IsValid() || e.v4.IsValid() && (e.v6.IsUnspecified() || !e.v4.IsUnspecified()) {
		return e.v4
	}
	return e.v6
}

// set takes the value of one element.
func (r *reading) set(e element, b []byte) {
	switch {
	case e == ignored:
		return
	case e > numElements:
		r.reverse.set(e-numElements, b, r.clock)
		return
	case e > firstTime:
		r.forward.set(e, b, r.clock)
		return
	}
	switch e {
	case sourceIPv4:
		r.source.v4 = address(b, 4)
		return
	case sourceIPv6:
		r.source.v6 = address(b, 16)
		return
	case destinationIPv4:
		r.dest.v4 = address(b, 4)
		return
	case destinationIPv6:
		r.dest.v6 = address(b, 16)
		return
	case exporterIPv4:
		if a := address(b, 4); a.IsValid() && !a.IsUnspecified() {
			r.Exporter = a
		}
		return
	case exporterIPv6:
		if a := address(b, 16); a.IsValid() && !a.IsUnspecified() {
			r.Exporter = a
		}
		return
	}
	v, ok := number(b)
	if !ok {
		return
	}
	switch e {
	case protocol:
		r.Flow.Protocol = uint8(v)
	case sourcePort:
		// Templates may have the element of each transport; one is used.
		if !r.hasSport || v != 0 {
			r.sport, r.hasSport = uint16(v), true
		}
	case destinationPort:
		if !r.hasDport || v != 0 {
			r.dport, r.hasDport = uint16(v), true
		}
	case flags:
		r.Forward.TCPFlags, r.Forward.HasFlags = uint8(v), true
	case reverseFlags:
		r.Reverse.TCPFlags, r.Reverse.HasFlags = uint8(v), true
	case initialFlags:
		r.first[0] = uint8(v)
	case reverseInitialFlags:
		r.first[1] = uint8(v)
	case icmpTypeCode:
		r.ICMPType, r.ICMPCode, r.HasICMP = uint8(v>>8), uint8(v), true
	case icmpType:
		r.ICMPType, r.HasICMP = uint8(v), true
	case icmpCode:
		r.ICMPCode = uint8(v)
	case byteCount:
		r.Forward.Bytes, r.Forward.HasBytes = v, true
	case packets:
		r.Forward.Packets, r.Forward.HasPackets = v, true
	case reverseByteCount:
		r.Reverse.Bytes, r.Reverse.HasBytes = v, true
	case reversePackets:
		r.Reverse.Packets, r.Reverse.HasPackets = v, true
	case byteTotal:
		r.totals[0].Bytes, r.totals[0].HasBytes = v, true
	case packetsTotal:
		r.totals[0].Packets, r.totals[0].HasPackets = v, true
	case reverseByteTotal:
		r.totals[1].Bytes, r.totals[1].HasBytes = v, true
	case reversePacketsTotal:
		r.totals[1].Packets, r.totals[1].HasPackets = v, true
	case biflowDirection:
		// RFC 5103 section 6.3: the initiator, as the metering process determined
		// it, perhaps by the first packet it saw; 3 is which side of a perimeter.
		switch v {
		case 1:
			r.Flow.Hint = flow.Destination
		case 2:
			r.Flow.Hint = flow.Source
		}
	case flowDirection:
		if v < 2 {
			r.Direction = Ingress + Direction(v)
		}
	case vlan:
		r.VLAN = uint16(v) & 0xfff
	case innerVLAN:
		r.InnerVLAN = uint16(v) & 0xfff
	case firewallEvent:
		// IANA's registry of its values: 1 created, 2 deleted, 3 denied, 4 alert,
		// 5 updated. A flow that was denied was not created.
		switch {
		case v == 3:
			r.Flow.Outcome = annotate.Denied
		case (v == 1 || v == 2 || v == 5) && r.Flow.Outcome == annotate.NoOutcome:
			r.Flow.Outcome = annotate.Passed
		}
	case forwardingStatus:
		// The two upper bits are the status, the lower six the reason: forwarded,
		// dropped; what was consumed went nowhere.
		switch {
		case v>>6 == 2:
			r.Flow.Outcome = annotate.Denied
		case v>>6 == 1 && r.Flow.Outcome == annotate.NoOutcome:
			r.Flow.Outcome = annotate.Passed
		}
	case endReason:
		r.EndReason = EndReason(v)
	case systemInit:
		r.boot = scaled(v, 1e6)
	case sampling, sampledPackets, skippedPackets, sampleSize, samplePopulation:
		r.note(e, v)
	}
}

// note takes what is about the exporter.
func (r *reading) note(e element, v uint64) {
	if v > math.MaxUint32 {
		return
	}
	switch n := uint32(v); e {
	case sampling:
		r.Sampling = n
	case sampledPackets, sampleSize:
		r.taken = n
	case skippedPackets:
		if r.taken > 0 && uint64(r.taken)+v <= math.MaxUint32 {
			r.of = r.taken + n
		}
	case samplePopulation:
		r.of = n
	}
	if r.taken > 0 && r.of > 0 {
		r.Sampling = r.of / r.taken
	}
}

// settle makes the record of what came in.
func (r *reading) settle() {
	f := &r.Flow
	if f.Protocol == icmp || f.Protocol == icmpv6 {
		// Type and code come in the destination port where there is no
		// element for them.
		if !r.HasICMP && r.hasDport {
			r.ICMPType, r.ICMPCode, r.HasICMP = uint8(r.dport>>8), uint8(r.dport), true
		}
	} else {
		r.HasICMP = false
	}
	f.NoSourcePort, f.NoDestinationPort = !r.hasSport, !r.hasDport
	f.Source = netip.AddrPortFrom(r.source.addr(), r.sport)
	f.Destination = netip.AddrPortFrom(r.dest.addr(), r.dport)

	start, end := r.forward.span()
	if s, e := r.reverse.span(); s != 0 || e != 0 {
		if s != 0 && (start == 0 || s < start) {
			start = s
		}
		end = max(end, e)
	}
	f.Start, r.End = start, end

	for i, c := range [2]*Counters{&r.Forward, &r.Reverse} {
		if t := &r.totals[i]; !c.HasBytes {
			c.Bytes, c.HasBytes = t.Bytes, t.HasBytes
		}
		if t := &r.totals[i]; !c.HasPackets {
			c.Packets, c.HasPackets = t.Packets, t.HasPackets
		}
	}
	if t, ok := iana.TransportOf(f.Protocol); ok && t == iana.TCP {
		f.Opening = r.opening()
		if client, server := r.Forward.TCPFlags, r.Reverse.TCPFlags; f.Hint == flow.Source && accepted(server, client) || f.Hint == flow.Destination && accepted(client, server) {
			f.Hint = flow.NoSide
		}
	}
}

// accepted reports, by the flags of a direction and of that back to it, each ORed,
// that its sender may have sent a SYN-ACK that answered a SYN not seen.
func accepted(from, back uint8) bool {
	const both = tcpSYN | tcpACK
	return from&both == both && back&tcpSYN == 0
}

// IP protocol numbers.
const (
	icmp   = 1
	icmpv6 = 58
)

// TCP flags as in the header's byte 13 (RFC 9293 section 3.1).
const (
	tcpSYN = 2
	tcpACK = 16
)

// opening tells what TCP flags say of the roles. Flags of the first packet say
// it plainly. Of flags ORed over a direction, SYN without ACK is an opening
// whose sender sent nothing else but perhaps a reset.
func (r *reading) opening() flow.Opening {
	const both = tcpSYN | tcpACK
	switch {
	case r.first[0]&both == tcpSYN:
		return flow.Opening{Server: flow.Destination, Confirmed: r.Forward.TCPFlags&tcpACK != 0}
	case r.first[0]&both == both:
		return flow.Opening{Server: flow.Source, Accept: true}
	case r.first[1]&both == tcpSYN:
		return flow.Opening{Server: flow.Source, Confirmed: r.Reverse.TCPFlags&tcpACK != 0}
	}
	src := r.Forward.TCPFlags&both == tcpSYN
	dst := r.Reverse.TCPFlags&both == tcpSYN
	switch {
	case src && !dst:
		return flow.Opening{Server: flow.Destination}
	case dst && !src:
		return flow.Opening{Server: flow.Source}
	}
	return flow.Opening{}
}

// address reads an IP address of the right length.
func address(b []byte, length int) netip.Addr {
	if len(b) != length {
		return netip.Addr{}
	}
	a, _ := netip.AddrFromSlice(b)
	return a.Unmap()
}
