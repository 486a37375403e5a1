package flow

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"net/netip"

	"github.com/portannot/portannot/capture/packet"
)

// CommunityIDLen is the length of a Community ID in bytes.
const CommunityIDLen = 2 + 28

// AppendCommunityID appends the Community ID of a flow, version 1 with seed 0
// (https://github.com/corelight/community-id-spec): "1:" and the base64 form of a
// SHA-1 of the protocol and both endpoints. Both directions have the same one, and so
// has the flow in the records of Zeek, Suricata and Wireshark. The specification takes
// the ports of TCP, UDP and SCTP alone; the other protocols count without ports.
func AppendCommunityID(dst []byte, protocol uint8, a, b netip.AddrPort) []byte {
	if c := a.Addr().Compare(b.Addr()); c > 0 || c == 0 && a.Port() > b.Port() {
		a, b = b, a
	}
	var in [2 + 16 + 16 + 2 + 4]byte
	buf := in[:2] // the seed, 0
	buf = appendAddr(buf, a.Addr())
	buf = appendAddr(buf, b.Addr())
	buf = append(buf, protocol, 0)
	switch protocol {
	case packet.TCP, packet.UDP, packet.SCTP:
		buf = binary.BigEndian.AppendUint16(buf, a.Port())
		buf = binary.BigEndian.AppendUint16(buf, b.Port())
	}
	sum := sha1.Sum(buf)
	dst = append(dst, "1:"...)
	return base64.StdEncoding.AppendEncode(dst, sum[:])
}

func appendAddr(dst []byte, a netip.Addr) []byte {
	if a.Is4() {
		x := a.As4()
		return append(dst, x[:]...)
	}
	x := a.As16()
	return append(dst, x[:]...)
}
