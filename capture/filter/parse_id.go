package filter

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// The ids: what stands behind the qualifiers.

// list is addresses or ports under the same qualifiers, with "or" between them.
// They are tested together: a list of a hundred addresses looks at the source
// of a packet a hundred times and then at its destination, and not in turns,
// which would take each field and each protocol a hundred times. libpcap's
// optimiser comes to the same order.
type list struct {
	quals quals
	at    position
	nets  []ip4Net
	ports []portRange
	grown bool // the node is of an earlier state
}

// among makes the test for one of the values of a list.
func (p *parser) among(l *list) *node {
	if l.nets != nil {
		return p.g.ip4Nets(l.quals.proto, l.quals.dir, l.nets...)
	}
	return p.g.ports(p.g.portTransports(l.quals.proto), l.quals.dir, l.ports...)
}

// listed makes the test and the list of one value.
func (p *parser) listed(l list, q quals) (*node, *list) {
	l.quals, l.at = q, p.g.position
	return p.among(&l), &l
}

// asID makes the test of a number that turned out to be an id.
func (p *parser) asID(o operand, q quals) operand {
	if o.what != whatNumber {
		return o
	}
	n, l := p.numberID(o.arith.k, q)
	out := p.made(n, o.pos)
	out.what, out.quals, out.list = whatID, q, l
	if o.parens {
		out.what = whatIDs
	}
	return out
}

// value reads an id that is not a number.
func (p *parser) value(q quals, want wants) operand {
	t := p.peek()
	if want == wantTerm || q.typ == typeNone {
		return p.fail(t.pos, `%v needs a qualifier before it, as in "host %s"`, t, t.text)
	}
	p.next()
	var n *node
	var l *list
	switch t.kind {
	case tokName:
		n = p.nameID(t, q)
	case tokIPv4:
		n, l = p.ip4ID(t, q)
	case tokIPv6:
		n = p.ip6ID(t, q)
	default:
		if q.proto != protoLink || q.typ != typeAny && q.typ != typeHost {
			return p.fail(t.pos, `an Ethernet address needs "ether host", "ether src" or "ether dst" before it`)
		}
		n = p.g.etherAddr(t.mac, q.dir)
	}
	out := p.made(n, t.pos)
	out.what, out.quals, out.list = whatID, q, l
	return out
}

// numberID makes the test of a number under its qualifiers.
func (p *parser) numberID(v uint32, q quals) (*node, *list) {
	switch q.typ {
	case typeNone:
		return p.g.fail(`%d needs a qualifier before it, as in "port %d"`, v, v), nil
	case typePort, typePortRange:
		if v > 65535 {
			return p.g.fail("port %d is above 65535", v), nil
		}
		return p.listed(list{ports: []portRange{{v, v}}}, q)
	case typeProto:
		return p.g.protocolNumber(q.proto, v), nil
	}
	mask := uint32(0xffffffff)
	if q.typ == typeNet { // "net 10" is 10.0.0.0/8
		for v != 0 && v&0xff000000 == 0 {
			v, mask = v<<8, mask<<8
		}
	}
	return p.listed(list{nets: []ip4Net{{v, mask}}}, q)
}

// ip4ID makes the test of a dotted number, with the mask that may follow.
func (p *parser) ip4ID(t token, q quals) (*node, *list) {
	if q.typ != typeAny && q.typ != typeHost && q.typ != typeNet {
		return p.g.fail("%q wants no address", q.typ), nil
	}
	addr, mask, ok := dotted(t.text)
	if !ok {
		return p.g.fail("%q is not an IPv4 address", t.text), nil
	}
	given := p.peek()
	switch {
	case p.accept("/"):
		n := p.next()
		if n.kind != tokNum {
			p.fail(n.pos, "expected the length of a mask, found %v", n)
			return never, nil
		}
		if n.num > 32 {
			return p.g.fail("a mask of IPv4 has at most 32 bits, not %d", n.num), nil
		}
		mask = uint32(uint64(0xffffffff) << (32 - n.num))
	case p.accept("mask"):
		m := p.next()
		var ok bool
		if m.kind == tokIPv4 {
			mask, _, ok = dotted(m.text)
		}
		if !ok {
			p.fail(m.pos, "expected a mask such as 255.255.0.0, found %v", m)
			return never, nil
		}
	default:
		return p.listed(list{nets: []ip4Net{{addr, mask}}}, q)
	}
	if q.typ != typeNet {
		p.fail(given.pos, `a mask needs "net" before the address, not "host"`)
		return never, nil
	}
	if addr&^mask != 0 {
		return p.g.fail("%s has bits outside its mask: the net is %s", t.text, undotted(addr&mask)), nil
	}
	return p.listed(list{nets: []ip4Net{{addr, mask}}}, q)
}

// dotted reads the front of an IPv4 address, two to four decimal numbers, and
// gives the mask of as many bytes.
func dotted(s string) (addr, mask uint32, ok bool) {
	parts := strings.Split(s, ".")
	for _, f := range parts {
		v, err := strconv.ParseUint(f, 10, 32)
		if err != nil || v > 255 {
			return 0, 0, false
		}
		addr = addr<<8 | uint32(v)
	}
	shift := 32 - 8*len(parts)
	return addr << shift, 0xffffffff << shift, true
}

func undotted(v uint32) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
}

// ip6ID makes the test of an IPv6 address, with the prefix length that may
// follow.
func (p *parser) ip6ID(t token, q quals) *node {
	if q.typ != typeAny && q.typ != typeHost && q.typ != typeNet {
		return p.g.fail("%q wants no address", q.typ)
	}
	addr, err := netip.ParseAddr(t.text)
	if err != nil {
		return p.g.fail("%q is not an IPv6 address", t.text)
	}
	addr = netip.AddrFrom16(addr.As16())
	bits := 128
	if slash := p.peek(); p.accept("/") {
		n := p.next()
		if n.kind != tokNum {
			p.fail(n.pos, "expected the length of a prefix, found %v", n)
			return never
		}
		if n.num > 128 {
			return p.g.fail("a prefix of IPv6 has at most 128 bits, not %d", n.num)
		}
		bits = int(n.num)
		if bits != 128 && q.typ != typeNet {
			p.fail(slash.pos, `a prefix length needs "net" before the address, not "host"`)
			return never
		}
	}
	prefix := netip.PrefixFrom(addr, bits)
	if masked := prefix.Masked(); masked.Addr() != addr {
		return p.g.fail("%s has bits outside its prefix: the net is %v", t.text, masked.Addr())
	}
	return p.g.ip6Net(q.proto, q.dir, prefix)
}

// nameID makes the test of a name: a service, a range of ports, or a protocol.
func (p *parser) nameID(t token, q quals) *node {
	switch q.typ {
	case typePort:
		transports, port, ok := p.portName(t.text, q.proto)
		if !ok {
			return never
		}
		out := never
		for _, pt := range port {
			out = or(out, p.g.ports(transports[pt], q.dir, portRange{uint32(pt), uint32(pt)}))
		}
		return out
	case typePortRange:
		return p.rangeName(t.text, q)
	case typeProto:
		if v, ok := protocolName(q.proto, t.text); ok {
			return p.g.protocolNumber(q.proto, v)
		}
		return p.g.fail("%q is no protocol that this program knows here; its number works", t.text)
	}
	if addr, err := netip.ParseAddr(t.text); err == nil && addr.Zone() == "" { // "\10.0.0.1"
		if addr.Is4() {
			b := addr.As4()
			return p.g.ip4Nets(q.proto, q.dir, ip4Net{uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3]), 0xffffffff})
		}
		return p.g.ip6Net(q.proto, q.dir, netip.PrefixFrom(addr, 128))
	}
	return p.g.fail("%q is a name; names of hosts and nets are not resolved, write the address", t.text)
}

// portName gives the ports of a service's name in the order of Options.Services,
// and the transports of each.
func (p *parser) portName(name string, q proto) (transports map[uint16][]uint32, ports []uint16, ok bool) {
	allowed := p.g.portTransports(q)
	if allowed == nil {
		return nil, nil, false
	}
	if v, err := strconv.ParseUint(name, 10, 16); err == nil { // "\80"
		return map[uint16][]uint32{uint16(v): allowed}, []uint16{uint16(v)}, true
	}
	if p.services == nil {
		p.g.fail("%q is a name; names of ports are not known here, write the number", name)
		return nil, nil, false
	}
	found := p.services(name)
	if len(found) == 0 {
		p.g.fail("%q is no service that is known; write the port's number", name)
		return nil, nil, false
	}
	has := make(map[Service]bool)
	for _, s := range found {
		has[s] = true
	}
	transports = make(map[uint16][]uint32)
	for _, s := range found {
		if _, done := transports[s.Port]; done {
			continue
		}
		both := has[Service{6, s.Port}] && has[Service{17, s.Port}]
		for _, t := range allowed {
			if both || has[Service{uint8(t), s.Port}] {
				transports[s.Port] = append(transports[s.Port], t)
			}
		}
		if transports[s.Port] != nil {
			ports = append(ports, s.Port)
		}
	}
	if ports == nil {
		p.g.fail("service %q is not registered for %q", name, q)
		return nil, nil, false
	}
	return transports, ports, true
}

// rangeName makes the test of a range of ports, whose ends may be services'
// names. A name may have hyphens itself, so each hyphen is tried as the middle.
func (p *parser) rangeName(s string, q quals) *node {
	for i := range len(s) {
		if s[i] != '-' {
			continue
		}
		first, of, ok := p.rangeEnd(s[:i], q.proto)
		last, of2, ok2 := p.rangeEnd(s[i+1:], q.proto)
		if !ok || !ok2 {
			continue
		}
		// Each end's name may narrow the transports; ends that have none in
		// common do not, as in libpcap.
		var common []uint32
		for _, t := range of {
			if slices.Contains(of2, t) {
				common = append(common, t)
			}
		}
		if common == nil {
			common = p.g.portTransports(q.proto)
		}
		return p.g.ports(common, q.dir, portRange{uint32(min(first, last)), uint32(max(first, last))})
	}
	return p.g.fail("%q is not a range of ports such as 6000-6063", s)
}

// rangeEnd gives one end of a range of ports, and its transports.
func (p *parser) rangeEnd(name string, q proto) (port uint16, transports []uint32, ok bool) {
	v, err := strconv.ParseUint(name, 10, 16)
	if err == nil {
		return uint16(v), p.g.portTransports(q), true
	}
	if p.services == nil || name == "" || isDigit(name[0]) && !strings.ContainsFunc(name, unicode.IsLetter) {
		return 0, nil, false
	}
	byPort, ports, ok := p.portName(name, q)
	p.g.err = "" // the name as a whole is judged, not this part
	if !ok || len(ports) != 1 {
		return 0, nil, false
	}
	return ports[0], byPort[ports[0]], true
}
