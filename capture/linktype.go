package capture

import "fmt"

// LinkType says with which header the data of a packet begins. It is a
// LINKTYPE_ value of capture files (https://www.tcpdump.org/linktypes.html).
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

	// LinkUnknown stands for a link type of another file format that has no
	// LINKTYPE_ value.
	LinkUnknown LinkType = 0xffff
)

// String returns the name without its LINKTYPE_ prefix, or the number of a
// link type that this package does not know: "ETHERNET", "LINUX_SLL2",
// "LINKTYPE 999".
func (l LinkType) String() string {
	if n, ok := linkNames[l]; ok {
		return n
	}
	if l >= 147 && l <= 162 {
		return fmt.Sprintf("USER%d", uint16(l-147))
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

	// Types that hold no addresses that are read here, named for reports.
	8: "SLIP", 11: "ATM_RFC1483", 99: "SYMANTEC_FIREWALL", 114: "LTALK", 122: "IP_OVER_FC", 123: "SUNATM",
	129: "ARCNET_LINUX", 138: "APPLE_IP_OVER_IEEE1394", 139: "MTP2_WITH_PHDR", 140: "MTP2", 141: "MTP3", 142: "SCCP",
	143: "DOCSIS", 144: "LINUX_IRDA", 177: "LINUX_LAPD", 182: "MFR", 187: "BLUETOOTH_HCI_H4", 189: "USB_LINUX",
	195: "IEEE802_15_4_WITHFCS", 197: "ERF", 201: "BLUETOOTH_HCI_H4_WITH_PHDR", 202: "AX25_KISS",
	204: "PPP_WITH_DIR", 205: "C_HDLC_WITH_DIR", 206: "FRELAY_WITH_DIR", 209: "IPMB_LINUX", 215: "IEEE802_15_4_NONASK_PHY",
	220: "USB_LINUX_MMAPPED", 224: "FC_2", 227: "CAN_SOCKETCAN", 230: "IEEE802_15_4_NOFCS", 231: "DBUS", 240: "NETANALYZER",
	242: "IPOIB", 247: "INFINIBAND", 248: "SCTP", 249: "USBPCAP", 251: "BLUETOOTH_LE_LL", 253: "NETLINK",
	256: "BLUETOOTH_LE_LL_WITH_PHDR", 272: "NORDIC_BLE", 279: "ETHERNET_MPACKET", 285: "DSA_TAG_EDSA", 284: "DSA_TAG_DSA",
}
