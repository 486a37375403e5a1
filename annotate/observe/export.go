package observe

// Flow export: NetFlow version 5 and its kin (Cisco, "NetFlow Export Datagram
// Format"), NetFlow version 9 (RFC 3954 section 5), IPFIX (RFC 7011 section 3)
// and sFlow (sflow.org, "sFlow Version 5"). The exporter sends, the collector
// is the service.
const (
	nfHeader1     = 16
	nfHeader5     = 24
	nfHeader9     = 20
	ipfixHeader   = 16
	nfTime1995    = 0x30000000 // seconds since 1970
	nfTime2038    = 0x80000000
	nfLongest     = 86400 * 1000 // milliseconds of a flow, and of how long it was held
	nsPerSecond   = 1000000000
	sflowMaxCount = 512
)

const (
	reasonNetFlow      = "NetFlow datagram: count, length and time fit"
	reasonNetFlow9     = "NetFlow version 9 datagram: sets and length fit"
	reasonNetFlow9Data = "NetFlow version 9 datagram of one set"
	reasonIPFIX        = "IPFIX message: sets and length fit"
	reasonSFlow        = "sFlow datagram: version, agent and samples fit"
)

// findNetFlow recognises all versions.
func findNetFlow(m *message) match {
	b := m.b
	header, record, most := nfHeader5, 48, 30
	// Version 1 is sent with records of 52 bytes and of 48.
	switch be16(b) {
	case 1:
		header, record, most = nfHeader1, 52, 24
	case 5:
	case 7:
		record, most = 52, 28
	case 9:
		return netflow9(m)
	default:
		return match{}
	}
	count := be16(b[2:])
	if count == 0 || count > most || m.n != header+count*record && (b[1] != 1 || m.n != header+count*48) || len(b) < header || be32(b[12:]) >= nsPerSecond || exportTime(b[8:]) == None {
		return match{}
	}
	found := match{protocol: NetFlow, strength: Likely, sender: client, reason: reasonNetFlow}
	if b[1] == 5 && len(b) >= header+record {
		// Bytes that a record has and does not use are zero, as a rule; a flow
		// begins before it ends, and ends before it is exported.
		first, last, uptime := be32(b[header+24:]), be32(b[header+28:]), be32(b[4:])
		if b[header+36]|b[header+46]|b[header+47] == 0 || last-first < nfLongest && uptime-last < nfLongest {
			found.strength = exportTime(b[8:])
		}
	}
	return found
}

// exportTime says how much a clock at b means: it is that of a running
// exporter, or one that was never set, or none.
func exportTime(b []byte) Strength {
	switch t := be32(b); {
	case t >= nfTime1995 && t < nfTime2038:
		return Full
	case t < 366*86400:
		return Likely
	}
	return None
}

func netflow9(m *message) match {
	b := m.b
	count := be16(b[2:])
	if len(b) < nfHeader9+4 || count == 0 || count > 1000 || exportTime(b[8:]) == None {
		return match{}
	}
	sets, templates, ok := exportSets(b, m.n, nfHeader9, 0)
	switch {
	case !ok || sets > count:
		return match{}
	case sets == 1 && !templates:
		return match{protocol: NetFlow, strength: Likely, sender: client, reason: reasonNetFlow9Data}
	}
	return match{protocol: NetFlow, strength: exportTime(b[8:]), sender: client, reason: reasonNetFlow9}
}

// findIPFIX recognises a message over UDP, TCP or SCTP. In a stream more may
// follow.
func findIPFIX(m *message) match {
	b := m.b
	size := be16(b[2:])
	if be16(b) != 10 || size < ipfixHeader+4 || size != m.n && !m.stream || m.n < size || exportTime(b[4:]) == None {
		return match{}
	}
	if m.n > size && len(b) >= size+2 && be16(b[size:]) != 10 {
		return match{}
	}
	if _, _, ok := exportSets(b[:min(len(b), size)], size, ipfixHeader, 2); !ok {
		return match{}
	}
	return match{protocol: IPFIX, strength: exportTime(b[4:]), sender: client, reason: reasonIPFIX}
}

// exportSets walks the sets that end at n, as far as they are there: each has
// an identifier and a length. Templates have the identifier given, options
// templates the next.
func exportSets(b []byte, n, at, template int) (sets int, templates, ok bool) {
	for at < n {
		if n-at < 4 && sets > 0 {
			return sets, templates, allZero(b[min(at, len(b)):]) // padding
		}
		if at+4 > len(b) {
			return sets, templates, sets > 0 && at+4 <= n
		}
		id, size := be16(b[at:]), be16(b[at+2:])
		if id < 256 && id != template && id != template+1 || size < 4 || at+size > n {
			return sets, templates, false
		}
		if id < 256 {
			// The first template's own identifier, and how many fields it has.
			if size < 8 || at+8 <= len(b) && be16(b[at+4:]) < 256 {
				return sets, templates, false
			}
			templates = true
		}
		sets++
		at += size
	}
	return sets, templates, at == n
}

// findSFlow recognises versions 2, 4 and 5: the version, the agent's address
// with its kind, and the first sample's header.
func findSFlow(m *message) match {
	b := m.b
	version, kind := be32(b), be32(b[4:])
	if version != 2 && version != 4 && version != 5 || kind != 1 && kind != 2 {
		return match{}
	}
	at := 12
	if kind == 2 {
		at = 24
	}
	if version == 5 {
		at += 4 // sub-agent
	}
	at += 8 // sequence number, time since the agent began
	if len(b) < at+4 || m.n%4 != 0 {
		return match{}
	}
	count := be32(b[at:])
	at += 4
	if count == 0 && !m.ends(at) || count > sflowMaxCount {
		return match{}
	}
	if len(b) >= at+8 {
		kind, size := be32(b[at:]), int(be32(b[at+4:]))
		if version != 5 {
			if kind != 1 && kind != 2 {
				return match{}
			}
		} else if kind>>12 == 0 && (kind == 0 || kind > 5) || size < 4 || size%4 != 0 || at+8+size > m.n {
			return match{}
		}
	}
	return match{protocol: SFlow, strength: Full, sender: client, reason: reasonSFlow}
}
