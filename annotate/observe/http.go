package observe

// HTTP/1 (RFC 9112), SIP (RFC 3261), RTSP (RFC 7826, RFC 2326) and SSDP (UPnP
// Device Architecture 2.0, section 1) begin with a line of the same shape,
// which names the protocol.

const (
	reasonHTTPRequest   = "HTTP request line"
	reasonHTTPResponse  = "HTTP status line"
	reasonHTTPOld       = "HTTP/0.9 request"
	reasonHTTPLongLine  = "start of an HTTP request line"
	reasonSIPRequest    = "SIP request line"
	reasonSIPResponse   = "SIP status line"
	reasonRTSPRequest   = "RTSP request line"
	reasonRTSPResponse  = "RTSP status line"
	reasonSSDPSearch    = "SSDP M-SEARCH request"
	reasonSSDPNotify    = "SSDP NOTIFY request"
	reasonSSDPResponse  = "HTTP status line in a datagram"
	reasonHTTP2Preface  = "HTTP/2 connection preface"
	reasonHTTP2Settings = "HTTP/2 SETTINGS frame"
)

const http2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" // RFC 9113 section 3.4

// maxMethod bounds the first word of a request; the longest registered one is
// UPDATEREDIRECTREF.
const maxMethod = 24

// findStartLine recognises requests and responses by their first line.
func findStartLine(m *message) match {
	b := m.b
	if found, ok := statusLine(m); ok {
		return found
	}
	space := 0
	for space < len(b) && space <= maxMethod && (b[space] >= 'A' && b[space] <= 'Z' || b[space] == '-' || b[space] == '_') {
		space++
	}
	if space < 2 || space+2 >= len(b) || b[space] != ' ' || space > maxMethod {
		return match{}
	}
	method := b[:space]
	l, next, whole := line(b)
	if !whole {
		return longRequest(m, method, l)
	}
	for len(l) > 0 && l[len(l)-1] == ' ' { // as some devices send
		l = l[:len(l)-1]
	}
	if len(l) < space+9 {
		return oldRequest(m, method, l)
	}
	headers := b[next:]
	switch version := l[space+1:]; {
	case requestVersion(version, " HTTP/1."):
		if string(method) == "PRI" {
			return match{}
		}
		if m.udp {
			return ssdpRequest(m, method)
		}
		found := match{protocol: HTTP, strength: Full, sender: client, reason: reasonHTTPRequest}
		found.upgrade = string(method) == "CONNECT" || header(headers, "UPGRADE:").len > 0
		if h := header(headers, "HOST:"); h.len > 0 {
			found.name = span{next + h.off, h.len}
		}
		return found
	case requestVersion(version, " HTTP/2."):
		if m.stream && hasPrefix(b, http2Preface[:min(len(b), len(http2Preface))]) && len(b) >= 16 {
			return match{protocol: HTTP2, strength: Full, sender: client, reason: reasonHTTP2Preface}
		}
	case requestVersion(version, " SIP/2."):
		return match{protocol: SIP, strength: Full, sender: sipRole(method, client), reason: reasonSIPRequest}
	case requestVersion(version, " RTSP/1.") || requestVersion(version, " RTSP/2."):
		return match{protocol: RTSP, strength: Full, sender: rtspRole(method), reason: reasonRTSPRequest}
	}
	return oldRequest(m, method, l)
}

// requestVersion reports whether a request line ends in a version: what is
// asked for and one digit stand around it.
func requestVersion(rest []byte, version string) bool {
	n := len(rest) - len(version) - 1
	return n > 0 && isDigit(rest[len(rest)-1]) && string(rest[n:len(rest)-1]) == version
}

// longRequest judges a request line whose end was cut off or has not been
// seen: the methods that carry long targets are told by those.
func longRequest(m *message, method, l []byte) match {
	if !m.stream && !m.cut() {
		return match{}
	}
	target := l[len(method)+1:]
	switch string(method) {
	case "GET", "POST", "HEAD", "PUT", "DELETE", "PATCH":
	default:
		return match{}
	}
	if !m.stream || !(target[0] == '/' || hasPrefixFold(target, "HTTP")) || !printable(target) {
		return match{}
	}
	return match{protocol: HTTP, strength: Likely, sender: client, reason: reasonHTTPLongLine}
}

// oldRequest recognises "GET /path", as HTTP had it before versions.
func oldRequest(m *message, method, l []byte) match {
	if m.stream && string(method) == "GET" && l[min(4, len(l)-1)] == '/' && printable(l) {
		return match{protocol: HTTP, strength: Likely, sender: client, reason: reasonHTTPOld}
	}
	return match{}
}

// statusLine recognises responses: protocol, version, three digits.
func statusLine(m *message) (match, bool) {
	b := m.b
	var found match
	at := 0
	switch {
	case hasPrefix(b, "HTTP/1."):
		at = 8
		found = match{protocol: HTTP, reason: reasonHTTPResponse}
		if m.udp {
			found = match{protocol: SSDP, reason: reasonSSDPResponse}
		}
	case hasPrefix(b, "SIP/2."):
		at = 7
		found = match{protocol: SIP, reason: reasonSIPResponse}
	case hasPrefix(b, "RTSP/1."), hasPrefix(b, "RTSP/2."):
		at = 8
		found = match{protocol: RTSP, reason: reasonRTSPResponse}
	default:
		return match{}, false
	}
	found.strength, found.sender = Likely, server
	if len(b) >= at+4 {
		if !isDigit(b[at-1]) || b[at] != ' ' || !isDigit(b[at+1]) || !isDigit(b[at+2]) || !isDigit(b[at+3]) {
			return match{}, true
		}
		found.strength = Full
	}
	switch found.protocol {
	case HTTP:
		found.upgrade = len(b) >= at+4 && string(b[at+1:at+4]) == "101"
	case SIP:
		found.sender = either
		if c := header(b, "CSEQ:"); c.len > 0 {
			v := b[c.off : c.off+c.len]
			for len(v) > 0 && (isDigit(v[0]) || v[0] == ' ') {
				v = v[1:]
			}
			found.sender = sipRole(v, server)
		}
	case RTSP:
		found.sender = either
		for _, name := range [...]string{"PUBLIC:", "TRANSPORT:", "CONTENT-BASE:", "RTP-INFO:", "WWW-AUTHENTICATE:"} {
			if header(b, name).len > 0 {
				found.sender = server
			}
		}
	}
	return found, true
}

// rtspRole gives who sends a request. Servers send requests too: to go
// elsewhere, to announce, or to see whether the client is still there (RFC 2326
// section 10, RFC 7826 section 13).
func rtspRole(method []byte) role {
	switch string(method) {
	case "DESCRIBE", "SETUP", "PLAY", "PAUSE", "RECORD":
		return client
	case "REDIRECT", "PLAY_NOTIFY":
		return server
	}
	return either
}

// sipRole gives who, the role of a message's sender, for the methods that user
// agents send to the server they belong to. The others go both ways over one
// flow: a call comes in as an INVITE from the server.
func sipRole(method []byte, who role) role {
	switch string(method) {
	case "REGISTER", "SUBSCRIBE", "PUBLISH":
		return who
	}
	return either
}

// ssdpRequest recognises the requests that SSDP sends in datagrams. NOTIFY
// comes from a device, which is a server, but goes to a group.
func ssdpRequest(m *message, method []byte) match {
	switch string(method) {
	case "M-SEARCH":
		return match{protocol: SSDP, strength: Full, sender: client, reason: reasonSSDPSearch}
	case "NOTIFY":
		return match{protocol: SSDP, strength: Full, reason: reasonSSDPNotify}
	}
	return match{}
}

// header gives the value of the first header field of that name, which ends in
// a colon and is in upper case; it looks no further than the empty line. b
// begins with a line.
func header(b []byte, name string) span {
	off := 0
	for off < len(b) {
		l, next, whole := line(b[off:])
		if len(l) == 0 {
			return span{}
		}
		if whole && hasPrefixFold(l, name) {
			v := len(name)
			for v < len(l) && (l[v] == ' ' || l[v] == '\t') {
				v++
			}
			return span{off + v, len(l) - v}
		}
		off += next
	}
	return span{}
}

// findHTTP2 recognises a server's first frame (RFC 9113 section 6.5): SETTINGS
// on stream 0, with a length that settings of 6 bytes fill.
func findHTTP2(m *message) match {
	b := m.b
	size := be24(b)
	if b[3] != 4 || b[4] > 1 || be32(b[5:]) != 0 || size%6 != 0 || size > 32*6 || b[4] == 1 && size != 0 {
		return match{}
	}
	for at := 9; at+6 <= 9+size && at+6 <= len(b); at += 6 {
		if id := be16(b[at:]); id == 0 || id > 16 && id&0x0f0f != 0x0a0a { // registered, or reserved to be ignored
			return match{}
		}
	}
	found := match{protocol: HTTP2, strength: Full, reason: reasonHTTP2Settings}
	if size == 0 {
		found.strength = Likely
	}
	return found
}
