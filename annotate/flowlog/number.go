package flowlog

import (
	"bytes"
	"net/netip"
	"strconv"
	"strings"
	"unsafe"

	"github.com/portannot/portannot/capture/flow"
)

// The readers below take what stands between two separators. None of them
// allocates for text that is well formed.

// parsePort reads a port in decimal.
func parsePort(b []byte) (port uint16, ok bool) {
	n, ok := parseUint(b, 65535)
	return uint16(n), ok
}

// portOf reads a port as logs write them: see parseNumber.
func portOf(b []byte) (port uint16, ok bool) {
	if port, ok = parsePort(b); ok {
		return port, true
	}
	n, ok := parseNumber(b, 65535)
	return uint16(n), ok
}

// parseNumber reads a number up to a limit that a data frame may have made
// floating point ("443.0"), or an export written with separators ("50,123").
func parseNumber(b []byte, limit uint64) (n uint64, ok bool) {
	if whole, zeros, point := bytes.Cut(b, []byte{'.'}); point && len(zeros) > 0 && len(bytes.Trim(zeros, "0")) == 0 {
		b = whole
	}
	if i := len(b) - 4; i > 0 && i <= 3 && b[i] == ',' {
		var joined [6]byte
		return parseUint(append(append(joined[:0], b[:i]...), b[i+1:]...), limit)
	}
	return parseUint(b, limit)
}

// parseUint reads a decimal number up to a limit. Leading zeros are fine.
func parseUint(b []byte, limit uint64) (n uint64, ok bool) {
	if len(b) == 0 || len(b) > 20 {
		return 0, false
	}
	if len(b) < 20 { // too short to be too large
		for _, c := range b {
			d := uint64(c - '0')
			if d > 9 {
				return 0, false
			}
			n = n*10 + d
		}
		return n, n <= limit
	}
	for _, c := range b {
		d := uint64(c - '0')
		if d > 9 || n > (1<<64-1-d)/10 {
			return 0, false
		}
		n = n*10 + d
	}
	return n, n <= limit
}

// notDigits gives the top bit of each byte of x that is no decimal digit.
func notDigits(x uint64) uint64 {
	// Digits are 0 to 9 then: adding 0x76 sets the top bit of any other byte
	// below 0x80, and carries into none.
	x ^= ones * '0'
	return (x&^tops + ones*0x76 | x) & tops
}

// protocolKeywords are the keywords of the IANA "Assigned Internet Protocol
// Numbers" from 0 on, in lower case and without "-", "/", " " and ".". "?" is a
// number without one.
const protocolKeywords = `hopopt icmp igmp ggp ipv4 st tcp cbt egp igp bbnrccmon nvpii pup argus emcon xnet chaos udp mux dcnmeas
hmp prm xnsidp trunk1 trunk2 leaf1 leaf2 rdp irtp isotp4 netblt mfensp meritinp dccp 3pc idpr xtp ddp idprcmtp tp++
il ipv6 sdrp ipv6route ipv6frag idrp rsvp gre dsr bna esp ah inlsp swipe narp minipv4 tlsp skip ipv6icmp ipv6nonxt
ipv6opts ? cftp ? satexpak kryptolan rvd ippc ? satmon visa ipcv cpnx cphb wsn pvp brsatmon sunnd wbmon wbexpak
isoip vmtp securevmtp vines iptm nsfnetigp dgp tcf eigrp ospfigp spriterpc larp mtp ax25 ipip micp sccsp etherip encap ?
gmtp ifmp pnni pim aris scps qnx an ipcomp snp compaqpeer ipxinip vrrp pgm ? l2tp ddx iatp stp srp
uti smp sm ptp isisoveripv4 fire crtp crudp sscopmce iplt sps pipe sctp fc rsvpe2eignore mobilityheader udplite mplsinip manet hip shim6
wesp rohc ethernet aggfrag nsh homa bitemu`

// nfdumpProtocols are the names that nfdump -o csv has of its own, at most five
// bytes long, as 1.7.1 writes them for a packet of each protocol. IDPR is 35
// and 38 there; it is read as 35.
const nfdumpProtocols = `bbn 10 encom 14 dcn 19 xns 22 trnk1 23 trnk2 24 iso4 29 netbk 30 mfesp 31 meinp 32 rte6 43 frag6 44
mhrp 48 mobil 55 nohe6 59 opts6 60 host 61 net 63 satnt 64 klan 65 fs 68 satm 69 bsatm 76 wbexp 79 svmtp 82 ttp 84 nsigp 85
srpc 90 os 94 ethip 97 ipcmp 108 cpqpp 110 ipxip 111 0hop 114 isis4 124 mhead 135 udpl 136`

// protocolNumbers are those of both, and other names that logs use.
var protocolNumbers = func() map[string]uint8 {
	m := map[string]uint8{"icmpv6": 58, "icmp6": 58, "ospf": 89, "ip": 0, "ipencap": 4, "mobile": 55, "ipmobile": 55, "mpls": 137}
	for n, name := range strings.Fields(protocolKeywords) {
		if name != "?" {
			m[name] = uint8(n)
		}
	}
	names := strings.Fields(nfdumpProtocols)
	for i := 0; i < len(names); i += 2 {
		n, ok := parseUint([]byte(names[i+1]), 255)
		if !ok {
			panic("nfdumpProtocols: " + names[i])
		}
		m[names[i]] = uint8(n)
	}
	return m
}()

// parseProtocol reads an IP protocol by number or by name, in any case. A name
// that is not in the table gives ok false.
func parseProtocol(b []byte) (protocol uint8, ok bool) {
	switch string(b) {
	case "tcp", "TCP", "6":
		return 6, true
	case "udp", "UDP", "17":
		return 17, true
	}
	if len(b) > 0 && b[0]-'0' <= 9 {
		if n, ok := parseUint(b, 255); ok {
			return uint8(n), true
		}
		// Names may begin with a digit: 3PC.
	}
	var lower [16]byte
	n := 0
	for _, c := range b {
		if c == '-' || c == '_' || c == '/' || c == ' ' || c == '.' {
			continue
		}
		if n == len(lower) {
			return 0, false
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		lower[n] = c
		n++
	}
	protocol, ok = protocolNumbers[string(lower[:n])]
	return protocol, ok
}

// parseAddr reads an IP address, with or without a zone, which is left out.
// IPv4 in IPv6 is IPv4. What is no address gives the zero Addr: logs hold names
// and hashes in their place, and a port can be annotated all the same.
func parseAddr(b []byte) netip.Addr {
	if a, ok := parseIPv4(b); ok {
		return a
	}
	colon := false
	for i, c := range b {
		if c == '%' {
			b = b[:i]
			break
		}
		colon = colon || c == ':'
	}
	if !colon || len(b) > len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255") {
		return netip.Addr{}
	}
	a, err := netip.ParseAddr(unsafe.String(&b[0], len(b))) // keeps no part of a text without a zone
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap()
}

// parseIPv4 reads four decimal numbers with dots between them.
func parseIPv4(b []byte) (a netip.Addr, ok bool) {
	if len(b) < 7 || len(b) > 15 {
		return a, false
	}
	var q [4]byte
	n, digits, part := uint32(0), 0, 0
	for _, c := range b {
		if d := uint32(c - '0'); c >= '0' && d <= 9 {
			n = n*10 + d
			digits++
			continue
		}
		if c != '.' || digits == 0 || digits > 3 || n > 255 || part == 3 {
			return a, false
		}
		q[part] = byte(n)
		part++
		n, digits = 0, 0
	}
	if part != 3 || digits == 0 || digits > 3 || n > 255 {
		return a, false
	}
	q[3] = byte(n)
	return netip.AddrFrom4(q), true
}

// parseSeconds reads seconds since the Unix epoch with up to nine decimals,
// "1789376400.123456", in nanoseconds; 0 for anything else.
func parseSeconds(b []byte) int64 {
	var sec, frac int64
	i := 0
	for ; i < len(b) && b[i]-'0' <= 9; i++ {
		if i == 10 { // the year 2286
			return 0
		}
		sec = sec*10 + int64(b[i]-'0')
	}
	if i == 0 {
		return 0
	}
	if i < len(b) {
		if b[i] != '.' {
			return 0
		}
		scale := int64(1e9)
		for i++; i < len(b); i++ {
			d := b[i] - '0'
			if d > 9 {
				return 0
			}
			if scale > 1 {
				scale /= 10
				frac += int64(d) * scale
			}
		}
	}
	if sec > 9e9 {
		return 0
	}
	return sec*1e9 + frac
}

// parseTime reads a time as logs write them: a date (without a zone it is UTC),
// or a number of seconds, milli-, micro- or nanoseconds since the Unix epoch,
// which have 10, 13, 16 and 19 digits from 2001 to 2286. It gives nanoseconds
// since the Unix epoch, 0 for anything else.
func parseTime(b []byte) int64 {
	if len(b) < 10 {
		return parseSeconds(b)
	}
	if b[4] == '/' && b[7] == '/' {
		var t [40]byte
		if len(b) > len(t) {
			return 0
		}
		n := copy(t[:], b)
		t[4], t[7] = '-', '-'
		return parseRFC3339(t[:n])
	}
	if b[4] == '-' {
		return parseRFC3339(b)
	}
	if t := parseSeconds(b); t != 0 {
		return t
	}
	n, ok := parseUint(b, 1<<63-1)
	if !ok {
		return 0
	}
	switch len(b) {
	case 13:
		return int64(n) * 1e6
	case 16:
		return int64(n) * 1e3
	case 19:
		return int64(n)
	}
	return 0
}

// parseRFC3339 reads "2026-09-14T09:00:00.123456Z", also with a space for the
// T, an offset in the forms +0200 and +02:00, or none, which is UTC. It gives
// nanoseconds since the Unix epoch, 0 for anything else.
func parseRFC3339(b []byte) int64 {
	const layout = "2006-01-02T15:04:05"
	if len(b) < len(layout) || b[4] != '-' || b[7] != '-' || b[10] != 'T' && b[10] != ' ' && b[10] != 't' || b[13] != ':' || b[16] != ':' {
		return 0
	}
	y, m, d := twoDigits(b, 0)*100+twoDigits(b, 2), twoDigits(b, 5), twoDigits(b, 8)
	hh, mm, ss := twoDigits(b, 11), twoDigits(b, 14), twoDigits(b, 17)
	if y < 1970 || y > 2261 || m < 1 || m > 12 || d < 1 || d > 31 || hh < 0 || hh > 24 || mm < 0 || mm > 59 || ss < 0 || ss > 60 {
		return 0
	}
	t := (daysSinceEpoch(y, m, d)*86400 + hh*3600 + mm*60 + ss) * 1e9
	rest := b[len(layout):]
	if len(rest) > 0 && (rest[0] == '.' || rest[0] == ',') {
		fraction, i := int64(0), 1
		for ; i < len(rest) && rest[i]-'0' <= 9; i++ {
			if i < len(powers) {
				fraction = fraction*10 + int64(rest[i]-'0')
			}
		}
		t += fraction * powers[max(len(powers)-i, 0)]
		rest = rest[i:]
	}
	if len(rest) >= 5 && (rest[0] == '+' || rest[0] == '-') {
		at := len(b) - len(rest)
		min := at + 3
		if rest[3] == ':' {
			min++
		}
		if min+2 != len(b) {
			return 0
		}
		off := (twoDigits(b, at+1)*60 + twoDigits(b, min)) * 60e9
		if off < 0 || off > 24*3600e9 {
			return 0
		}
		if rest[0] == '+' {
			off = -off
		}
		return t + off
	}
	if len(rest) > 1 || len(rest) == 1 && rest[0] != 'Z' && rest[0] != 'z' {
		return 0
	}
	return t
}

// powers are those of ten that a fraction of one to nine digits has nanoseconds in.
var powers = [10]int64{1, 10, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}

// twoDigits reads a number of two digits; far below zero if they are none.
func twoDigits(b []byte, i int) int64 {
	tens, ones := b[i]-'0', b[i+1]-'0'
	if tens > 9 || ones > 9 {
		return -1 << 40
	}
	return int64(tens)*10 + int64(ones)
}

// daysSinceEpoch gives the days from 1970-01-01 to a day of the Gregorian
// calendar from then on. A day that its month does not have is one of the next.
func daysSinceEpoch(y, m, d int64) int64 {
	// Years that begin in March have the leap day at their end. The first of
	// them begins 719,468 days before.
	if m <= 2 {
		y--
		m += 12
	}
	return y*365 + y/4 - y/100 + y/400 + (m*153-457)/5 + d - 719469
}

// TCP flags as in the header's byte 13 (RFC 9293 section 3.1).
const (
	tcpSYN = 2
	tcpACK = 16
)

const (
	tcpFIN = 1
	tcpRST = 4
	tcpPSH = 8
	tcpURG = 32
	tcpECE = 64
	tcpCWR = 128
)

// parseFlags reads TCP flags: a number, "0x12" or "18", or letters as nfdump,
// tcpdump and SiLK write them: "...AP.SF", "FS PA".
func parseFlags(b []byte) (flags uint64) {
	if len(b) > 0 && b[0]-'0' <= 9 {
		if len(b) > 2 && b[1]|0x20 == 'x' {
			n, err := strconv.ParseUint(string(b[2:]), 16, 16)
			if err != nil {
				return 0
			}
			return n
		}
		n, _ := parseNumber(b, 0xffff)
		return n
	}
	for _, c := range b {
		switch c {
		case 'S':
			flags |= tcpSYN
		case 'A':
			flags |= tcpACK
		case 'F':
			flags |= tcpFIN
		case 'R':
			flags |= tcpRST
		case 'P':
			flags |= tcpPSH
		case 'U':
			flags |= tcpURG
		case 'E':
			flags |= tcpECE
		case 'C', 'W':
			flags |= tcpCWR
		}
	}
	return flags
}

// openingOfPacket tells what the TCP flags of one packet, source to
// destination, say of the opening.
func openingOfPacket(flags uint64) flow.Opening {
	switch flags & (tcpSYN | tcpACK) {
	case tcpSYN:
		return flow.Opening{Server: flow.Destination}
	case tcpSYN | tcpACK:
		return flow.Opening{Server: flow.Source, Accept: true}
	}
	return flow.Opening{}
}

// openingOf tells what the TCP flags of one direction, source to destination,
// say of the opening when they are all flags of that direction ORed. SYN
// without ACK is an opening that was not answered, or of which only the first
// packet was sampled. SYN with ACK says nothing: the client's later packets
// have ACK too.
func openingOf(flags uint64) flow.Opening {
	if flags&(tcpSYN|tcpACK) == tcpSYN {
		return flow.Opening{Server: flow.Destination}
	}
	return flow.Opening{}
}
