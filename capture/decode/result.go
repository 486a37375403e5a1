package decode

import "strconv"

// Result says what became of a packet. Exactly one is given for each packet
// read, so that their counts add up to the packets read.
type Result uint8

// The results. All but Decoded are reasons why a packet counts to no flow.
const (
	_           Result = iota
	Decoded            // it has a transport header, or is a later fragment of a known datagram
	UnknownLink        // no decoder for its link type
	NotIP              // ARP, spanning tree, and all else that is not IP
	NoPorts            // IP, of a protocol without ports: ICMP queries, IGMP, OSPF
	ICMPError          // ICMP or ICMPv6 error; it may have given a Quoted summary
	Encrypted          // ESP, protected 802.11 or MACsec frames
	Truncated          // the capture ends before the ports
	Malformed          // a header contradicts itself or the packet's length
	NoFirst            // a later fragment whose first has not been seen
	TooDeep            // more tunnels, tags or headers than are followed
	Panicked           // the decoder failed; a fault to report
	NumResults         // how many values there are
)

var resultNames = [NumResults]string{"unknown", "decoded", "unknown link type", "not IP", "IP protocol without ports",
	"ICMP error", "encrypted", "cut short by the capture", "malformed", "fragment without its first",
	"tunnels too deep", "decoder failure"}

// String gives the words that a user reads: "cut short by the capture".
func (r Result) String() string {
	if r < NumResults {
		return resultNames[r]
	}
	return "result(" + strconv.Itoa(int(r)) + ")"
}

// Counts are numbers of packets, indexed by Result.
type Counts [NumResults]uint64

// Read is the sum: how many packets were read.
func (c *Counts) Read() uint64 {
	var n uint64
	for _, v := range c {
		n += v
	}
	return n
}

// Add adds the counts of another Decoder.
func (c *Counts) Add(o *Counts) {
	for i, v := range o {
		c[i] += v
	}
}
