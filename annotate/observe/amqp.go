package observe

// AMQP: a protocol header of eight bytes, then frames (AMQP 0-9-1
// specification sections 4.2.2 and 4.2.3; OASIS AMQP 1.0 part 2 sections 2.2
// and 2.3).
const (
	amqpMethod    = 1
	amqpHeader    = 2
	amqpBody      = 3
	amqpHeartbeat = 8
	amqpFrameEnd  = 0xce
	amqpMaxFrame  = 1 << 24
)

const (
	reasonAMQPHeader = "AMQP protocol header"
	reasonAMQPMethod = "AMQP method frame: class, method and frame end fit"
	reasonAMQPBeat   = "AMQP heartbeat frame"
	reasonAMQP1      = "AMQP 1.0 frame: header and performative fit"
)

// findAMQP recognises the header of each version, and the frames.
func findAMQP(m *message) match {
	b := m.b
	switch b[0] {
	case 'A':
		return amqpGreeting(b)
	case 0:
		return amqpFrame1(b)
	}
	size := int(be32(b[3:]))
	if b[0] == amqpHeartbeat {
		if b[1] != 0 || b[2] != 0 || size != 0 || b[7] != amqpFrameEnd {
			return match{}
		}
		return match{protocol: AMQP, strength: Full, reason: reasonAMQPBeat}
	}
	if b[0] != amqpMethod || size < 4 || size > amqpMaxFrame || len(b) < 11 {
		return match{}
	}
	class, method := be16(b[7:]), be16(b[9:])
	sender, ok := amqpSender(class, method)
	if !ok {
		return match{}
	}
	found := match{protocol: AMQP, strength: Likely, sender: sender, reason: reasonAMQPMethod}
	if end := 7 + size; end < len(b) {
		if b[end] != amqpFrameEnd {
			return match{}
		}
		found.strength = Full
	}
	if class == 10 && method == 10 && len(b) >= 13 {
		if b[11] != 0 || b[12] != 9 { // Connection.Start names the version
			return match{}
		}
		found.strength = Full
	}
	return found
}

func amqpGreeting(b []byte) match {
	if len(b) < 8 || string(b[:4]) != "AMQP" {
		return match{}
	}
	found := match{protocol: AMQP, strength: Full, reason: reasonAMQPHeader}
	switch string(b[4:8]) {
	case "\x00\x00\x09\x01":
		// A server sends it only to refuse another version.
		found.sender = client
	case "\x01\x01\x00\x09", "\x01\x01\x08\x00", "\x01\x01\x00\x0a", "\x01\x01\x09\x01":
	case "\x00\x01\x00\x00", "\x02\x01\x00\x00", "\x03\x01\x00\x00":
		// 1.0, with TLS, with SASL: both ends send it.
	default:
		return match{}
	}
	return found
}

// amqpSender says who sends a method of AMQP 0-9-1, as far as the first
// methods of a connection and the common ones go; ok is false for a class or
// method that there is not.
func amqpSender(class, method int) (sender role, ok bool) {
	switch class {
	case 10: // connection
		switch method {
		case 10, 20, 30, 41:
			return server, true
		case 11, 21, 31, 40:
			return client, true
		case 50, 51, 60, 61:
			return either, true
		}
	case 20: // channel
		switch method {
		case 10:
			return client, true
		case 11:
			return server, true
		case 20, 21, 40, 41:
			return either, true
		}
	case 40, 50, 85, 90: // exchange, queue, confirm, tx
		if method < 10 || method > 51 || method%10 > 1 {
			return either, false
		}
		if method%10 == 0 && method != 50 {
			return client, true
		}
		return either, true
	case 60: // basic
		switch method {
		case 10, 20, 40, 70, 90, 100, 110:
			return client, true
		case 11, 21, 50, 60, 71, 72, 111:
			return server, true
		case 30, 31, 80, 120:
			return either, true
		}
	}
	return either, false
}

// amqpFrame1 recognises a frame of AMQP 1.0 by its header and the described
// type that its body begins with.
func amqpFrame1(b []byte) match {
	if len(b) < 11 {
		return match{}
	}
	size, offset, kind := int(be32(b)), int(b[4]), b[5]
	if size < 11 || size > amqpMaxFrame || offset != 2 || b[8] != 0 || b[9] != 0x53 {
		return match{}
	}
	found := match{protocol: AMQP, strength: Full, reason: reasonAMQP1}
	code := b[10]
	switch {
	case kind == 0 && code >= 0x10 && code <= 0x18: // open to close
		return found
	case kind == 1 && (code == 0x40 || code == 0x42 || code == 0x44): // mechanisms, challenge, outcome
		found.sender = server
		return found
	case kind == 1 && (code == 0x41 || code == 0x43): // init, response
		found.sender = client
		return found
	}
	return match{}
}

// MQTT: packets of a type, flags and a length of one to four bytes (MQTT 3.1.1
// section 2.2, MQTT 5.0 section 2.1).
const (
	mqttConnect   = 0x10
	mqttConnack   = 0x20
	mqttSubscribe = 0x82
)

const (
	reasonMQTTConnect   = "MQTT CONNECT: name, level and flags fit"
	reasonMQTTConnack   = "MQTT CONNACK"
	reasonMQTTSubscribe = "MQTT SUBSCRIBE: lengths and topic filters fit"
)

// findMQTT recognises CONNECT (section 3.1), with which every connection
// begins, its answer, and SUBSCRIBE.
func findMQTT(m *message) match {
	b := m.b
	size, at := mqttLength(b[1:])
	if at == 0 {
		return match{}
	}
	at++
	switch b[0] {
	case mqttConnect:
		return mqttOpen(b, size, at)
	case mqttConnack:
		if !m.ends(at+size) && m.n < at+size {
			return match{}
		}
		// Only the session flag, then a code: to version 3.1.1 below 6, in 5 one
		// from 0x80 and properties.
		if size < 2 || len(b) < at+2 || b[at]&^1 != 0 {
			return match{}
		}
		if size == 2 && b[at+1] > 5 || size > 2 && (b[at+1] != 0 && b[at+1] < 0x80 || len(b) > at+2 && int(b[at+2]) != size-3) {
			return match{}
		}
		return match{protocol: MQTT, strength: Likely, sender: server, reason: reasonMQTTConnack}
	case mqttSubscribe:
		if size < 6 || len(b) < at+size {
			return match{}
		}
		// In version 5 properties come first, mostly none: one byte of zero.
		body := b[at+2 : at+size]
		if mqttFilters(body, 2) || body[0] == 0 && mqttFilters(body[1:], 0x2e) {
			return match{protocol: MQTT, strength: Likely, sender: client, reason: reasonMQTTSubscribe}
		}
	}
	return match{}
}

// mqttFilters reports whether b is a list of topic filters, each followed by
// options, the highest of which is given.
func mqttFilters(b []byte, highest byte) bool {
	for at := 0; at < len(b); {
		if at+3 > len(b) {
			return false
		}
		end := at + 2 + be16(b[at:])
		if end == at+2 || end >= len(b) || !printable(b[at+2:end]) || b[end] > highest {
			return false
		}
		at = end + 1
	}
	return len(b) > 0
}

// mqttOpen recognises CONNECT: version 3.1 calls itself MQIsdp, later ones
// MQTT.
func mqttOpen(b []byte, size, at int) match {
	if size < 12 || len(b) < at+8 {
		return match{}
	}
	level := 0
	switch {
	case hasPrefix(b[at:], "\x00\x04MQTT"):
		if level = int(b[at+6]); level != 4 && level != 5 {
			return match{}
		}
		at += 7
	case hasPrefix(b[at:], "\x00\x06MQIsdp"):
		if len(b) < at+10 {
			return match{}
		}
		if level = int(b[at+8] & 0x7f); level != 3 {
			return match{}
		}
		at += 9
	default:
		return match{}
	}
	if b[at]&1 != 0 || b[at]>>3&3 == 3 { // the reserved flag, and a will's QoS
		return match{}
	}
	return match{protocol: MQTT, strength: Full, sender: client, reason: reasonMQTTConnect}
}

// mqttLength reads the remaining length; bytes is 0 where there is none.
func mqttLength(b []byte) (n, bytes int) {
	for bytes < len(b) && bytes < 4 {
		c := b[bytes]
		n |= int(c&0x7f) << (7 * bytes)
		bytes++
		if c < 0x80 {
			if bytes > 1 && c == 0 {
				return 0, 0 // longer than need be
			}
			return n, bytes
		}
	}
	return 0, 0
}

// NATS: lines of text (NATS documentation, "NATS Client Protocol").
const (
	reasonNATSInfo    = "NATS INFO with the server's identifier"
	reasonNATSConnect = "NATS CONNECT with its options"
	reasonNATSMessage = "NATS message: length fits"
)

// findNATS recognises what a connection begins with: INFO from the server,
// CONNECT from the client, each with a JSON object; and a message.
func findNATS(m *message) match {
	b := m.b
	switch {
	case hasPrefixFold(b, "INFO {"):
		l, _, _ := line(b)
		for i := 6; i < len(l); i++ {
			if hasPrefix(l[i:], `"server_id"`) {
				return match{protocol: NATS, strength: Full, sender: server, reason: reasonNATSInfo}
			}
			if l[i] < ' ' {
				return match{}
			}
		}
		return match{protocol: NATS, strength: Likely, sender: server, reason: reasonNATSInfo}
	case hasPrefixFold(b, "CONNECT {"):
		l, _, _ := line(b)
		for i := 8; i < len(l); i++ {
			if hasPrefix(l[i:], `"verbose"`) || hasPrefix(l[i:], `"pedantic"`) || hasPrefix(l[i:], `"tls_required"`) || hasPrefix(l[i:], `"protocol"`) {
				return match{protocol: NATS, strength: Full, sender: client, reason: reasonNATSConnect}
			}
			if l[i] < ' ' {
				return match{}
			}
		}
		return match{protocol: NATS, strength: Likely, sender: client, reason: reasonNATSConnect}
	case hasPrefixFold(b, "PUB "), hasPrefixFold(b, "MSG "):
		l, next, whole := line(b)
		if !whole || !printable(l) {
			return match{}
		}
		digits := 0
		for digits < len(l) && isDigit(l[len(l)-1-digits]) {
			digits++
		}
		if digits == 0 || digits > 7 || l[len(l)-1-digits] != ' ' {
			return match{}
		}
		n, _ := decimal(l[len(l)-digits:])
		end := next + n
		if end+2 > len(b) || b[end] != '\r' || b[end+1] != '\n' {
			return match{}
		}
		found := match{protocol: NATS, strength: Full, sender: client, reason: reasonNATSMessage}
		if b[0] == 'M' || b[0] == 'm' {
			found.sender = server
		}
		return found
	}
	return match{}
}
