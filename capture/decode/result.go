package decode

import "strconv"

// Result says what became of a packet. Each packet has exactly one, so the counts of the
// results add up to the packets read.
type Result uint8

// The results. All but Decoded say why a packet counts to no flow.
const (
	_           Result = iota
	Decoded            // it has a transport header, or is a later fragment whose ports are known
	UnknownLink        // its link type cannot be decoded
	NotIP              // ARP, spanning tree, and all else that is not IP
	NoPorts            // IP with a protocol that has no ports: ICMP queries, IGMP, OSPF
	ICMPError          // an ICMP or ICMPv6 error; there may be a summary of the datagram that it quotes
	Encrypted          // ESP, or protected frames of 802.11 or MACsec
	Truncated          // the captured part ends before the ports
	Malformed          // a header contradicts itself or the length of the packet
	NoFirst            // a later fragment of a datagram whose first fragment was not seen
	TooDeep            // too many tunnels, tags or headers
	Panicked           // the decoder failed, which is a fault to report
	NumResults         // number of values, including one that is unused
)

var resultNames = [NumResults]string{"unknown", "decoded", "unknown link type", "not IP", "IP protocol without ports",
	"ICMP error", "encrypted", "cut short by the capture", "malformed", "fragment without its first",
	"tunnels too deep", "decoder failure"}

// String returns the result in words: "cut short by the capture".
func (r Result) String() string {
	if r < NumResults {
		return resultNames[r]
	}
	return "result(" + strconv.Itoa(int(r)) + ")"
}

// Counts are numbers of packets by Result.
type Counts [NumResults]uint64

// Read returns the sum of all counts: the number of packets read.
func (c *Counts) Read() uint64 {
	var n uint64
	for _, v := range c {
		n += v
	}
	return n
}

// Add adds other counts.
func (c *Counts) Add(o *Counts) {
	for i, v := range o {
		c[i] += v
	}
}
