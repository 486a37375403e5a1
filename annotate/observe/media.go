package observe

// STUN, RTP and RTCP share ports (RFC 7983): the first byte tells them apart.

const (
	reasonSTUN        = "STUN header with its cookie, length fits"
	reasonSTUNClassic = "STUN header without cookie (RFC 3489), attributes fit"
	reasonSTUNEmpty   = "STUN request without cookie or attributes"
	reasonRTCP        = "RTCP report whose counts and lengths fit"
	reasonRTPAudio    = "RTP header of an audio format, payload of whole frames"
	reasonRTPBoth     = "RTP headers of one payload type in both directions"
	reasonRTPSequence = "RTP headers of one source, whose numbers and times go on"
)

// What may lie between two packets of RTP that follow each other in a capture:
// numbers, for the capture may hold one packet in many, and ticks of the source's
// clock, which is about ten minutes of video.
const (
	rtpMaxGap   = 1000
	rtpMaxTicks = 1 << 26
)

const stunCookie = 0x2112a442 // RFC 8489 section 5

// findSTUN recognises STUN and TURN messages (RFC 8489 section 5, RFC 8656).
func findSTUN(m *message) match {
	b := m.b
	kind, size := be16(b), be16(b[2:])
	if kind>>14 != 0 || size%4 != 0 || !m.holds(20+size) || m.n < 20 {
		return match{}
	}
	method, class := kind&0xf|kind>>1&0x70|kind>>2&0xf80, kind>>4&1|kind>>7&2
	if len(b) < 8 {
		return match{}
	}
	found := match{protocol: STUN, strength: Full, reason: reasonSTUN}
	switch class {
	case 0:
		found.sender = client
	case 2, 3:
		found.sender = server
	}
	if be32(b[4:]) == stunCookie {
		if stunPeers(b, 20+size) {
			found.sender = either
		}
		return found
	}
	// Before the cookie: only binding and shared secret.
	if method != 1 && method != 2 || m.stream || !m.fits(20+size) || class == 1 {
		return match{}
	}
	found.reason = reasonSTUNClassic
	if size == 0 {
		if class != 0 {
			return match{}
		}
		found.strength, found.reason = Likely, reasonSTUNEmpty
		return found
	}
	attributes := 0
	for at := 20; at < 20+size; attributes++ {
		if at+4 > len(b) {
			if !m.cut() {
				return match{}
			}
			break
		}
		kind, length := be16(b[at:]), be16(b[at+2:])
		if kind == 0 || kind > 0x30 && kind < 0x8000 {
			return match{}
		}
		at += 4 + (length+3)&^3
		if at > 20+size {
			return match{}
		}
	}
	if attributes == 0 {
		return match{}
	}
	return found
}

// stunPeers reports the attributes of connectivity checks between peers (RFC
// 8445 section 7.1), of which neither is a server: PRIORITY, ICE-CONTROLLED,
// ICE-CONTROLLING.
func stunPeers(b []byte, end int) bool {
	for at := 20; at+4 <= min(len(b), end); {
		switch be16(b[at:]) {
		case 0x0024, 0x8029, 0x802a:
			return true
		}
		at += 4 + (be16(b[at+2:])+3)&^3
	}
	return false
}

// findRTCP recognises a compound packet (RFC 3550 section 6.1): it begins with
// a report, whose length follows from its count, and its parts fill the
// datagram.
func findRTCP(m *message) match {
	b := m.b
	count, words := int(b[0]&31), be16(b[2:])
	switch b[1] {
	case 200: // sender report; a profile may add to it
		if words < 6+6*count {
			return match{}
		}
	case 201: // receiver report
		if words < 1+6*count {
			return match{}
		}
	default:
		return match{}
	}
	parts := 0
	for at := 0; at < m.n; parts++ {
		if at+4 > len(b) {
			if !m.cut() || at+4 > m.n {
				return match{}
			}
			break
		}
		if b[at]>>6 != 2 || b[at+1] < 192 || b[at+1] > 223 {
			return match{}
		}
		at += 4 * (be16(b[at+2:]) + 1)
		if at > m.n {
			return match{}
		}
	}
	return match{protocol: RTCP, strength: Full, sender: peers, reason: reasonRTCP}
}

// rtpHeader reports whether b begins like a packet of RTP (RFC 3550 section 5.1)
// that has no contributing sources, as most have none: version 2, and a payload
// type that is assigned or dynamic (RFC 3551 section 6) and no type of RTCP (RFC
// 5761 section 4).
func rtpHeader(b []byte) bool {
	kind := b[1] & 0x7f
	return b[0]&0xcf == 0x80 && (kind <= 34 || kind >= 96)
}

// rtpSequence recognises RTP by the headers of several packets (RFC 3550 appendix
// A.1): one source, numbers that go on, and times that go on with them.
func rtpSequence(m *message) match {
	heads, last := m.heads, []byte(nil)
	if len(m.b) > HeadBytes && rtpHeader(m.b) {
		last = m.b
	}
	packets, one, even, later := 0, true, true, false
	var step, ticks int
	for ; len(heads) >= HeadBytes; heads = heads[HeadBytes:] {
		if !rtpHeader(heads) || be32(heads[8:]) == 0 {
			return match{}
		}
		if last == nil {
			last = heads
			continue
		}
		n, t := int(int16(be16(heads[2:])-be16(last[2:]))), int(int32(be32(heads[4:])-be32(last[4:])))
		if n < 0 { // out of order
			n, t = -n, -t
		}
		if be32(heads[8:]) != be32(last[8:]) || n == 0 || n > rtpMaxGap || t < 0 || t > rtpMaxTicks {
			return match{}
		}
		one, later = one && n <= 3, later || t > 0
		even = even && (packets == 0 || t*step == ticks*n)
		last, step, ticks = heads, n, t
		packets++
	}
	switch {
	case packets >= 2 && later && (one || even):
		return match{protocol: RTP, strength: Full, sender: peers, reason: reasonRTPSequence}
	case packets >= 1 && (one || even):
		return match{protocol: RTP, strength: Likely, sender: peers, reason: reasonRTPSequence}
	}
	return match{}
}

// findRTP recognises RTP by its first datagram, which leaves much to chance: the
// header has little that is fixed.
func findRTP(m *message) match {
	b := m.b
	kind := int(b[1] & 0x7f)
	if !rtpHeader(b) || m.n <= HeadBytes {
		return match{}
	}
	if b[0] == 0x80 && rtpFrames(kind, m.n-HeadBytes) {
		return match{protocol: RTP, strength: Likely, sender: peers, reason: reasonRTPAudio}
	}
	// Dynamic types (RFC 3551 section 6): the other end must have the same,
	// and a source identifier of its own.
	p := m.peer.b
	if kind < 96 || len(p) < HeadBytes || !rtpHeader(p) || int(p[1]&0x7f) != kind || be32(p[8:]) == be32(b[8:]) || be32(b[8:]) == 0 {
		return match{}
	}
	return match{protocol: RTP, strength: Likely, sender: peers, reason: reasonRTPBoth}
}

// rtpFrames reports whether n bytes are whole frames of a static audio format
// (RFC 3551 section 4.5), of usual packet times.
func rtpFrames(kind, n int) bool {
	switch kind {
	case 0, 8, 9: // PCMU, PCMA, G722: 8 bytes a millisecond, 10 to 60 of these
		return n%80 == 0 && n <= 480
	case 5, 6: // DVI4: a header of 4 bytes, then 4 or 8 a millisecond
		return n > 4 && (n-4)%40 == 0 && n <= 484
	case 3: // GSM: 33 bytes for 20 ms
		return n%33 == 0 && n <= 99
	case 4: // G723: 24 or 20 bytes for 30 ms
		return n == 24 || n == 20 || n == 48
	case 18: // G729: 10 bytes for 10 ms
		return n%10 == 0 && n <= 60
	}
	return false
}
