package capture

import "fmt"

// LinkType is a LINKTYPE_ value of a capture file
// (https://www.tcpdump.org/linktypes.html): how the octets of a packet begin.
type LinkType uint16

// Link types that package decode understands.
const (
	LinkNull       LinkType = 0
	LinkEthernet   LinkType = 1
	LinkTokenRing  LinkType = 6
	LinkPPP        LinkType = 9
	LinkFDDI       LinkType = 10
	LinkRaw12      LinkType = 12
	LinkRaw14      LinkType = 14
	LinkPPPHDLC    LinkType = 50
	LinkPPPEther   LinkType = 51
	LinkRaw        LinkType = 101
	LinkCHDLC      LinkType = 104
	LinkIEEE80211  LinkType = 105
	LinkFrameRelay LinkType = 107
	LinkLoop       LinkType = 108
	LinkLinuxSLL   LinkType = 113
	LinkPFLog      LinkType = 117
	LinkPrism      LinkType = 119
	LinkRadiotap   LinkType = 127
	LinkAVS        LinkType = 163
	LinkPPPPPPD    LinkType = 166
	LinkJuniperEth LinkType = 178
	LinkPPI        LinkType = 192
	LinkMPLS       LinkType = 219
	LinkIPNET      LinkType = 226
	LinkIPv4       LinkType = 228
	LinkIPv6       LinkType = 229
	LinkNFLOG      LinkType = 239
	LinkLinuxSLL2  LinkType = 276

	// LinkUnknown is no LINKTYPE_ value: the capture's format has a link type
	// of its own that has none.
	LinkUnknown LinkType = 0xffff
)

// String gives the name without its LINKTYPE_ prefix where this package knows
// it, else the number: "EN10MB", "LINUX_SLL2", "LINKTYPE 147".
func (l LinkType) String() string {
	if n, ok := linkNames[l]; ok {
		return n
	}
	return fmt.Sprintf("LINKTYPE %d", uint16(l))
}

var linkNames = map[LinkType]string{
	LinkNull: "NULL", LinkEthernet: "ETHERNET", LinkTokenRing: "IEEE802_5", LinkPPP: "PPP", LinkFDDI: "FDDI",
	LinkRaw12: "RAW", LinkRaw14: "RAW", LinkPPPHDLC: "PPP_HDLC", LinkPPPEther: "PPP_ETHER", LinkRaw: "RAW",
	LinkCHDLC: "C_HDLC", LinkIEEE80211: "IEEE802_11", LinkFrameRelay: "FRELAY", LinkLoop: "LOOP",
	LinkLinuxSLL: "LINUX_SLL", LinkPFLog: "PFLOG", LinkPrism: "IEEE802_11_PRISM", LinkRadiotap: "IEEE802_11_RADIOTAP",
	LinkAVS: "IEEE802_11_AVS", LinkPPPPPPD: "PPP_PPPD", LinkJuniperEth: "JUNIPER_ETHER", LinkPPI: "PPI",
	LinkMPLS: "MPLS", LinkIPNET: "IPNET", LinkIPv4: "IPV4", LinkIPv6: "IPV6", LinkNFLOG: "NFLOG", LinkLinuxSLL2: "LINUX_SLL2",
	LinkUnknown: "UNKNOWN",
}
