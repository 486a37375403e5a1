package rules

import "net/netip"

// Protocol numbers of IANA that rules have names for.
const (
	protoICMP    = 1
	protoTCP     = 6
	protoUDP     = 17
	protoDCCP    = 33
	protoICMPv6  = 58
	protoSCTP    = 132
	protoUDPLite = 136
)

// hasPorts reports whether the first four bytes of the protocol's header are a
// source and a destination port.
func hasPorts(protocol uint8) bool {
	switch protocol {
	case protoTCP, protoUDP, protoDCCP, protoSCTP, protoUDPLite:
		return true
	}
	return false
}

// Bits of connection tracking that nft and iptables have in common, as the
// kernel numbers them (enum ip_conntrack_status, NF_CT_STATE_BIT).
const (
	stateInvalid     = 1
	stateEstablished = 2
	stateRelated     = 4
	stateNew         = 8
	stateUntracked   = 64

	statusSNAT = 1 << 4
	statusDNAT = 1 << 5
)

const flagSYN = 2 // of TCP

// packet is the first packet of a connection on its way through netfilter,
// which can change it.
type packet struct {
	proto        uint8
	src, dst     netip.Addr
	sport, dport uint16
	in, out      string
	atInput      bool // it is for the firewall itself
	dstMoved     tri  // whether the destination was translated
	dstUnknown   bool // its address, and portUnknown its port, are not known since
	srcUnknown   bool // so are the source's, since a rule changed them
	dstHere      bool // it is some address of the firewall
	portUnknown  bool
	anySource    bool // the source port is not known
	mark, hide   uint32
	untracked    tri
	translated   [2]tri // by NAT: the destination, and the source; it is done once
	original     tuple  // as connection tracking saw the packet first
	beforeTrack  bool   // the hook comes before connection tracking
	stage        stage
	leaves       bool // of pf: it is seen on its way out
}

func newPacket(f *Flow, input bool) packet {
	p := packet{proto: f.Protocol, src: f.Client, dst: f.Server, sport: f.ClientPort, dport: f.ServerPort, in: f.In, out: f.Out, atInput: input}
	p.anySource = f.ClientPort == 0
	p.original = tuple{p.src, p.dst, p.dport}
	return p
}

// tuple is what matches on the original direction of a connection look at.
type tuple struct {
	src, dst netip.Addr
	dport    uint16
}

// field is what a match looks at.
type field uint8

const (
	otherField field = iota // one that no flow knows
	protocolField
	familyField // of netfilter: 2 for IPv4, 10 for IPv6
	etherField  // the Ethernet type
	versionField
	sourceField
	destinationField
	sourcePortField
	destinationPortField
	inField
	outField
	markField
	stateField
	statusField
	directionField // of connection tracking: 0 is the original one
	flagsField     // of TCP
	destinationTypeField
	sourceTypeField
	fragmentField // of IPv4: flags and offset
	originalSourceField
	originalDestinationField
	originalDestinationPortField
	passedField // of pf: the interface at which the packet is seen
)

// Types of addresses as routing knows them (rtnetlink's RTN_), for fib and addrtype.
const (
	typeUnicast   = 1
	typeLocal     = 2
	typeBroadcast = 3
	typeMulticast = 5
)

// stage is where on its way a packet is.
type stage uint8

const (
	noStage stage = iota
	ingressStage
	preroutingStage
	inputStage
	forwardStage
	outputStage
	postroutingStage
	numStages
)

// expr is the left side of a match.
type expr struct {
	field  field
	family uint8 // 4 or 6: absent in other packets
	proto  uint8 // absent in other protocols
	ops    []bitOp
}

// bitOp changes a number or an address before it is compared.
type bitOp struct {
	op byte // & | ^ < >
	n  uint64
	a  netip.Addr
}

func is4(a netip.Addr) bool { return a.Is4() }

// value gives what the packet has there.
func (x *expr) value(p *packet) value {
	if x.family == 4 && !is4(p.src) || x.family == 6 && is4(p.src) || x.proto != 0 && x.proto != p.proto {
		return value{kind: absentValue}
	}
	v := x.plain(p)
	for _, op := range x.ops {
		v = op.apply(v)
	}
	return v
}

func (x *expr) plain(p *packet) value {
	switch x.field {
	case protocolField:
		return number(uint64(p.proto))
	case familyField:
		if is4(p.src) {
			return number(2)
		}
		return number(10)
	case etherField:
		if is4(p.src) {
			return number(0x0800)
		}
		return number(0x86dd)
	case versionField:
		if is4(p.src) {
			return number(4)
		}
		return number(6)
	case sourceField:
		if p.srcUnknown {
			return value{}
		}
		return address(p.src)
	case destinationField:
		if p.dstUnknown {
			return value{}
		}
		return address(p.dst)
	case sourcePortField:
		if p.anySource || p.srcUnknown || !hasPorts(p.proto) {
			return value{}
		}
		return number(uint64(p.sport))
	case destinationPortField:
		if p.portUnknown || !hasPorts(p.proto) {
			return value{}
		}
		return number(uint64(p.dport))
	case inField:
		return p.device(p.in, p.stage == outputStage)
	case outField:
		return p.device(p.out, p.stage == preroutingStage || p.stage == ingressStage || p.stage == inputStage)
	case passedField:
		if p.leaves {
			return p.device(p.out, false)
		}
		return p.device(p.in, false)
	case markField:
		return value{kind: numberValue, n: uint64(p.mark &^ p.hide), hide: uint64(p.hide)}
	case stateField:
		switch {
		case p.untracked == always:
			return number(stateUntracked)
		case p.untracked == maybe:
			return value{}
		case p.beforeTrack:
			return number(stateInvalid)
		}
		return number(stateNew)
	case statusField:
		v := number(0)
		switch {
		case p.beforeTrack || p.untracked != never:
			return value{}
		case p.dstMoved == always:
			v.n = statusDNAT
		case p.dstMoved == maybe:
			v.hide = statusDNAT
		}
		switch p.translated[1] {
		case always:
			v.n |= statusSNAT
		case maybe:
			v.hide |= statusSNAT
		}
		return v
	case originalSourceField, originalDestinationField, originalDestinationPortField:
		switch {
		case p.beforeTrack || p.untracked != never:
		case x.field == originalSourceField:
			return address(p.original.src)
		case x.field == originalDestinationField:
			return address(p.original.dst)
		case hasPorts(p.proto):
			return number(uint64(p.original.dport))
		}
		return value{}
	case directionField:
		if p.beforeTrack || p.untracked != never {
			return value{}
		}
		return number(0)
	case flagsField:
		if p.proto != protoTCP {
			return value{kind: absentValue}
		}
		return number(flagSYN)
	case fragmentField:
		return value{kind: numberValue, hide: 0xe000} // the first fragment has the ports
	case destinationTypeField:
		return p.destinationType()
	case sourceTypeField:
		if p.src.IsMulticast() {
			return number(typeMulticast)
		}
	}
	return value{}
}

// device gives an interface. none is set where there is none at this stage.
func (p *packet) device(name string, none bool) value {
	switch {
	case none:
		return words("")
	case name != "":
		return words(name)
	case p.stage == forwardStage:
		return value{kind: interfaceValue, n: uint64(never)}
	}
	return value{kind: interfaceValue, n: uint64(truth(p.src.IsLoopback() || p.dst.IsLoopback() || p.src == p.dst))}
}

// destinationType says what routing makes of the destination.
func (p *packet) destinationType() value {
	switch {
	case p.dstUnknown || p.stage == outputStage:
		return value{}
	case p.dst.IsMulticast():
		return number(typeMulticast)
	case p.dst == limitedBroadcast:
		return number(typeBroadcast)
	case !p.atInput:
		return number(typeUnicast) // it is routed on
	case p.proto == protoTCP || p.proto == protoSCTP || !is4(p.dst):
		return number(typeLocal)
	}
	return value{} // local, or a subnet's broadcast address
}

func (op bitOp) apply(v value) value {
	switch v.kind {
	case numberValue:
		switch op.op {
		case '&':
			v.n, v.hide = v.n&op.n, v.hide&op.n
		case '|':
			v.n, v.hide = v.n|op.n, v.hide&^op.n
		case '^':
			v.n ^= op.n &^ v.hide
		case '<':
			v.n, v.hide = v.n<<op.n, v.hide<<op.n
		case '>':
			v.n, v.hide = v.n>>op.n, v.hide>>op.n
		default:
			return value{}
		}
		return v
	case addressValue:
		if op.a.Is4() != v.addr.Is4() || !op.a.IsValid() {
			return value{}
		}
		b, c := v.addr.AsSlice(), op.a.AsSlice()
		for i := range b {
			switch op.op {
			case '&':
				b[i] &= c[i]
			case '|':
				b[i] |= c[i]
			case '^':
				b[i] ^= c[i]
			default:
				return value{}
			}
		}
		v.addr, _ = netip.AddrFromSlice(b)
		return v
	case absentValue:
		return v
	}
	return value{}
}
