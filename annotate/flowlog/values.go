package flowlog

import (
	"bytes"
	"net/netip"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/capture/flow"
)

// values are what a record holds, by meaning, without quotes and padding. They
// are slices of the record, or of what was unescaped of it.
type values struct {
	set  uint64 // a bit for each field that is there
	text [numFields][]byte
}

func (v *values) reset() { v.set = 0 }

func (v *values) put(f field, b []byte) {
	v.set |= 1 << f
	v.text[f] = b
}

func (v *values) drop(f field) { v.set &^= 1 << f }

func (v *values) has(f field) bool { return v.set>>f&1 != 0 }

// get gives a value, nil if it is not there.
func (v *values) get(f field) []byte {
	if v.set>>f&1 == 0 {
		return nil
	}
	return v.text[f]
}

func (v *values) is(f field, text string) bool { return string(v.get(f)) == text }

// Reasons for which a record cannot be understood.
const (
	badProtocol        = "protocol is not known"
	badSourcePort      = "source port is no port"
	badDestinationPort = "destination port is no port"
)

// absent reports a cell without a value.
func absent(cell []byte) bool { return len(cell) == 0 || len(cell) == 1 && cell[0] == '-' }

// read reads values into r: the whole of what a format's record says.
func (s *shape) read(r *Record, v *values) {
	f := &r.Flow
	r.Kind = Flow
	if s.adjust != nil && !s.adjust(r, v) {
		return
	}
	src, dst := v.get(fieldSource), v.get(fieldDestination)
	if real := v.get(fieldRealSource); !absent(real) {
		src = real
	}
	if real := v.get(fieldRealDestination); !absent(real) {
		dst = real
	}
	if s.transport && f.Protocol == 0 {
		v.transportPorts(f)
	}
	sp, dp := v.get(fieldSourcePort), v.get(fieldDestinationPort)
	if absent(sp) && !v.has(fieldSourcePort) {
		src, sp = splitPort(src)
	}
	if absent(dp) && !v.has(fieldDestinationPort) {
		dst, dp = splitPort(dst)
	}
	noPorts := absent(sp) && absent(dp)
	if b := v.get(fieldProtocol); !absent(b) && f.Protocol == 0 {
		var ok bool
		if f.Protocol, ok = s.protocol(b); !ok && !v.has(fieldProtocolNumber) {
			if noPorts {
				r.other() // of something without ports: ARP, say
			} else {
				r.bad(badProtocol, b)
			}
			return
		}
	}
	if b := v.get(fieldProtocolNumber); !absent(b) && f.Protocol == 0 {
		n, ok := parseNumber(b, 255)
		if !ok {
			r.bad("protocol is no number", b)
			return
		}
		f.Protocol = uint8(n)
	}
	if f.Protocol == 0 && absent(v.get(fieldProtocol)) {
		f.Protocol = s.given
	}
	switch {
	case s.format.role != nil:
		s.format.role(f, v)
	case f.Stated == flow.NoSide && f.Hint == flow.NoSide:
		is := s.side(v)
		named(f, is.side, !is.hint)
	}
	if f.Protocol == 6 {
		s.opening(f, v)
	}
	if f.Stated != flow.NoSide && f.Opening.Server != flow.NoSide && f.Stated != f.Opening.Server {
		f.Stated = flow.NoSide // the record's own flags say otherwise
	}
	_, ports := iana.TransportOf(f.Protocol)
	var source, destination netip.Addr
	if !r.portsOnly || f.Stated == flow.NoSide || noPorts {
		source, destination = parseAddr(src), parseAddr(dst)
	}
	switch {
	case !noPorts:
	case s.grammar == grammarJSON && (!ports || !source.IsValid() || !destination.IsValid()),
		s.grammar == grammarPairs && absent(src) && absent(dst):
		r.other() // some other event
		return
	}
	if !r.ends(source, destination, sp, dp) {
		return
	}
	if s.grammar == grammarJSON {
		// A port that is there is one, also where the protocol has none.
		f.NoSourcePort, f.NoDestinationPort = absent(sp), absent(dp)
	}
	if f.Start = parseTime(v.get(fieldTime)); f.Start == 0 {
		if f.Start = parseTime(v.get(fieldOtherTime)); f.Start == 0 {
			f.Start = parseSeconds(v.get(fieldEpoch))
		}
	}
	f.OneDirection = s.ofOneDirection(v)
	if !r.portsOnly {
		s.became(r, v)
	}
}

// ofOneDirection reports a record of the packets of one direction. One that counts
// packets or bytes of the destination is of both.
func (s *shape) ofOneDirection(v *values) bool {
	is := s.oneWay
	for _, kind := range s.kinds {
		is = is || v.is(fieldKind, kind)
	}
	if !is {
		return false
	}
	for _, x := range [...]field{fieldDestinationPackets, fieldDestinationBytes} {
		if n, ok := parseUint(v.get(x), 1<<62); ok && n > 0 {
			return false
		}
	}
	return true
}

// became reads what became of the flow, and how many packets it had.
func (s *shape) became(r *Record, v *values) {
	f := &r.Flow
	if s.format.outcome != nil {
		f.Outcome = s.format.outcome(r, v)
	} else if b := v.get(fieldOutcome); b != nil {
		var ok bool
		if f.Outcome, ok = find(s.ends, b); !ok {
			f.Outcome = actionOutcome(b)
		}
		if f.Outcome == annotate.Passed && f.Opening.Accept {
			f.Outcome = annotate.Answered
		}
	}
	for _, x := range [...]field{fieldPackets, fieldSourcePackets, fieldDestinationPackets} {
		if n, ok := parseUint(v.get(x), 1<<62); ok {
			f.Packets += n
		}
	}
	for _, x := range [...]field{fieldBytes, fieldSourceBytes, fieldDestinationBytes} {
		if n, ok := parseUint(v.get(x), 1<<62); ok {
			f.Bytes += n
		}
	}
	if f.End = parseTime(v.get(fieldEnd)); f.End == 0 && f.Start != 0 && v.has(fieldDuration) {
		f.End = f.Start + parseSeconds(v.get(fieldDuration))
	}
	d := &r.Details
	d.NATSource = translated(f.Source, v.get(fieldNATSource), v.get(fieldNATSourcePort))
	d.NATDestination = translated(f.Destination, v.get(fieldNATDestination), v.get(fieldNATDestinationPort))
	d.Ingress, d.Egress = v.get(fieldInput), v.get(fieldOutput)
	d.IngressZone, d.EgressZone = v.get(fieldInputZone), v.get(fieldOutputZone)
	if f.Protocol == 6 {
		d.SourceFlags = uint8(parseFlags(v.get(fieldFlags)) | parseFlags(v.get(fieldFirstFlags)))
		d.DestinationFlags, _ = parseHexByte(v.get(fieldAnswerFlags))
	}
}

// translated gives what an end was translated to; not valid if it was not, or
// the log writes zeros for that.
func translated(end netip.AddrPort, addr, port []byte) netip.AddrPort {
	a := parseAddr(addr)
	if !a.IsValid() || a.IsUnspecified() {
		return netip.AddrPort{}
	}
	n, _ := portOf(port)
	if t := netip.AddrPortFrom(a, n); t != end && !(n == 0 && a == end.Addr()) {
		return t
	}
	return netip.AddrPort{}
}

// splitPort splits "192.0.2.1:443" and "[2001:db8::1]:443", perhaps with more
// behind another colon ("192.0.2.1:443:X0"). What is neither has no port.
func splitPort(b []byte) (addr, port []byte) {
	end := bytes.IndexByte(b, ':')
	addr = b
	if len(b) > 0 && b[0] == '[' {
		if end = bytes.IndexByte(b, ']') + 1; end == 0 || end == len(b) || b[end] != ':' {
			return b, nil
		}
		addr = b[1 : end-1]
	} else if end > 0 {
		addr = b[:end]
	}
	if end <= 0 || !parseAddr(addr).IsValid() {
		return b, nil
	}
	port, _, _ = bytes.Cut(b[end+1:], []byte{':'})
	if _, ok := parsePort(port); !ok {
		return b, nil
	}
	return addr, port
}

// other says that the record has no ports, and nothing is said of it.
func (r *Record) other() {
	r.Kind, r.Flow = Other, annotate.Input{}
}

// protocol reads a protocol, in the format's own words or any others.
func (s *shape) protocol(b []byte) (uint8, bool) {
	if n, ok := find(s.protos, b); ok {
		return n, true
	}
	if n, ok := parseProtocol(b); ok {
		return n, true
	}
	n, ok := parseNumber(b, 255)
	return uint8(n), ok
}

// ends reads the addresses and the ports, once the protocol is set: where it
// has no ports, the fields may hold something else, and are not looked at. It
// reports false if a port is none.
func (r *Record) ends(source, destination netip.Addr, sourcePort, destinationPort []byte) bool {
	f := &r.Flow
	var sp, dp uint16
	f.NoSourcePort, f.NoDestinationPort = true, true
	if _, ports := iana.TransportOf(f.Protocol); ports || f.Protocol == 0 {
		ok := true
		if !absent(sourcePort) {
			if sp, ok = portOf(sourcePort); !ok {
				r.bad(badSourcePort, sourcePort)
				return false
			}
			f.NoSourcePort = false
		}
		if !absent(destinationPort) {
			if dp, ok = portOf(destinationPort); !ok {
				r.bad(badDestinationPort, destinationPort)
				return false
			}
			f.NoDestinationPort = false
		}
	}
	f.Source, f.Destination = netip.AddrPortFrom(source, sp), netip.AddrPortFrom(destination, dp)
	return true
}

// transportPorts takes the ports of the transport that has some, and that
// transport for the protocol, unless the protocol is known to be another.
func (v *values) transportPorts(f *annotate.Input) {
	protocol, known := uint8(0), false
	if b := v.get(fieldProtocol); !absent(b) {
		protocol, known = parseProtocol(b)
	}
	_, ports := iana.TransportOf(protocol)
	if known && !ports && !isExtension(protocol) && protocol != 0 {
		return
	}
	for _, t := range [...]struct {
		protocol            uint8
		source, destination field
	}{
		{6, fieldTCPSource, fieldTCPDestination},
		{17, fieldUDPSource, fieldUDPDestination},
		{132, fieldSCTPSource, fieldSCTPDestination},
		{33, fieldDCCPSource, fieldDCCPDestination},
	} {
		// Wireshark has UDP-Lite's ports under UDP's names.
		if ports && protocol != t.protocol && !(protocol == 136 && t.protocol == 17) {
			continue
		}
		if absent(v.get(t.source)) && absent(v.get(t.destination)) {
			continue
		}
		if f.Protocol = protocol; !ports {
			f.Protocol = t.protocol
		}
		v.put(fieldSourcePort, v.get(t.source))
		v.put(fieldDestinationPort, v.get(t.destination))
		break
	}
	if !ports && !absent(v.get(fieldICMP)) {
		f.Protocol = 1
		v.put(fieldSourcePort, nil)
		v.put(fieldDestinationPort, nil)
	}
}

// isExtension reports an IPv6 extension header (RFC 8200 section 4), which
// may stand in the place of the transport.
func isExtension(protocol uint8) bool {
	switch protocol {
	case 43, 44, 51, 60, 135:
		return true
	}
	return false
}

// opening reads what the TCP flags say of the opening, unless adjust did.
func (s *shape) opening(f *annotate.Input, v *values) {
	if f.Opening != (flow.Opening{}) {
		return
	}
	first, ack := v.get(fieldFirstFlags), v.get(fieldACK)
	flags := parseFlags(first)
	if isTrue(v.get(fieldSYN)) {
		flags |= tcpSYN
	}
	if isTrue(ack) {
		flags |= tcpACK
	}
	// Without a field for ACK, a SYN-ACK looks like a SYN.
	if flags != 0 && (first != nil || v.has(fieldACK) || s.grammar == grammarJSON || s.grammar == grammarPairs) {
		f.Opening = openingOfPacket(flags)
	} else {
		f.Opening = openingOf(parseFlags(v.get(fieldFlags)))
	}
}

func isTrue(b []byte) bool {
	switch string(b) {
	case "1", "True", "true", "SYN", "ACK":
		return true
	}
	return false
}

// side gives the service's end as the record names it.
func (s *shape) side(v *values) role {
	for i := range s.sides {
		rule := &s.sides[i]
		if side, ok := find(rule.words, v.get(rule.field)); ok {
			return side
		}
		if w := &rule.words[len(rule.words)-1]; w.text == "*" && (rule.field == noField || v.has(rule.field)) {
			return w.is
		}
	}
	return role{v.serverSide(), true}
}

// serverSide gives the end that is the server's, where the record names its
// port and perhaps its address.
func (v *values) serverSide() flow.Side {
	port := v.get(fieldServerPort)
	if port == nil {
		return flow.NoSide
	}
	// Equal as text is enough: both were written by one program.
	same := func(ip, p field) bool {
		return bytes.Equal(v.get(p), port) && (v.get(fieldServer) == nil || bytes.Equal(v.get(ip), v.get(fieldServer)))
	}
	src, dst := same(fieldSource, fieldSourcePort), same(fieldDestination, fieldDestinationPort)
	switch {
	case src == dst:
		return flow.NoSide
	case dst:
		return flow.Destination
	}
	return flow.Source
}
