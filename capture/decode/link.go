package decode

import "github.com/portannot/portannot/capture"

// Link types of package capture's numbering that it gives no name
// (https://www.tcpdump.org/linktypes.html).
const (
	linkARCNET       capture.LinkType = 7
	linkAX25         capture.LinkType = 3
	linkSLIP         capture.LinkType = 8
	linkATM11        capture.LinkType = 11 // what BSD writes for 100
	linkSLIPBSDOS    capture.LinkType = 15
	linkRaw13        capture.LinkType = 13 // OpenBSD's loop
	linkATM          capture.LinkType = 100
	linkATMCLIP      capture.LinkType = 106
	linkEnc          capture.LinkType = 109
	linkIPoverFC     capture.LinkType = 122
	linkSunATM       capture.LinkType = 123
	linkTZSP         capture.LinkType = 128
	linkARCNETLinux  capture.LinkType = 129
	linkJuniperATM2  capture.LinkType = 135
	linkJuniperATM1  capture.LinkType = 137
	linkAppleIP1394  capture.LinkType = 138
	linkDOCSIS       capture.LinkType = 143
	linkUser2        capture.LinkType = 149 // Apple's PKTAP before it had 258
	linkJuniperPPP   capture.LinkType = 179
	linkJuniperFR    capture.LinkType = 180
	linkJuniperCHDLC capture.LinkType = 181
	linkERF          capture.LinkType = 197
	linkKISS         capture.LinkType = 202
	linkPPPDir       capture.LinkType = 204
	linkCHDLCDir     capture.LinkType = 205
	linkFRDir        capture.LinkType = 206
	linkNetAnalyzer  capture.LinkType = 240
	linkNetAnTransp  capture.LinkType = 241
	linkIPoIB        capture.LinkType = 242
	linkInfiniBand   capture.LinkType = 247
	linkNetlink      capture.LinkType = 253
	linkPKTAP        capture.LinkType = 258
	linkEPON         capture.LinkType = 259
	linkMPacket      capture.LinkType = 274
	linkBRCMTag      capture.LinkType = 281
	linkBRCMPrepend  capture.LinkType = 282
	linkDSA          capture.LinkType = 284
	linkEDSA         capture.LinkType = 285
)

// link decodes a packet from its first byte. Some link types wrap another.
func (d *Decoder) link(t capture.LinkType, o layerData) Result {
	if !d.enter() {
		return TooDeep
	}
	switch t {
	case capture.LinkEthernet:
		return d.ethernet(o)
	case capture.LinkRaw, capture.LinkRaw12, capture.LinkRaw14, capture.LinkIPv4, capture.LinkIPv6:
		return d.ip(o)
	case capture.LinkNull, capture.LinkLoop:
		return d.null(o)
	case capture.LinkLinuxSLL:
		return d.linuxSLL(o)
	case capture.LinkLinuxSLL2:
		return d.linuxSLL2(o)
	case capture.LinkPPP, capture.LinkPPPHDLC, capture.LinkPPPPPPD:
		return d.pppHDLC(o)
	case linkPPPDir:
		return d.pppHDLC(o.from(1)) // behind a byte for the direction, as the next two
	case linkCHDLCDir:
		return d.ciscoHDLC(o.from(1))
	case linkFRDir:
		return d.frameRelay(o.from(1))
	case capture.LinkPPPEther:
		return d.pppoe(o)
	case capture.LinkCHDLC:
		return d.ciscoHDLC(o)
	case capture.LinkFrameRelay:
		return d.frameRelay(o)
	case capture.LinkMPLS:
		return d.mpls(o)
	case capture.LinkIEEE80211:
		return d.wlan(o, false)
	case capture.LinkRadiotap:
		return d.radiotap(o)
	case capture.LinkPrism, capture.LinkAVS:
		return d.prism(o)
	case capture.LinkPPI:
		return d.ppi(o)
	case capture.LinkTokenRing:
		return d.tokenRing(o)
	case capture.LinkFDDI:
		return d.fddi(o)
	case capture.LinkPFLog:
		return d.pflog(o)
	case capture.LinkNFLOG:
		return d.nflog(o, nflogPayload)
	case linkNetlink:
		return d.netlink(o)
	case capture.LinkIPNET:
		return d.ipnet(o)
	case capture.LinkJuniperEth, linkJuniperPPP, linkJuniperFR, linkJuniperCHDLC, linkJuniperATM1, linkJuniperATM2:
		return d.juniper(t, o)
	case linkATM, linkATM11:
		return d.logicalLink(o)
	case linkATMCLIP:
		if isSNAP(o.b) {
			return d.logicalLink(o)
		}
		return d.ip(o)
	case linkIPoverFC:
		return d.logicalLink(o.from(16)) // two addresses of eight bytes (RFC 2625)
	case linkAX25:
		return d.ax25(o)
	case linkKISS:
		return d.ax25(o.from(1))
	case linkInfiniBand:
		return d.infiniband(o)
	case linkSunATM:
		return d.sunATM(o)
	case linkSLIP:
		return d.ip(o.from(16)) // a direction and what compression left out
	case linkSLIPBSDOS:
		return d.ip(o.from(24))
	case linkEnc:
		return d.encapsulatingInterface(o)
	case linkARCNET:
		return d.arcnet(o, 2)
	case linkARCNETLinux:
		return d.arcnet(o, 4)
	case linkAppleIP1394:
		return d.typeAt(o, 16)
	case linkDOCSIS:
		return d.docsis(o)
	case linkPKTAP, linkUser2:
		return d.pktap(o)
	case linkERF:
		return d.erf(o)
	case linkIPoIB:
		return d.ipoib(o)
	case linkTZSP:
		return d.tzsp(o)
	case linkNetAnalyzer, linkBRCMPrepend:
		return d.ethernet(o.from(4))
	case linkNetAnTransp:
		return d.ethernet(o.from(12)) // four bytes, then preamble and start delimiter
	case linkEPON, linkMPacket:
		return d.ethernet(o.from(8)) // preamble
	case linkBRCMTag, linkDSA:
		return d.typeAt(o, 16) // a switch's tag between addresses and type
	case linkEDSA:
		return d.typeAt(o, 20)
	}
	return UnknownLink
}

// typeAt decodes a header of k bytes that ends in an EtherType behind it.
func (d *Decoder) typeAt(o layerData, k int) Result {
	if !d.enter() {
		return TooDeep
	}
	if len(o.b) < k+2 {
		return o.short(k + 2)
	}
	return d.typeOrLength(be16(o.b[k:]), o.from(k+2))
}
