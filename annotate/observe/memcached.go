package observe

// Memcached: the text protocol (memcached's doc/protocol.txt) and the binary
// one (memcached wiki, "BinaryProtocolRevamped").
const (
	reasonMemcachedStore   = "Memcached storage command: numbers and data block fit"
	reasonMemcachedCommand = "Memcached command"
	reasonMemcachedValue   = "Memcached value: numbers and data block fit"
	reasonMemcachedReply   = "Memcached reply"
	reasonMemcachedBinary  = "Memcached binary header: operation and lengths fit"

	memcachedFrame   = 8 // header of datagrams: request, sequence, total, reserved
	memcachedHeader  = 24
	memcachedRequest = 0x80
	memcachedAnswer  = 0x81
	memcachedMaxKey  = 250
)

// findMemcached recognises the text protocol over TCP.
func findMemcached(m *message) match { return memcachedText(m.b) }

// findMemcachedUDP recognises it after the header that datagrams have.
func findMemcachedUDP(m *message) match {
	b := m.b
	if be16(b[4:]) == 0 || be16(b[2:]) >= be16(b[4:]) || b[6] != 0 || b[7] != 0 {
		return match{}
	}
	found := memcachedText(b[memcachedFrame:])
	if found.strength != None {
		// The frame's own fields leave little room.
		found.strength = Full
	}
	return found
}

func memcachedText(b []byte) match {
	for _, c := range [...]string{"set ", "add ", "replace ", "append ", "prepend ", "cas "} {
		if hasPrefix(b, c) {
			return memcachedBlock(b, len(c), 3, match{protocol: Memcached, sender: client, reason: reasonMemcachedStore})
		}
	}
	if hasPrefix(b, "VALUE ") {
		return memcachedBlock(b, 6, 2, match{protocol: Memcached, sender: server, reason: reasonMemcachedValue})
	}
	for _, c := range [...]string{"get ", "gets ", "gat ", "delete ", "incr ", "decr ", "touch "} {
		if hasPrefix(b, c) {
			if l, _, whole := line(b); whole && len(l) > len(c) && printable(l) {
				return match{protocol: Memcached, strength: Likely, sender: client, reason: reasonMemcachedCommand}
			}
			return match{}
		}
	}
	for _, c := range [...]string{"stats\r\n", "version\r\n", "flush_all\r\n", "verbosity "} {
		if hasPrefix(b, c) {
			return match{protocol: Memcached, strength: Likely, sender: client, reason: reasonMemcachedCommand}
		}
	}
	for _, r := range [...]string{"STORED\r\n", "NOT_STORED\r\n", "TOUCHED\r\n", "CLIENT_ERROR ", "SERVER_ERROR "} {
		if hasPrefix(b, r) {
			return match{protocol: Memcached, strength: Full, sender: server, reason: reasonMemcachedReply}
		}
	}
	for _, r := range [...]string{"END\r\n", "DELETED\r\n", "NOT_FOUND\r\n", "EXISTS\r\n", "ERROR\r\n", "VERSION "} {
		if hasPrefix(b, r) {
			return match{protocol: Memcached, strength: Likely, sender: server, reason: reasonMemcachedReply}
		}
	}
	if hasPrefix(b, "STAT ") {
		found := match{protocol: Memcached, strength: Likely, sender: server, reason: reasonMemcachedReply}
		if l, next, whole := line(b); whole && printable(l) && (hasPrefix(b[next:], "STAT ") || hasPrefix(b[next:], "END\r\n")) {
			found.strength = Full
		}
		return found
	}
	return match{}
}

// memcachedBlock checks a line of a key and numbers from at on, the last of the
// first so many being the length of the data that follow, and the CR LF after
// those.
func memcachedBlock(b []byte, at, numbers int, found match) match {
	start := at
	for at < len(b) && b[at] > ' ' && b[at] != 0x7f {
		at++
	}
	if at == start || at-start > memcachedMaxKey {
		return match{}
	}
	size := 0
	for i := 0; i < numbers; i++ {
		if at == len(b) {
			return match{}
		}
		if b[at] != ' ' {
			return match{}
		}
		at++
		if at < len(b) && b[at] == '-' && i == 1 {
			at++ // expired at once
		}
		n, digits := decimal(b[at:])
		if digits == 0 {
			return match{}
		}
		at += digits
		size = n
	}
	l, next, whole := line(b[at:])
	if !whole || !printable(l) || len(l) > 40 {
		return match{}
	}
	end := at + next + size
	if end+2 <= len(b) && (b[end] != '\r' || b[end+1] != '\n') {
		return match{}
	}
	found.strength = Full
	return found
}

// memcachedExtras gives for each operation, by its number, how long the extras
// of a request are; 0xff where that is not fixed.
const memcachedExtras = "\x00\x08\x08\x08\x00\x14\x14\x00\xff\x00\x00\x00\x00\x00\x00\x00\x00\x08\x08\x08\x00\x14\x14\x00\xff\x00\x00\xff\x04\x04\x04"

// findMemcachedBinary recognises a request or answer of the binary protocol.
func findMemcachedBinary(m *message) match {
	b := m.b
	if b[0] != memcachedRequest && b[0] != memcachedAnswer {
		return match{}
	}
	op, key, extras, body := int(b[1]), be16(b[2:]), int(b[4]), int(be32(b[8:]))
	if op >= len(memcachedExtras) && (op < 0x20 || op > 0x22) && (op < 0x30 || op > 0x49) || b[5] != 0 ||
		key > memcachedMaxKey || key+extras > body || body > 1<<30 || !m.holds(memcachedHeader+body) {
		return match{}
	}
	found := match{protocol: Memcached, strength: Full, sender: client, reason: reasonMemcachedBinary}
	if b[0] == memcachedRequest {
		if op < len(memcachedExtras) {
			if want := memcachedExtras[op]; want != 0xff && int(want) != extras {
				return match{}
			}
			// Those with a key and no value, and those with neither.
			switch op {
			case 0x00, 0x04, 0x09, 0x0c, 0x0d, 0x14:
				if key == 0 || body != key {
					return match{}
				}
			case 0x07, 0x0a, 0x0b, 0x17:
				if body != 0 {
					return match{}
				}
			}
		} else if body == 0 {
			return match{}
		}
		// A body that ends the payload, or a second header behind it.
		if !m.follows(memcachedHeader+body, memcachedRequest) {
			found.strength = Likely
		}
		return found
	}
	status := be16(b[6:])
	if status > 0x08 && (status < 0x20 || status > 0x25) && (status < 0x81 || status > 0x86) || key > 0 && op != 0x0c && op != 0x0d && op != 0x10 {
		return match{}
	}
	found.sender = server
	if !m.follows(memcachedHeader+body, memcachedAnswer) {
		found.strength = Likely
	}
	return found
}
