// Package observe recognises application protocols by the first bytes that the
// two ends of a flow sent each other.
//
// A registration says for which service a port was set aside, but any traffic
// may use the port. The payload is another kind of evidence. Most protocols
// begin in a way that no other protocol does: with a version and a length that
// must fit (TLS), a fixed greeting (SSH), or a header whose fields have few
// valid values (DNS). A recogniser checks as many of these as the bytes show.
// It does not look at the ports, because it would then find what the port makes
// it expect.
//
// Evidence has a strength. A match is [Full] if random bytes would match less
// than once in about 2^32, or if weaker matches of both ends agree. It is
// [Likely] if random bytes would match less than once in about 2^12. That is
// enough to name the protocol, but not enough to contradict a registration. If
// two protocols are likely and none is full, neither is named.
//
// Some messages show the role of their sender: a request comes from a client,
// so the other end is the service ([Observation.Server]). Few messages show it
// for certain. In many protocols a server may send requests too (a callback, a
// push, a command for a replica), or may have opened the connection (RFC 8071).
// A role is [Full] only if the specification, with all its variants, allows no
// other role to send the message.
//
// The bytes may come from an attacker. Recognisers read only bytes that are
// there, keep nothing and allocate nothing, except for the two ciphers that open
// a QUIC Initial packet.
package observe

import (
	"net/netip"
	"strings"

	"github.com/portannot/portannot/capture/packet"
)

// IP protocol numbers of the transports.
const (
	tcp     = packet.TCP
	udp     = packet.UDP
	dccp    = packet.DCCP
	sctp    = packet.SCTP
	udpLite = packet.UDPLite
)

// Payload is the start of what one end of a flow sent.
type Payload struct {
	// Data holds the first bytes of the first datagram with payload or, for
	// TCP, of the byte stream. It may end anywhere. A few hundred bytes are
	// enough; bytes after MaxBytes are ignored.
	Data []byte
	// Len is the length in bytes of that datagram on the wire, or of the stream
	// that was seen. If it is more than len(Data), the snap length or the
	// caller cut the data. If it is less, it counts as len(Data).
	Len int
	// PPID is the SCTP payload protocol identifier of the first DATA chunk
	// (RFC 9260 section 3.3.1); 0 is unspecified.
	PPID uint32
	// Heads holds the first HeadBytes bytes of each of the next datagrams, one
	// after the other. RTP is recognised by them, because its first datagram
	// alone looks like many other things. Heads is empty for TCP.
	Heads []byte
}

// HeadBytes is the number of bytes of each datagram in Payload.Heads: the
// length of an RTP header.
const HeadBytes = 12

// MaxBytes is the most bytes of a Payload that recognisers look at.
const MaxBytes = 4096

// Input is the payload of a flow. Reuse an Input: a new one for each call of
// Recognise costs an allocation.
type Input struct {
	Transport uint8 // IP protocol number: TCP, UDP, DCCP, SCTP or UDP-Lite
	// Group is the flow's destination if that is a multicast address, else the
	// zero Addr.
	Group netip.Addr
	// Sent is what the flow's source sent, and then what its destination sent.
	Sent [2]Payload

	m [2]message
}

// Side is an end of a flow. The zero value is neither.
type Side = packet.Side

// The sides.
const (
	NoSide      = packet.NoSide
	Source      = packet.Source
	Destination = packet.Destination
)

// Strength says how much a match means. The zero value is no match.
type Strength uint8

// The strengths.
const (
	None   Strength = iota
	Likely          // by chance less than once in about 2^12
	Full            // by chance less than once in about 2^32, or both ends agree
)

// String gives "none", "likely" or "full".
func (s Strength) String() string {
	switch s {
	case Likely:
		return "likely"
	case Full:
		return "full"
	}
	return "none"
}

// Seen says how much payload there was to look at.
type Seen uint8

// The amounts.
const (
	Nothing Seen = iota // neither end sent any
	Cut                 // the capture holds too little of what was sent
	Enough
)

// Text is the place of a part of an Input's payload: [Input.Text] returns its
// bytes.
type Text struct {
	Off, Len uint16
	From     Side // who sent it; NoSide when there is no such text
}

// Observation is what a flow's payload looks like. It is a comparable value.
type Observation struct {
	Protocol Protocol
	Strength Strength
	Server   Side // the end that the payload shows to be the service
	// ServerStrength is the strength of Server: Full if the specification of the
	// protocol lets no other end send such a message, Likely if usually no other
	// end does, None if Server is NoSide.
	ServerStrength Strength
	// Peers says that the protocol has neither client nor server (RTP), so that
	// neither port is a service.
	Peers bool
	// Upgrade says that an end asked to change to TLS or another protocol,
	// whether or not the other agreed: STARTTLS, an SSLRequest, an HTTP
	// Upgrade.
	Upgrade bool
	Seen    Seen
	// Reason says what matched, or why nothing did. It is one of a fixed set of
	// texts.
	Reason string
	// Name is the name of the server that the client asked for (TLS server
	// name, HTTP host), or of the software that announced itself (SSH).
	Name Text
	// ALPN is the first application protocol in a TLS client's list, or the
	// protocol that the server chose (RFC 7301).
	ALPN Text
	// UUID is the identifier of the interface that a DCE/RPC message asks for, as
	// its bytes are in the message: see [Input.Interface].
	UUID Text
}

// Text returns the bytes of t in the payload of in, or nil if t is empty.
func (in *Input) Text(t Text) []byte {
	if t.From != Source && t.From != Destination {
		return nil
	}
	b, end := in.Sent[t.From-Source].Data, int(t.Off)+int(t.Len)
	if end > len(b) {
		return nil
	}
	return b[t.Off:end]
}

// message is what one end sent, as recognisers see it.
type message struct {
	b      []byte   // what there is of it
	n      int      // its length on the wire, at least len(b)
	stream bool     // of a byte stream: more may follow, and it may end anywhere
	udp    bool     // a datagram of UDP or UDP-Lite
	group  group    // what multicast address it was sent to
	ppid   uint32   // SCTP only
	heads  []byte   // see Payload.Heads
	peer   *message // what the other end sent, b empty if nothing
}

// cut reports whether bytes of the message are missing.
func (m *message) cut() bool { return len(m.b) < m.n }

// fits reports whether the message can be one of n bytes: a datagram must be
// exactly that long, a stream may hold less or more.
func (m *message) fits(n int) bool {
	return m.stream || m.n == n
}

// holds is fits for a message that others may follow in the same datagram.
func (m *message) holds(n int) bool {
	return m.stream || m.n >= n
}

// group says what multicast address a message was sent to.
type group uint8

const (
	noGroup    group = iota
	otherGroup       // one that means nothing here
	llmnrGroup       // RFC 4795 section 2
	mdnsGroup        // RFC 6762 section 3
)

var (
	llmnrAddrs = [...]netip.Addr{netip.MustParseAddr("224.0.0.252"), netip.MustParseAddr("ff02::1:3")}
	mdnsAddrs  = [...]netip.Addr{netip.MustParseAddr("224.0.0.251"), netip.MustParseAddr("ff02::fb")}
)

func groupOf(a netip.Addr) group {
	switch {
	case !a.IsMulticast():
		return noGroup
	case a == llmnrAddrs[0] || a == llmnrAddrs[1]:
		return llmnrGroup
	case a == mdnsAddrs[0] || a == mdnsAddrs[1]:
		return mdnsGroup
	}
	return otherGroup
}

// role says who sends a message of a kind.
type role uint8

const (
	either     role = iota
	client          // clients do, as a rule
	server          // servers do, as a rule
	onlyClient      // nobody but a client ever does
	onlyServer      // nobody but a server ever does
	peers           // there are neither
)

// isClient reports whether clients send it.
func (r role) isClient() bool { return r == client || r == onlyClient }

// match is what a recogniser found in a message. The zero value is nothing.
type match struct {
	protocol Protocol
	strength Strength
	sender   role
	upgrade  bool
	reason   string
	name     span
	alpn     span
	uuid     span
}

// orNone gives the match, or nothing when it has no strength.
func (f match) orNone() match {
	if f.strength == None {
		return match{}
	}
	return f
}

// span is a part of a message.
type span struct{ off, len int }

// recogniser is one line of the table.
type recogniser struct {
	protocol   Protocol // the one it finds, or the first of several
	transports transports
	min        int    // it needs that many bytes
	first      string // the values of the first byte that it can match; "" for all
	words      string // what it can begin with, for follow; "" for anything
	find       func(m *message) match
}

// transports is a set of transports.
type transports uint8

const (
	onTCP transports = 1 << iota
	onUDP
	onSCTP
	onDCCP
	numTransports = 4
)

// transportIndex gives the bit number in transports, -1 for another protocol.
func transportIndex(ipProtocol uint8) int {
	switch ipProtocol {
	case tcp:
		return 0
	case udp, udpLite:
		return 1
	case sctp:
		return 2
	case dccp:
		return 3
	}
	return -1
}

// maskWords holds a bit for each line of the table.
const maskWords = 3

// dispatch says for each transport and first byte which recognisers to try.
// A bit is the number of a line, so that the order of the table is kept.
var dispatch = buildDispatch(table)

// follow says for each of the second to fourth bytes which recognisers to try.
// With it, 4 to 7 are tried on text over TCP instead of 13 to 16, and two ends that
// begin like nothing known take 0.13 µs instead of 0.33 (UDP 0.27, 0.32); one that is
// recognised takes 3 to 6 ns more. Reading mixed.pcap of testdata/bench takes 0.96 to
// 0.98 of the CPU time; for recognised.pcap there is no gain beyond the noise.
var follow = buildFollow(table)

// wordBytes is how many bytes of a recogniser's words count.
const wordBytes = 4

// buildFollow reads the words of the recognisers, which stand between bars. Of
// each, the first four bytes count, and each byte on its own, so that more begin
// like that than the words. A letter stands for either case, and
//
//	#  for a digit
//	^  for an upper-case letter, a hyphen, an underscore, CR or LF
//	!  for a visible character of ASCII
//	@  for a letter, a digit, a dot or a space
//	?  for anything, as does what is missing at the end
func buildFollow(table []recogniser) *[wordBytes - 1][256][maskWords]uint64 {
	d := new([wordBytes - 1][256][maskWords]uint64)
	var anything [maskWords]uint64 // the lines without words
	for i := range table {
		w, bit := i/64, uint64(1)<<(i%64)
		if table[i].words == "" {
			anything[w] |= bit
			continue
		}
		for word := range strings.SplitSeq(table[i].words, "|") {
			for at := range d {
				c := byte('?')
				if len(word) > at+1 {
					c = word[at+1]
				}
				if isAlpha(c) {
					d[at][c|0x20][w] |= bit
					d[at][c&^0x20][w] |= bit
				} else if class, ok := wordClasses[c]; ok {
					for _, c := range []byte(class) {
						d[at][c][w] |= bit
					}
				} else {
					d[at][c][w] |= bit
				}
			}
		}
	}
	for at := range d {
		for c := range d[at] {
			for w := range anything {
				d[at][c][w] |= anything[w]
			}
		}
	}
	return d
}

// wordClasses are the bytes that stand for several in words.
var wordClasses = map[byte]string{
	'#': digits,
	'^': upper + "-_\r\n",
	'!': bytesWhere(func(c byte) bool { return ' ' < c && c <= '~' }),
	'@': upper + lower + digits + ". ",
	'?': bytesWhere(func(byte) bool { return true }),
}

func buildDispatch(table []recogniser) *[numTransports][256][maskWords]uint64 {
	d := new([numTransports][256][maskWords]uint64)
	for i := range table {
		r := &table[i]
		for t := range numTransports {
			if r.transports>>t&1 == 0 {
				continue
			}
			if r.first == "" {
				for c := range 256 {
					d[t][c][i/64] |= 1 << (i % 64)
				}
				continue
			}
			for _, c := range []byte(r.first) {
				d[t][c][i/64] |= 1 << (i % 64)
			}
		}
	}
	return d
}
