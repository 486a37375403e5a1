package observe

// BitTorrent: the handshake of peers (BEP 3), the distributed hash table
// (BEP 5), trackers over UDP (BEP 15) and uTP (BEP 29).
const (
	utpData    = 0x01
	utpSyn     = 0x41
	utpHeader  = 20
	trackerAsk = 0x41727101980

	reasonBTHandshake = "BitTorrent handshake"
	reasonBTDHT       = "BitTorrent DHT message: dictionary of the expected keys"
	reasonBTTracker   = "BitTorrent tracker's connect request"
	reasonBTUTP       = "uTP opening: header fits"
	reasonBTLocal     = "BitTorrent local service discovery"
)

// findBitTorrent recognises the handshake, whatever carries it.
func findBitTorrent(m *message) match {
	if !hasPrefix(m.b, "\x13BitTorrent protocol") {
		return match{}
	}
	return match{protocol: BitTorrent, strength: Full, reason: reasonBTHandshake}
}

// findBitTorrentUDP recognises what peers send in datagrams. Every peer is
// client and server.
func findBitTorrentUDP(m *message) match {
	b := m.b
	switch b[0] {
	case 'd':
		return bitTorrentDHT(b)
	case 'B':
		if hasPrefix(b, "BT-SEARCH * HTTP/1.1\r\n") { // BEP 14
			return match{protocol: BitTorrent, strength: Full, reason: reasonBTLocal}
		}
	case 0:
		if m.ends(16) && len(b) >= 12 && be64(b) == trackerAsk && be32(b[8:]) == 0 {
			return match{protocol: BitTorrent, strength: Full, sender: client, reason: reasonBTTracker}
		}
	case utpSyn:
		// ST_SYN: no difference of time yet, sequence number 1, nothing
		// acknowledged. An extension, if any, is a list of bits.
		if len(b) < utpHeader || b[1] != 0 && b[1] != 2 || b[1] == 0 && !m.ends(utpHeader) ||
			be32(b[8:]) != 0 || be16(b[16:]) != 1 || be16(b[18:]) != 0 || be32(b[4:]) == 0 {
			return match{}
		}
		return match{protocol: BitTorrent, strength: Full, sender: client, reason: reasonBTUTP}
	case utpData:
		if len(b) > utpHeader && b[1] == 0 && hasPrefix(b[utpHeader:], "\x13BitTorrent protocol") {
			return match{protocol: BitTorrent, strength: Full, reason: reasonBTHandshake}
		}
	}
	return match{}
}

// bitTorrentDHT recognises a bencoded dictionary, the keys of which are in
// order: a query's arguments, a response's values or an error, and at the end
// the kind of message.
func bitTorrentDHT(b []byte) match {
	sender, at := either, 0
	if hasPrefix(b, "d2:ip") { // BEP 42
		n, digits := decimal(b[5:])
		at = 5 + digits
		if digits == 0 || n != 6 && n != 18 || at == len(b) || b[at] != ':' {
			return match{}
		}
		if at += 1 + n; at >= len(b) {
			return match{}
		}
	} else {
		at = 1
	}
	rest := b[at:]
	switch {
	case hasPrefix(rest, "1:ad2:id20:"), hasPrefix(rest, "1:ad6:") && len(rest) > 30:
		sender = client
	case hasPrefix(rest, "1:rd2:id20:"):
		sender = server
	case at == 1 && (hasPrefix(rest, "1:q4:ping1:") || hasPrefix(rest, "1:q9:find_node1:") || hasPrefix(rest, "1:q9:get_peers1:") || hasPrefix(rest, "1:q13:announce_peer1:")):
		sender = client // from one that does not sort
	case hasPrefix(rest, "1:eli"):
		sender = server
	default:
		return match{}
	}
	return match{protocol: BitTorrent, strength: Full, sender: sender, reason: reasonBTDHT}
}
