package filter

import (
	"fmt"
	"net/netip"
	"strings"
)

// The scanner. Words of this language overlap: "10.0.0.1" is also the beginning
// of a host name, "aabbccddeeff" a MAC address and a name, "1:2:3:4:5:6" a MAC
// address and nearly an IPv6 one. As in libpcap the longest reading wins, and
// among equally long ones the first in the order of next's candidates.

type tokenKind uint8

const (
	tokEnd  tokenKind = iota
	tokNum            // num: 80, 0x50, 0120, tcp-syn
	tokName           // text: a name or an escaped keyword, without its backslash
	tokIPv4           // text: two to four numbers with dots between
	tokIPv6           // text
	tokMAC            // mac
	tokWord           // text: a keyword
	tokOp             // text: an operator, spelt in one way ("and", "!", "=")
)

type token struct {
	kind tokenKind
	pos  int // byte of the expression
	text string
	num  uint32
	mac  [6]byte
}

// String is how a message names the token.
func (t token) String() string {
	if t.kind == tokEnd {
		return "the end"
	}
	return fmt.Sprintf("%q", t.text)
}

// is reports whether t is this keyword or operator.
func (t token) is(text string) bool {
	return (t.kind == tokWord || t.kind == tokOp) && t.text == text
}

// keywords gives each reserved word its one spelling. A word that means nothing
// to this package is in here too (as ""), so that it is refused by name and is
// not taken for a host.
var keywords = func() map[string]string {
	m := make(map[string]string)
	for _, w := range strings.Fields(`dst src host net mask port portrange proto less greater broadcast multicast
		arp rarp ip sctp tcp udp icmp igmp igrp pim vrrp carp ip6 icmp6 ah esp atalk aarp decnet lat sca moprc mopdl
		iso esis isis clnp stp ipx netbeui radio inbound outbound vlan mpls pppoed pppoes and or not`) {
		m[w] = w
	}
	for _, w := range strings.Fields("link ether ppp slip fddi tr wlan") {
		m[w] = "link"
	}
	m["es-is"], m["is-is"] = "esis", "isis"
	m["len"], m["length"] = "len", "len"
	for _, w := range strings.Fields(`protochain gateway type subtype direction dir address1 addr1 address2 addr2
		address3 addr3 address4 addr4 ra ta byte ifindex geneve l1 l2 iih lsp snp csnp psnp
		lane llc metac bcc oam oamf4 oamf4ec oamf4sc sc ilmic vpi vci connectmsg metaconnect
		on ifname rset ruleset rnr rulenum srnr subrulenum reason action
		fisu lssu lsu msu hfisu hlssu hmsu sio opc dpc sls hsio hopc hdpc hsls`) {
		m[w] = ""
	}
	return m
}()

// constants are the named numbers: offsets of fields in a header, and values.
var constants = map[string]uint32{
	"icmptype": 0, "icmpcode": 1,
	"icmp-echoreply": 0, "icmp-unreach": 3, "icmp-sourcequench": 4, "icmp-redirect": 5, "icmp-echo": 8,
	"icmp-routeradvert": 9, "icmp-routersolicit": 10, "icmp-timxceed": 11, "icmp-paramprob": 12,
	"icmp-tstamp": 13, "icmp-tstampreply": 14, "icmp-ireq": 15, "icmp-ireqreply": 16,
	"icmp-maskreq": 17, "icmp-maskreply": 18,

	"icmp6type": 0, "icmp6code": 1,
	"icmp6-destinationunreach": 1, "icmp6-packettoobig": 2, "icmp6-timeexceeded": 3, "icmp6-parameterproblem": 4,
	"icmp6-echo": 128, "icmp6-echoreply": 129, "icmp6-multicastlistenerquery": 130,
	"icmp6-multicastlistenerreportv1": 131, "icmp6-multicastlistenerdone": 132, "icmp6-routersolicit": 133,
	"icmp6-routeradvert": 134, "icmp6-neighborsolicit": 135, "icmp6-neighboradvert": 136, "icmp6-redirect": 137,
	"icmp6-routerrenum": 138, "icmp6-nodeinformationquery": 139, "icmp6-nodeinformationresponse": 140,
	"icmp6-ineighbordiscoverysolicit": 141, "icmp6-ineighbordiscoveryadvert": 142,
	"icmp6-multicastlistenerreportv2": 143, "icmp6-homeagentdiscoveryrequest": 144,
	"icmp6-homeagentdiscoveryreply": 145, "icmp6-mobileprefixsolicit": 146, "icmp6-mobileprefixadvert": 147,
	"icmp6-certpathsolicit": 148, "icmp6-certpathadvert": 149, "icmp6-multicastrouteradvert": 151,
	"icmp6-multicastroutersolicit": 152, "icmp6-multicastrouterterm": 153,

	"tcpflags": 13, "tcp-fin": 0x01, "tcp-syn": 0x02, "tcp-rst": 0x04, "tcp-push": 0x08, "tcp-ack": 0x10,
	"tcp-urg": 0x20, "tcp-ece": 0x40, "tcp-cwr": 0x80,
}

// operators, the longer before their beginnings, with their one spelling.
var operators = [...][2]string{
	{"&&", "and"}, {"||", "or"}, {">=", ">="}, {"<=", "<="}, {"!=", "!="}, {"==", "="}, {"<<", "<<"}, {">>", ">>"},
	{"+", "+"}, {"-", "-"}, {"*", "*"}, {"/", "/"}, {"%", "%"}, {"&", "&"}, {"|", "|"}, {"^", "^"},
	{"=", "="}, {"<", "<"}, {">", ">"}, {"!", "!"}, {"(", "("}, {")", ")"}, {"[", "["}, {"]", "]"}, {":", ":"},
}

// scan cuts expr into tokens; the last is tokEnd.
func scan(expr string) ([]token, error) {
	var toks []token
	for pos := 0; ; {
		for pos < len(expr) && strings.IndexByte(" \t\r\n", expr[pos]) >= 0 {
			pos++
		}
		if pos == len(expr) {
			return append(toks, token{kind: tokEnd, pos: pos}), nil
		}
		t, size, msg := next(expr[pos:])
		if msg != "" {
			return nil, &SyntaxError{Expr: expr, Pos: pos, Msg: msg}
		}
		t.pos = pos
		toks = append(toks, t)
		pos += size
	}
}

// next reads the token at the front of s, which is neither empty nor begins
// with space, and gives its size; or says what is wrong.
func next(s string) (t token, size int, msg string) {
	if s[0] == '\\' {
		size := 1
		for size < len(s) && strings.IndexByte(" !()\n\t", s[size]) < 0 {
			size++
		}
		if size == 1 {
			return t, 0, `a backslash escapes a keyword that follows it at once, as in "\tcp"`
		}
		return token{kind: tokName, text: s[1:size]}, size, ""
	}

	word, mac, num, ip4, ip6, bogus := wordLen(s), macLen(s), numLen(s), ip4Len(s), ip6Len(s), bogusMACLen(s)
	size = max(word, mac, num, ip4, ip6, bogus)
	text := s[:size]
	if size == 0 {
		for _, o := range operators {
			if strings.HasPrefix(s, o[0]) {
				return token{kind: tokOp, text: o[1]}, len(o[0]), ""
			}
		}
		return t, 0, fmt.Sprintf("unexpected character %q", []rune(s)[0])
	}
	if size == word {
		switch k, ok := keywords[text]; {
		case k == "and" || k == "or":
			return token{kind: tokOp, text: k}, size, ""
		case k == "not":
			return token{kind: tokOp, text: "!"}, size, ""
		case k != "":
			return token{kind: tokWord, text: k}, size, ""
		case ok:
			return t, 0, fmt.Sprintf(`%q is a keyword of tcpdump's filters that this program does not have`, text)
		}
	}
	switch size {
	case mac:
		return token{kind: tokMAC, text: text, mac: parseMAC(text)}, size, ""
	case num:
		v, msg := parseNum(text)
		return token{kind: tokNum, text: text, num: v}, size, msg
	case ip4:
		return token{kind: tokIPv4, text: text}, size, ""
	case ip6:
		if _, err := netip.ParseAddr(text); err != nil {
			return t, 0, fmt.Sprintf("%q is not an IPv6 address", text)
		}
		return token{kind: tokIPv6, text: text}, size, ""
	case word:
		if v, ok := constants[text]; ok {
			return token{kind: tokNum, text: text, num: v}, size, ""
		}
		return token{kind: tokName, text: text}, size, ""
	}
	return t, 0, fmt.Sprintf("%q is not an Ethernet address", text)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

func isAlnum(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' }

// hexRun counts the hex digits at the front of s, to a limit.
func hexRun(s string, limit int) int {
	n := 0
	for n < len(s) && n < limit && isHex(s[n]) {
		n++
	}
	return n
}

// wordLen is the size of a name: letters, digits, dots, hyphens and underlines,
// of which the last two neither begin nor end it.
func wordLen(s string) int {
	if !isAlnum(s[0]) {
		return 0
	}
	n, end := 0, 0
	for n < len(s) && (isAlnum(s[n]) || strings.IndexByte("-_.", s[n]) >= 0) {
		n++
		if c := s[n-1]; c != '-' && c != '_' {
			end = n
		}
	}
	return end
}

// numLen is the size of a decimal, octal or hexadecimal number.
func numLen(s string) int {
	if len(s) > 2 && s[0] == '0' && s[1]|0x20 == 'x' {
		if n := hexRun(s[2:], len(s)); n > 0 {
			return 2 + n
		}
	}
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}

// ip4Len is the size of two, three or four numbers with dots between them.
func ip4Len(s string) int {
	n := numLen(s)
	if n == 0 {
		return 0
	}
	parts := 1
	for parts < 4 && n < len(s) && s[n] == '.' {
		m := numLen(s[n+1:])
		if m == 0 {
			break
		}
		n += 1 + m
		parts++
	}
	if parts == 1 {
		return 0
	}
	return n
}

// ip6Len is the size of the longest run that has the form of an IPv6 address.
func ip6Len(s string) int {
	const longest = len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")
	n, colons := 0, 0
	for n < len(s) && n < longest && (isHex(s[n]) || s[n] == ':' || s[n] == '.') {
		if s[n] == ':' {
			colons++
		}
		n++
	}
	if colons < 2 {
		return 0
	}
	for ; n >= 2; n-- {
		if isIP6(s[:n]) {
			return n
		}
	}
	return 0
}

// isIP6 reports whether s has the form of an IPv6 address: eight groups of one
// to four hex digits, of which a dotted IPv4 part may be the last two and one
// run of zeros may be "::". Values are not judged.
func isIP6(s string) bool {
	front, back, short := strings.Cut(s, "::")
	groups := 0
	count := func(part string, last bool) bool {
		if part == "" {
			return true
		}
		fields := strings.Split(part, ":")
		for i, f := range fields {
			switch {
			case hexRun(f, 5) == len(f) && len(f) >= 1 && len(f) <= 4:
				groups++
			case last && i == len(fields)-1 && strings.Count(f, ".") == 3 && ip4Len(f) == len(f):
				groups += 2
			default:
				return false
			}
		}
		return true
	}
	if !count(front, !short) || !count(back, true) {
		return false
	}
	if short {
		return groups <= 7
	}
	return groups == 8
}

// macLen is the size of an Ethernet address: six groups of one or two hex
// digits with ':', '-' or '.' between them, three groups of four with '.', or
// twelve digits.
func macLen(s string) int {
	best := 0
	for _, sep := range []byte{':', '-', '.'} {
		n := 0
		for group := 0; ; group++ {
			m := hexRun(s[n:], 2)
			if m == 0 {
				break
			}
			n += m
			if group == 5 {
				best = max(best, n)
				break
			}
			if n == len(s) || s[n] != sep {
				break
			}
			n++
		}
	}
	if len(s) >= 14 && hexRun(s, 4) == 4 && s[4] == '.' && hexRun(s[5:], 4) == 4 && s[9] == '.' && hexRun(s[10:], 4) == 4 {
		best = max(best, 14)
	}
	if hexRun(s, 12) == 12 {
		best = max(best, 12)
	}
	return best
}

// bogusMACLen is the size of groups of hex digits each ended by a colon: what is
// left of an address with too few or too many groups.
func bogusMACLen(s string) int {
	n, groups := 0, 0
	for {
		m := hexRun(s[n:], 2)
		if m == 0 || n+m == len(s) || s[n+m] != ':' {
			break
		}
		n += m
		for n < len(s) && s[n] == ':' {
			n++
		}
		groups++
	}
	if groups < 2 {
		return 0
	}
	return n
}

func parseMAC(s string) (mac [6]byte) {
	hex := func(c byte) byte {
		if isDigit(c) {
			return c - '0'
		}
		return c | 0x20 - 'a' + 10
	}
	if strings.Count(s, ".") == 2 || len(s) == 12 && wordLen(s) == 12 && !strings.ContainsAny(s, ".-") {
		s = strings.ReplaceAll(s, ".", "")
		for i := range mac {
			mac[i] = hex(s[2*i])<<4 | hex(s[2*i+1])
		}
		return mac
	}
	i := 0
	for _, c := range []byte(s) {
		if c == ':' || c == '-' || c == '.' {
			i++
			continue
		}
		mac[i] = mac[i]<<4 | hex(c)
	}
	return mac
}

// parseNum reads a number as C does: a leading 0x is hexadecimal, a leading 0
// octal.
func parseNum(s string) (v uint32, msg string) {
	digits, base := s, uint64(10)
	switch {
	case len(s) > 2 && s[1]|0x20 == 'x':
		digits, base = s[2:], 16
	case len(s) > 1 && s[0] == '0':
		digits, base = s[1:], 8
	}
	n := uint64(0)
	for _, c := range []byte(digits) {
		d := uint64(c - '0')
		if !isDigit(c) {
			d = uint64(c|0x20-'a') + 10
		}
		if d >= base {
			return 0, fmt.Sprintf("%s begins with 0, so it is octal, and %d is no octal digit", s, d)
		}
		if n = n*base + d; n > 0xffffffff {
			return 0, fmt.Sprintf("%s does not fit 32 bits", s)
		}
	}
	return uint32(n), ""
}
