package observe

// QUIC: packets with a long header have the version and both connection
// identifiers in clear (RFC 8999 section 5.1); those with a short header have
// nothing to recognise them by.
const (
	quicVersion1 = 1          // RFC 9000
	quicVersion2 = 0x6b3343cf // RFC 9369
	quicMinimum  = 1200       // bytes of a datagram with a client's Initial (RFC 9000 section 14.1)
)

// Types of packets with a long header, version 1 (RFC 9000 section 17.2).
const (
	quicInitial = iota
	quicZeroRTT
	quicHandshake
	quicRetry
)

const (
	reasonQUICInitial     = "QUIC Initial packet: version, identifiers and lengths fit"
	reasonQUICLong        = "QUIC long header: version, identifiers and length fit"
	reasonQUICRetry       = "QUIC Retry packet"
	reasonQUICNegotiation = "QUIC version negotiation: identifiers and list of versions fit"
	reasonQUICReserved    = "QUIC long header with a version reserved to force negotiation"
	reasonGQUIC           = "Google QUIC public header with its version"
)

// quicKnown reports the versions whose packets have the layout of version 1:
// itself, version 2, the drafts from 22 on (0xff0000nn) and mvfst's, which
// follow them.
func quicKnown(v uint32) bool {
	return v == quicVersion1 || v == quicVersion2 || v>>8 == 0xff0000 && v&255 >= 22 && v&255 <= 34 || v>>8 == 0xfaceb0
}

// quicNibbles reports the versions that had the lengths of both identifiers in
// one byte: drafts 17 to 21, and Google's Q046.
func quicNibbles(v uint32) bool {
	return v>>8 == 0xff0000 && v&255 >= 17 && v&255 <= 21 || v == 0x51303436
}

// quicReserved reports the versions 0x?a?a?a?a (RFC 9000 section 15).
func quicReserved(v uint32) bool { return v&0x0f0f0f0f == 0x0a0a0a0a }

// quicLong is a long header.
type quicLong struct {
	version    uint32
	kind       int // as in version 1
	dcid, scid []byte
	end        int // where the part that is the same for all versions ends
}

// quicHeader reads the part of a long header that is the same in all versions.
func quicHeader(b []byte) (h quicLong, ok bool) {
	if len(b) < 7 || b[0]&0x80 == 0 {
		return h, false
	}
	h.version = be32(b[1:])
	h.kind = int(b[0] >> 4 & 3)
	if h.version == quicVersion2 {
		h.kind = (h.kind + 3) & 3 // RFC 9369 section 3.2
	}
	at := 5
	if quicNibbles(h.version) {
		at++
		for i, id := range []*[]byte{&h.dcid, &h.scid} {
			n := int(b[5]>>(4-4*i)) & 15
			if n > 0 {
				n += 3
			}
			if at+n > len(b) {
				return h, false
			}
			*id = b[at : at+n]
			at += n
		}
		h.end = at
		return h, true
	}
	for _, id := range []*[]byte{&h.dcid, &h.scid} {
		if at >= len(b) {
			return h, false
		}
		n := int(b[at])
		if n > 20 || at+1+n > len(b) {
			return h, false
		}
		*id = b[at+1 : at+1+n]
		at += 1 + n
	}
	h.end = at
	return h, true
}

// varint reads a number of one to eight bytes (RFC 9000 section 16).
func varint(b []byte) (v uint64, size int, ok bool) {
	if len(b) == 0 {
		return 0, 0, false
	}
	size = 1 << (b[0] >> 6)
	if len(b) < size {
		return 0, 0, false
	}
	v = uint64(b[0] & 0x3f)
	for _, c := range b[1:size] {
		v = v<<8 | uint64(c)
	}
	return v, size, true
}

func findQUIC(m *message) match {
	b := m.b
	if b[0]&0x80 == 0 {
		return findGQUIC(m)
	}
	h, ok := quicHeader(b)
	if !ok {
		return match{}
	}
	found := match{protocol: QUIC, strength: Full}
	switch {
	case h.version == 0:
		return quicNegotiation(m, &h)
	case quicKnown(h.version):
		if b[0]&0x40 == 0 {
			return match{}
		}
	case quicReserved(h.version):
		if len(h.dcid) < 8 || m.n < quicMinimum {
			return match{}
		}
		return match{protocol: QUIC, strength: Likely, sender: client, reason: reasonQUICReserved}
	case quicNibbles(h.version), gquicVersion(b[1:5]): // Q046, Q050, T050, T051
		found.reason = reasonGQUIC
		if len(h.dcid) == 8 && len(h.scid) == 0 {
			found.sender = client
		}
		return found
	default:
		return match{}
	}
	rest := b[h.end:]
	token := uint64(0)
	switch h.kind {
	case quicRetry:
		if m.n-h.end < 16 {
			return match{}
		}
		found.sender, found.reason = onlyServer, reasonQUICRetry
		return found
	case quicInitial:
		found.reason = reasonQUICInitial
		n, size, ok := varint(rest)
		if !ok || n > uint64(m.n) {
			return match{}
		}
		token = n
		if uint64(len(rest)-size) < n {
			if !m.cut() {
				return match{}
			}
			found.sender = onlyClient // a server's Initial has no token (RFC 9000 section 17.2.2)
			return found
		}
		rest = rest[size+int(n):]
	default:
		found.reason = reasonQUICLong
	}
	length, size, ok := varint(rest)
	if !ok {
		if m.cut() {
			return found
		}
		return match{}
	}
	end := uint64(len(b)-len(rest)+size) + length
	if length < 20 || end > uint64(m.n) { // a packet number and a sample of 16 bytes follow (RFC 9001 section 5.4.2)
		return match{}
	}
	number := len(b) - len(rest) + size
	switch {
	case h.kind == quicZeroRTT || token > 0:
		found.sender = onlyClient
	case h.kind == quicInitial && quicOpens(b, &h, number, int(end)) == Full:
		found.sender = onlyClient
	case h.kind == quicInitial:
		found.sender = quicSender(m, &h, end == uint64(m.n))
	}
	return found
}

// quicSender tells the two ends' Initial packets apart by their identifiers, as
// far as that goes. A client's first goes to one of at least 8 bytes that it made
// up (RFC 9000 section 7.2), its later ones to the server's, which may be shorter;
// a server's goes to the one that the client chose for itself, which is often
// empty. Few servers have an empty one.
func quicSender(m *message, h *quicLong, alone bool) role {
	if peer, ok := quicHeader(m.peer.b); ok {
		switch toPeer, fromPeer := string(h.dcid) == string(peer.scid), string(peer.dcid) == string(h.scid); {
		case fromPeer && !toPeer:
			return client
		case toPeer && !fromPeer:
			return server
		}
	}
	switch {
	case len(h.scid) == 0 && len(h.dcid) >= 8 && alone && m.n >= quicMinimum:
		return client
	case len(h.dcid) == 0 && len(h.scid) > 0:
		return server
	}
	return either
}

// quicNegotiation recognises a server's list of versions (RFC 8999 section 6).
func quicNegotiation(m *message, h *quicLong) match {
	list := m.b[h.end:]
	if (m.n-h.end)%4 != 0 || len(list) < 4 {
		return match{}
	}
	known := 0
	for ; len(list) >= 4; list = list[4:] {
		switch v := be32(list); {
		case quicKnown(v) || gquicVersion(list[:4]):
			known++
		case !quicReserved(v) && v != 0 && v>>8 != 0xff0000:
			return match{}
		}
	}
	if known == 0 {
		return match{}
	}
	return match{protocol: QUIC, strength: Full, sender: onlyServer, reason: reasonQUICNegotiation}
}

// gquicVersion reports the versions that Google used before the standard, in
// text: "Q024" to "Q050", "T050" with TLS.
func gquicVersion(b []byte) bool {
	return (b[0] == 'Q' || b[0] == 'T') && b[1] == '0' && isDigit(b[2]) && isDigit(b[3])
}

// findGQUIC recognises the public header that clients sent up to version Q043:
// flags with a version, an identifier of 8 bytes, the version, a packet
// number, a hash of 12 bytes and a frame. It is described in the draft
// draft-hamilton-quic-transport-protocol-00, section 6.1.
func findGQUIC(m *message) match {
	b := m.b
	if len(b) < 13 || b[0]&0x89 != 0x09 || b[0]&0x40 != 0 || !gquicVersion(b[9:13]) {
		return match{}
	}
	return match{protocol: QUIC, strength: Full, sender: client, reason: reasonGQUIC}
}
