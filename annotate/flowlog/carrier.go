package flowlog

import (
	"bytes"
)

// A line of text is a record with what others put before it: a syslog header of
// RFC 3164 or RFC 5424, the time stamp of an export, the name of the program.
// Where the record begins cannot always be told from the header alone ("Sep 14
// 09:00:00 fw1 date=2026-09-14 …" has no name of a program), so every place where
// a part of a header ends is one where a record may begin.

// header is what stands before a record.
type header struct {
	begins [12]int // where a record may begin, in ascending order
	n      int
	tag    []byte // the program, without its process number; nil if there is none
	known  bool   // there is a time stamp or a priority
	free   int    // behind these, and behind the program: a user's own text may begin here
}

func (h *header) begin(at int) {
	if h.n > 0 && h.begins[h.n-1] == at {
		return
	}
	if h.n < len(h.begins) {
		h.begins[h.n] = at
		h.n++
	}
}

// read reads the header of a line.
func (h *header) read(line []byte) {
	h.n, h.tag, h.known, h.free = 0, nil, false, 0
	i := 0
	if bytes.HasPrefix(line, bom) {
		i = len(bom)
	}
	i = skipBlank(line, i)
	h.begin(i)
	if at := priority(line, i); at > i {
		i, h.known = skipBlank(line, at), true
		h.begin(i)
		if bytes.HasPrefix(line[i:], []byte("1 ")) {
			if h.structured(line, i+2) {
				return
			}
			if at := epoch(line, i+2); at > 0 { // Cisco Meraki: "<134>1 1789376400.123456789 MX1 flows src=…"
				h.begin(at)
				h.program(line, at)
				return
			}
		}
	} else if bytes.HasPrefix(line[i:], []byte("1 ")) && stamp(line, i+2) > 0 {
		if h.structured(line, i+2) {
			return
		}
	}
	if end := wordEnd(line, i); !h.known && end > i && stamp(line, i) == 0 && isAddr(line[i:end]) { // a relay puts the sender before all else
		at := skipBlank(line, end)
		if after := priority(line, at); after > at {
			at, h.known = skipBlank(line, after), true
		}
		h.begin(at)
		i = at
	}
	i = h.stamps(line, i)
	h.free = i
	h.program(line, i)
}

// stamps steps over a time stamp, and over a priority in words that FreeBSD's
// syslogd puts behind it: "<local0.info>".
func (h *header) stamps(line []byte, i int) int {
	from := i
	if i < len(line) && (line[i] == '*' || line[i] == '.') { // Cisco's clock is not set, or not by NTP
		from++
	}
	at := stamp(line, from)
	if at == 0 {
		return i
	}
	h.known = true
	if at < len(line) && line[at] == ':' {
		at++
	}
	i = skipBlank(line, at)
	if i < len(line) && line[i] == '<' {
		if end := wordEnd(line, i); line[end-1] == '>' && bytes.IndexByte(line[i:end], '.') > 0 {
			i = skipBlank(line, end)
		}
	}
	h.begin(i)
	return i
}

// structured reads the rest of a header of RFC 5424 section 6, behind the
// version.
func (h *header) structured(line []byte, i int) bool {
	if i < len(line) && line[i] == '-' {
		i++
	} else if i = stamp(line, i); i == 0 {
		return false
	}
	h.known = true
	for n := range 4 { // HOSTNAME, APP-NAME, PROCID, MSGID
		if i >= len(line) || line[i] != ' ' {
			return false
		}
		from := i + 1
		end := wordEnd(line, from)
		if n == 1 && string(line[from:end]) != "-" {
			h.tag = line[from:end]
		}
		i = end
	}
	i = skipBlank(line, i)
	h.begin(i) // some leave the structured data out
	if i < len(line) && line[i] == '-' {
		i++
	} else {
		for i < len(line) && line[i] == '[' {
			quoted := false
			if id := wordEnd(line, i); id < len(line) && line[id] == ' ' {
				h.begin(id + 1) // some have the record here: "[junos@2636.1.1.1.2.129 source-address=…]"
			}
			for i++; i < len(line) && (quoted || line[i] != ']'); i++ {
				if line[i] == '\\' {
					i++
				} else if line[i] == '"' {
					quoted = !quoted
				}
			}
			if i++; i > len(line) {
				return true
			}
		}
	}
	i = skipBlank(line, i)
	if bytes.HasPrefix(line[min(i, len(line)):], bom) {
		i += len(bom)
	} else if i < len(line) && line[i] == '?' { // a byte-order mark that was made ASCII
		h.begin(i)
		i++
	}
	h.begin(i)
	h.free = i
	h.rest(line, i)
	return true
}

// program reads the host and the name of the program, each of which may be
// missing.
func (h *header) program(line []byte, i int) {
	for words := 0; words < 3; words++ {
		if i < len(line) && line[i] == '(' { // WatchGuard: "fw1 SERIAL (2026-09-14T09:00:00) firewall: msg_id=…"
			if at := stamp(line, i+1); at > 0 && at < len(line) && line[at] == ')' {
				i = skipBlank(line, at+1)
			}
		}
		end := wordEnd(line, i)
		word := line[i:end]
		if len(word) == 0 || len(word) > 64 || bytes.ContainsAny(word, "={}\"<>%|,") {
			break
		}
		if n := len(word); n > 1 && word[n-1] == ':' || n > 3 && word[n-1] == ']' && bytes.IndexByte(word, '[') > 0 {
			h.name(word)
			i = skipBlank(line, end)
			h.begin(i)
			h.free = i
			break
		}
		if !h.known {
			break // a first word is only a host behind a time stamp
		}
		i = skipBlank(line, end)
		h.begin(i)
		if bytes.HasPrefix(line[i:], []byte("1 ")) { // a relay's header before the one of a Meraki
			if at := epoch(line, i+2); at > 0 {
				i = at
				h.begin(i)
				words = -1
			}
		}
		if at := stamp(line, i); at > 0 { // a relay's header before another one
			i = skipBlank(line, at)
			h.begin(i)
		}
		if i < len(line) && line[i] == ':' { // "asa1 : %ASA-…"
			i = skipBlank(line, i+1)
			h.begin(i)
			break
		}
	}
	h.rest(line, i)
}

// name keeps the name of a program: "kernel:", "filterlog[123]:".
func (h *header) name(word []byte) {
	word = bytes.TrimSuffix(word, []byte{':'})
	if i := bytes.IndexByte(word, '['); i > 0 {
		word = word[:i]
	}
	h.tag = word
}

// rest reads what may stand behind the header: the kernel's own time stamp, that
// of Cisco IOS ("*Sep 14 09:00:00.123: "), the cookie of CEE.
func (h *header) rest(line []byte, i int) {
	// Cisco has a number, the host and another number: "585917: gw1: 29391555: …".
	for at, n := i, 0; h.tag != nil && n < 3; n++ {
		end := wordEnd(line, at)
		if end-at < 2 || end-at > 64 || line[end-1] != ':' || !isHost(line[at:end-1]) {
			break
		}
		at = skipBlank(line, end)
		h.begin(at)
		if stamp(line, at) > 0 {
			i = at
		}
	}
	if end := wordEnd(line, i); h.tag != nil && end-i <= 10 && isHex(line[i:end]) { // of the filter: "dfwpktlogs: 8123 INET match …"
		h.begin(skipBlank(line, end))
	}
	if h.tag != nil && i < len(line) {
		from := i
		if line[i] == '*' || line[i] == '.' { // the clock is not set, or not by NTP
			from++
		}
		if at := stamp(line, from); at > 0 && at < len(line) {
			if zone := wordEnd(line, at+1); line[at] == ' ' && zone-at < 8 && line[zone-1] == ':' {
				at = zone - 1
			}
			if line[at] == ':' {
				i, h.known = skipBlank(line, at+1), true
				h.begin(i)
			}
		}
	}
	if i < len(line) && line[i] == '[' {
		end := i + 1
		for end < len(line) && (line[end] == ' ' || line[end] == '.' || line[end]-'0' <= 9) {
			end++
		}
		if end < len(line) && line[end] == ']' && end > i+1 {
			i = skipBlank(line, end+1)
			h.begin(i)
			h.known = true
		}
	}
	if i < len(line) && line[i] == '[' { // UniFi: `[WAN_LOCAL-D-2147483647] DESCR="Block All" IN=eth8 …`
		if name, text, ok := bytes.Cut(line[i:], []byte("] DESCR=\"")); ok && isHost(name[1:]) {
			if end := bytes.IndexByte(text, '"'); end >= 0 {
				h.begin(skipBlank(line, len(line)-len(text)+end+1))
			}
		}
	}
	if bytes.HasPrefix(line[i:], []byte("%%")) { // Huawei and H3C: "%%01POLICY/6/POLICYPERMIT(l):vsys=public, …"
		if at := bytes.IndexByte(line[i:], ':'); at > 0 {
			at = skipBlank(line, i+at+1)
			if bytes.HasPrefix(line[at:], []byte("CID=")) { // a number, which a semicolon parts from the pairs
				if end := wordEnd(line, at); line[end-1] == ';' {
					at = skipBlank(line, end)
				}
			}
			h.begin(at)
		}
	}
	if rest, ok := bytes.CutPrefix(line[i:], []byte("@cee:")); ok {
		h.begin(skipBlank(line, len(line)-len(rest)))
	}
}

// isHost reports letters, digits, and what stands in the names of hosts.
func isHost(word []byte) bool {
	for _, c := range word {
		if !wordByte(c) && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// isAddr reports an address.
func isAddr(word []byte) bool {
	colons, dots := 0, 0
	for _, c := range word {
		switch {
		case c == ':':
			colons++
		case c == '.':
			dots++
		case c-'0' > 9 && c|0x20-'a' > 5:
			return false
		}
	}
	return (dots == 3 && colons == 0 || colons > 1) && parseAddr(word).IsValid()
}

func isHex(word []byte) bool {
	for _, c := range word {
		if c-'0' > 9 && c-'a' > 5 {
			return false
		}
	}
	return len(word) > 0
}

func skipBlank(line []byte, i int) int {
	for i < len(line) && (line[i] == ' ' || line[i] == '\t') {
		i++
	}
	return i
}

func wordEnd(line []byte, i int) int {
	for i < len(line) && line[i] != ' ' && line[i] != '\t' {
		i++
	}
	return i
}

// priority steps over "<134>".
func priority(line []byte, i int) int {
	if i >= len(line) || line[i] != '<' {
		return i
	}
	at := i + 1
	for at < len(line) && line[at]-'0' <= 9 {
		at++
	}
	if at == i+1 || at > i+4 || at == len(line) || line[at] != '>' {
		return i
	}
	return at + 1
}

// stamp steps over a time stamp, whose zone is not read: "Sep 14 09:00:00", with a
// year or a fraction or without, a date of RFC 3339, RouterOS's
// "sep/14/2026 09:00:00" and "09:00:00", NetScaler's "09/14/2026:09:00:00 GMT",
// Snort's "09/14-09:00:00". It gives 0 if there is none.
func stamp(line []byte, i int) int {
	if len(line)-i < len("09:00:00") {
		return 0
	}
	at := i
	switch {
	case line[at]-'0' <= 9 && line[at+2] == ':':
		at = clock(line, at)
	case line[at]-'0' <= 9 && line[at+2] == '/': // 09/14/2026:09:00:00, 09/14-09:00:00
		if at += 5; line[at] == '/' {
			at += 5
		}
		if at >= len(line) || line[at] != ':' && line[at] != '-' {
			return 0
		}
		at = clock(line, at+1)
	case line[at]-'0' <= 9: // 2026-09-14T09:00:00, with a space for the T
		if len(line)-at < 19 || line[at+4] != '-' || line[at+7] != '-' || line[at+10] != 'T' && line[at+10] != ' ' {
			return 0
		}
		if at = clock(line, at+11); at == 0 {
			return 0
		}
		switch {
		case at < len(line) && line[at] == 'Z':
			at++
		case len(line)-at >= 5 && (line[at] == '+' || line[at] == '-') && line[at+1]-'0' <= 9:
			at += 5
			if line[at-2] == ':' {
				at++
			}
		}
		return min(at, len(line))
	case !isMonth(line[at:at+3]) || len(line)-at < len("Jan  1 00:00:00"):
		return 0
	case line[at+3] == '/' && line[at+4]-'0' <= 3: // sep/14 09:00:00, sep/14/2026 09:00:00
		if end := wordEnd(line, at); end-at <= len("sep/14/2026") {
			at = clock(line, skipBlank(line, end))
		}
	case line[at+3] != ' ' || line[at+4] != ' ' && line[at+4]-'0' > 3 || line[at+5]-'0' > 9 && line[at+5] != ' ':
		return 0
	default:
		at = skipBlank(line, at+4)
		at = skipBlank(line, wordEnd(line, at))
		if len(line)-at > 4 && line[at+4] == ' ' && line[at]-'0' <= 9 { // a year before the time
			at += 5
		}
		at = clock(line, at)
		if at > 0 && len(line)-at > 5 && line[at] == ' ' && (line[at+1] == '2') && line[at+2] == '0' && line[at+3]-'0' <= 9 && line[at+4]-'0' <= 9 && line[at+5] == ' ' {
			at += 5 // a year behind it
		}
	}
	if at > 0 && at < len(line) && line[at] == ' ' && isZone(line[at+1:wordEnd(line, at+1)]) {
		at = wordEnd(line, at+1)
	}
	return at
}

// isZone reports the name of a time zone.
func isZone(word []byte) bool {
	switch string(word) {
	case "UTC", "GMT", "CET", "CEST", "EET", "EEST", "WET", "WEST", "BST", "IST", "EST", "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT", "JST":
		return true
	}
	return false
}

// epoch steps over seconds since the epoch with a fraction, and the space behind
// them; 0 if there are none.
func epoch(line []byte, i int) int {
	end := wordEnd(line, i)
	whole, fraction, ok := bytes.Cut(line[i:end], []byte{'.'})
	if _, number := parseUint(whole, 1<<40); !ok || !number || len(whole) < 9 || len(fraction) == 0 || end == len(line) {
		return 0
	}
	return end + 1
}

// clock steps over "09:00:00" and a fraction; 0 if there is none.
func clock(line []byte, i int) int {
	if len(line)-i < 8 || line[i]-'0' > 9 || line[i+2] != ':' || line[i+5] != ':' || line[i+7]-'0' > 9 {
		return 0
	}
	i += 8
	if i < len(line) && (line[i] == '.' || line[i] == ',') {
		for i++; i < len(line) && line[i]-'0' <= 9; i++ {
		}
	}
	return i
}

// twoPorts reports whether a text seems to have two ports: numbers behind
// addresses, or behind a word that ends in "port", "pt" or "prt".
func twoPorts(text []byte) bool {
	n := 0
	for i := 0; i < len(text); i++ {
		if text[i]-'0' > 9 || i > 0 && (text[i-1]-'0' <= 9 || text[i-1] == '.') {
			continue
		}
		// A number begins here.
		end := i
		for end < len(text) && text[end]-'0' <= 9 {
			end++
		}
		if end < len(text) && text[end] == '.' { // perhaps an address
			for end < len(text) && (text[end]-'0' <= 9 || text[end] == '.') {
				end++
			}
			if !parseAddr(text[i:end]).IsValid() || end+1 >= len(text) {
				i = end
				continue
			}
			port := end + 1
			switch text[end] {
			case '/', '(', ':', '.', '#', ',':
			case ' ':
				if bytes.HasPrefix(text[port:], []byte("port ")) {
					port += 5
				} else {
					i = end
					continue
				}
			default:
				i = end
				continue
			}
			to := port
			for to < len(text) && text[to]-'0' <= 9 {
				to++
			}
			if _, ok := parsePort(text[port:to]); ok && to-port < 6 && (to == len(text) || text[to] != '.' || text[end] != ',') {
				n++
			}
			i = max(to, end)
		} else {
			if _, ok := parsePort(text[i:end]); ok && i > 3 && portWord(text[:i]) {
				n++
			}
			i = end
		}
		if n == 2 {
			return true
		}
	}
	return false
}

// portWord reports whether a text ends in a word for a port and one byte that
// parts it from the number: "SPT=", "srcport: ".
func portWord(b []byte) bool {
	b = bytes.TrimRight(b, " \"")
	if n := len(b); n > 0 && (b[n-1] == '=' || b[n-1] == ':') {
		b = b[:n-1]
	}
	b = bytes.TrimRight(b, " \"")
	n := len(b)
	return n >= 4 && equalFold("port", b[n-4:]) || n >= 3 && (equalFold("spt", b[n-3:]) || equalFold("dpt", b[n-3:]) || equalFold("prt", b[n-3:]))
}

func isMonth(b []byte) bool {
	month := [3]byte{b[0] &^ 0x20, b[1], b[2]}
	switch string(month[:]) {
	case "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec":
		return true
	}
	return false
}
