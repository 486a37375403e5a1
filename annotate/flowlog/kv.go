package flowlog

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/internal/ascii"
	"github.com/portannot/portannot/capture/flow"
)

// This file reads the syslog messages of firewalls: netfilter, FortiGate, Cisco
// ASA, whose lines are pairs "key=value" or sentences, and get pairs at their
// end; and PAN-OS, whose messages are CSV without a header, and get columns.
// Such logs are mixed: lines of other events pass as they are.

// anyLine reports whether one of the first lines of a sample is as wanted.
func anyLine(sample []byte, is func(line []byte) bool) bool {
	n := 0
	for line := range bytes.Lines(sample) {
		if is(trimEnd(line)) {
			return true
		}
		if n++; n == 1000 {
			break
		}
	}
	return false
}

func containsAll(line []byte, parts ...string) bool {
	for _, p := range parts {
		if !bytes.Contains(line, []byte(p)) {
			return false
		}
	}
	return true
}

// pairStyle is how pairs are written.
type pairStyle struct {
	quoted bool     // all values but numbers; otherwise those with a space
	begin  [][]byte // how our pairs begin, in each version of the record
	end    []byte   // and end
}

func newPairStyle(quoted bool) *pairStyle {
	s := &pairStyle{quoted: quoted, begin: [][]byte{[]byte(" portannot.service.side="), []byte(" portannot.side=")}}
	s.end = s.pair(nil, "caveat", iana.Caveat)
	return s
}

var (
	plainPairs  = newPairStyle(false)
	quotedPairs = newPairStyle(true)
)

// pair appends a pair, unless it has no value, which it does not keep.
func (s *pairStyle) pair(dst []byte, key, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(append(append(dst, " portannot."...), key...), '=')
	if !s.quoted && !strings.ContainsAny(value, " \"") {
		return append(dst, value...)
	}
	dst = append(dst, '"')
	for i := range len(value) {
		c := value[i]
		if c == '"' || c == '\\' {
			c = '\''
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}

// pairs appends the annotation as pairs, a space before each, by the names of
// the columns and in their order. Those without a value are left out.
func (s *pairStyle) pairs(dst []byte, n *notes) []byte {
	a := &n.annotation
	e := a.ServiceEntry()
	dst = s.pair(dst, "service.side", a.Service.Side.String())
	if e != nil {
		dst = ascii.AppendUint(append(dst, " portannot.service.port="...), uint64(e.Port))
	}
	dst = s.pair(dst, "service.reason", a.Service.Reason.String())
	dst = s.pair(dst, "service.confidence", a.Service.Confidence.String())
	dst = s.pair(dst, "note", a.Note.String())
	if e != nil {
		dst = s.pair(dst, "registered.status", e.Status.String())
		dst = s.pair(dst, "registered.name", e.Name())
		if e.NumNames() > 1 {
			dst = s.pair(dst, "registered.names", n.names(e))
		}
		dst = s.pair(dst, "registered.unauthorized_use", e.Unauthorized())
		gone, _ := e.Deassigned()
		dst = s.pair(dst, "registered.deassigned.date", gone.Date)
		dst = s.pair(dst, "registered.deassigned.name", gone.FormerName)
		dst = s.pair(dst, "registered.siblings", n.siblings(e))
	}
	if a.RegisteredLater {
		dst = s.pair(dst, "registered_after_traffic", "true")
	}
	if !a.NoSourcePort {
		dst = s.pair(dst, "source_registered.status", a.Source.Status.String())
		dst = s.pair(dst, "source_registered.name", a.Source.Name())
	}
	if !a.NoDestinationPort {
		dst = s.pair(dst, "destination_registered.status", a.Destination.Status.String())
		dst = s.pair(dst, "destination_registered.name", a.Destination.Name())
	}
	dst = s.pair(dst, "local", a.Local())
	dst = s.pair(dst, "registry.edition", n.edition)
	dst = append(dst, " portannot.schema="+schemaText...)
	return append(dst, s.end...)
}

// find finds an earlier annotation at the end of the line, and sets where the
// new one goes.
func (s *pairStyle) find(r *Record) {
	if !bytes.HasSuffix(r.Line, s.end) {
		return
	}
	last := -1
	for _, begin := range s.begin {
		last = max(last, bytes.LastIndex(r.Line, begin))
	}
	if last >= 0 {
		r.cut, r.insert = span{last, len(r.Line)}, last
	}
}

// pairLog is a log whose lines get pairs.
type pairLog struct {
	style *pairStyle
	// read reads the line, which has no annotation.
	read func(r *Record, line []byte)
}

func (l *pairLog) parse(r *Record) {
	l.style.find(r)
	l.read(r, r.Line[:r.insert])
}

func (l *pairLog) append(dst []byte, r *Record, n *notes) []byte {
	return r.appendAfter(l.style.pairs(r.appendBefore(dst), n))
}

// Netfilter's LOG target (iptables, nftables) writes, after a prefix of the
// user's own:
//
//	IN=eth0 OUT= MAC=… SRC=192.0.2.1 DST=192.0.2.2 LEN=60 … PROTO=TCP SPT=50123 DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0
//
// Each line is one packet, so SYN and ACK are those of that packet. ICMP
// errors have the packet they quote in brackets, with the same keys. Later
// fragments and truncated packets ("INCOMPLETE") have no ports.
var netfilter = format{
	name:   "netfilter",
	about:  "netfilter LOG lines (iptables, nftables, ufw)",
	reads:  "PROTO SRC DST SPT DPT, SYN and ACK",
	adds:   "key=value pairs at the end",
	detect: func(sample []byte) bool { return anyLine(sample, isNetfilter) },
	start:  func(*Options, []byte) (layout, error) { return &pairLog{plainPairs, readNetfilter}, nil },
}

func isNetfilter(line []byte) bool {
	return containsAll(line, "IN=", " OUT=", " SRC=", " DST=", " PROTO=")
}

func readNetfilter(r *Record, line []byte) {
	begin := bytes.Index(line, []byte("IN="))
	if begin < 0 || !bytes.Contains(line[begin:], []byte(" SRC=")) {
		return
	}
	line = line[begin:]
	if i := bytes.Index(line, []byte(" [SRC=")); i >= 0 {
		line = line[:i]
	}
	var protocol, src, dst, sp, dp []byte
	var flags uint64
	for len(line) > 0 {
		word := line
		if i := bytes.IndexByte(line, ' '); i >= 0 {
			word, line = line[:i], line[i+1:]
		} else {
			line = nil
		}
		key, value, ok := bytes.Cut(word, []byte{'='})
		switch {
		case ok && string(key) == "SRC" && src == nil:
			src = value
		case ok && string(key) == "DST" && dst == nil:
			dst = value
		case ok && string(key) == "PROTO" && protocol == nil:
			protocol = value
		case ok && string(key) == "SPT" && sp == nil:
			sp = value
		case ok && string(key) == "DPT" && dp == nil:
			dp = value
		case dp != nil && string(word) == "SYN":
			flags |= tcpSYN
		case dp != nil && string(word) == "ACK":
			flags |= tcpACK
		}
	}
	if protocol == nil || dst == nil {
		r.bad("no PROTO or no DST", nil)
		return
	}
	r.flow()
	if !r.readProtocol(protocol, sp, dp) {
		if r.Kind == Other {
			r.bad(badProtocol, protocol)
		}
		return
	}
	r.readEnds(src, dst, sp, dp)
	if r.Flow.Protocol == 6 {
		r.Flow.Opening = openingOfPacket(flags)
	}
}

// FortiGate writes pairs, text in quotes:
//
//	date=2026-09-14 time=09:00:00 devname="fw" logid="0000000013" type="traffic" subtype="forward" eventtime=1789376400123456789
//	srcip=192.0.2.10 srcport=50123 dstip=198.51.100.20 dstport=443 proto=6 …
//
// In traffic logs srcip is the end that opened the session. In others, of an
// attack or a virus, it is the end that sent it, which is no role.
var fortigate = format{
	name:  "fortigate",
	about: "FortiGate logs, key=value",
	reads: "type proto srcip dstip srcport dstport eventtime",
	adds:  "key=\"value\" pairs at the end",
	detect: func(sample []byte) bool {
		return anyLine(sample, func(line []byte) bool {
			return containsAll(line, "type=", "srcip=", "dstip=") &&
				(containsAll(line, "logid=") || containsAll(line, "devname=") || containsAll(line, "devid="))
		})
	},
	start: func(*Options, []byte) (layout, error) { return &pairLog{quotedPairs, readFortigate}, nil },
}

func readFortigate(r *Record, line []byte) {
	var protocol, src, dst, sp, dp, kind, when []byte
	for at := 0; at < len(line); {
		eq := at
		for eq < len(line) && line[eq] != '=' && line[eq] != ' ' {
			eq++
		}
		if eq == len(line) {
			break
		}
		if line[eq] == ' ' { // of the syslog header
			at = eq + 1
			continue
		}
		key := line[at:eq]
		value, next, ok := quotedValue(line, eq+1)
		if !ok {
			r.bad("a quoted value does not end", line[at:])
			return
		}
		at = next
		var to *[]byte
		switch string(key) {
		case "srcip":
			to = &src
		case "dstip":
			to = &dst
		case "srcport":
			to = &sp
		case "dstport":
			to = &dp
		case "proto":
			to = &protocol
		case "type":
			to = &kind
		case "eventtime":
			to = &when
		default:
			continue
		}
		if *to == nil {
			*to = value
		}
	}
	if src == nil && dst == nil && sp == nil && dp == nil {
		return
	}
	r.flow()
	if !r.readProtocol(protocol, sp, dp) {
		return
	}
	r.readEnds(src, dst, sp, dp)
	if r.Kind == Flow {
		r.Flow.Start = epochTime(when)
		if string(kind) == "traffic" {
			r.Flow.Stated = flow.Destination
		}
	}
}

// quotedValue reads a value that goes up to a space, or in quotes up to a
// quote without a backslash before it. next is where the next pair begins.
func quotedValue(line []byte, from int) (value []byte, next int, ok bool) {
	if from == len(line) || line[from] != '"' {
		end := len(line)
		if i := bytes.IndexByte(line[from:], ' '); i >= 0 {
			end = from + i
		}
		return line[from:end:end], min(end+1, len(line)), true
	}
	for i := from + 1; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '"':
			return line[from+1 : i : i], i + 1, true
		}
	}
	return nil, len(line), false
}

// epochTime reads a time in seconds (FortiOS 6.0), or in milli-, micro-
// or nanoseconds (6.2 and later) since the epoch: from 2001 to 2286 the number
// of digits tells.
func epochTime(b []byte) int64 {
	n, ok := parseUint(b, 1<<63-1)
	if !ok {
		return 0
	}
	for digits := len(b); digits < 19; digits += 3 {
		if n > (1<<63-1)/1000 {
			return 0
		}
		n *= 1000
	}
	if len(b)%3 != 1 {
		return 0
	}
	return int64(n)
}

// Cisco ASA and FTD tell of connections in sentences:
//
//	%ASA-6-302013: Built inbound TCP connection 27 for outside:203.0.113.5/51234 (203.0.113.5/51234) to inside:192.0.2.10/443 (198.51.100.10/443)
//	%ASA-6-302014: Teardown TCP connection 27 for outside:203.0.113.5/51234 to inside:192.0.2.10/443 duration 0:00:30 bytes 1234 TCP FINs
//
// 302015 and 302016 are the same of UDP. The first end is on the interface of
// lower security, whoever began: "inbound" says that it did, "outbound" that
// the second did, so that the first is the service. Teardown does not say it.
// The addresses in parentheses are what NAT makes of them. The first end is
// our source, the second our destination.
var ciscoASA = format{
	name:  "asa",
	about: "Cisco ASA and FTD syslog, messages 302013 to 302016",
	reads: "message number, inbound or outbound, both ends",
	adds:  "key=value pairs at the end",
	detect: func(sample []byte) bool {
		return anyLine(sample, func(line []byte) bool { m, _ := asaMessage(line); return m != 0 })
	},
	start: func(*Options, []byte) (layout, error) { return &pairLog{plainPairs, readASA}, nil },
}

// asaMessage gives the last digit of a message 302013 to 302016, and its text;
// 0 for any other line.
func asaMessage(line []byte) (digit byte, text []byte) {
	const before = "-30201"
	i := bytes.Index(line, []byte(before))
	if i < 0 {
		return 0, nil
	}
	tag, rest := line[:i], line[i+len(before):]
	if p := bytes.LastIndexByte(tag, '%'); p < 0 || !bytes.HasPrefix(tag[p:], []byte("%ASA-")) && !bytes.HasPrefix(tag[p:], []byte("%FTD-")) {
		return 0, nil
	}
	if len(rest) < 3 || rest[0] < '3' || rest[0] > '6' || rest[1] != ':' {
		return 0, nil
	}
	return rest[0], rest[2:]
}

func readASA(r *Record, line []byte) {
	message, text := asaMessage(line)
	if message == 0 {
		return
	}
	r.flow()
	f := &r.Flow
	if f.Protocol = 6; message >= '5' {
		f.Protocol = 17
	}
	if message == '3' || message == '5' {
		switch {
		case bytes.Contains(text, []byte("Built inbound ")):
			f.Stated = flow.Destination
		case bytes.Contains(text, []byte("Built outbound ")):
			f.Stated = flow.Source
		default:
			r.bad("neither inbound nor outbound", text)
			return
		}
	}
	_, ends, ok := bytes.Cut(text, []byte(" for "))
	first, second, ok2 := bytes.Cut(ends, []byte(" to "))
	src, sp, ok3 := asaEnd(first)
	dst, dp, ok4 := asaEnd(second)
	if !ok || !ok2 || !ok3 || !ok4 {
		r.bad("want interface:address/port for both ends", text)
		return
	}
	r.readEnds(src, dst, sp, dp)
}

// asaEnd reads "outside:203.0.113.5/51234", which perhaps a user in
// parentheses follows.
func asaEnd(s []byte) (addr, port []byte, ok bool) {
	if i := bytes.IndexAny(s, " ("); i >= 0 {
		s = s[:i]
	}
	colon, slash := bytes.IndexByte(s, ':'), bytes.LastIndexByte(s, '/')
	if colon < 0 || slash < colon {
		return nil, nil, false
	}
	return s[colon+1 : slash : slash], s[slash+1:], true
}

// PAN-OS sends its logs as CSV without a header, behind a syslog header that
// becomes part of the first column. What the columns are depends on the type in
// the fourth. New versions add columns at the end, so their number is not
// fixed. Of a TRAFFIC log, which is of a session, the source is the end that
// opened it. Times have no zone and are not read.
var panos = format{
	name:  "panos",
	about: "PAN-OS TRAFFIC logs, CSV over syslog",
	reads: "columns 4 (type), 8 source, 9 destination, 25 source port, 26 destination port, 30 protocol",
	adds:  "columns at the end",
	detect: func(sample []byte) bool {
		return isPANOS(firstLine(sample), "") && anyLine(sample, func(line []byte) bool { return isPANOS(line, "TRAFFIC") })
	},
	start: func(*Options, []byte) (layout, error) { return panosLog{}, nil },
}

type panosLog struct{}

// Columns of PAN-OS, from 0.
const (
	panosTime            = 1
	panosType            = 3
	panosSource          = 7
	panosDestination     = 8
	panosSourcePort      = 24
	panosDestinationPort = 25
	panosProtocol        = 29
	panosColumns         = 30 // those that are looked at, and what stands between them
)

// schemaCell is the last column but one of an annotation. The first version has
// a date there.
var schemaCell = []byte(schemaText + ",")

// panosTable says how its cells are written.
var panosTable = table{kind: &tableKind{quotes: true}, sep: ','}

// isPANOS reports a log of a type, "" for any: the second column is a time
// and the fourth a word in capitals.
func isPANOS(line []byte, kind string) bool {
	rest := line
	for i := range panosType + 1 {
		cell, after, ok := bytes.Cut(rest, comma)
		if !ok || i == panosTime && !isSlashDate(cell) {
			return false
		}
		if i == panosType {
			return isCapitals(cell) && (kind == "" || string(cell) == kind)
		}
		rest = after
	}
	return false
}

var comma = []byte{','}

// isSlashDate reports "2026/09/14 …".
func isSlashDate(b []byte) bool {
	return len(b) >= 10 && b[4] == '/' && b[7] == '/' && b[0]-'0' <= 9
}

func isCapitals(b []byte) bool {
	for _, c := range b {
		if (c < 'A' || c > 'Z') && c != '-' && c != '_' {
			return false
		}
	}
	return len(b) > 0
}

func (panosLog) parse(r *Record) {
	if !isPANOS(r.Line, "") {
		r.bad("no PAN-OS log: want a time in column 2 and a type in column 4", nil)
		return
	}
	if !isPANOS(r.Line, "TRAFFIC") {
		return
	}
	var cells [panosColumns][]byte
	var begins [64]int // of the last cells, more than are ever added
	n, at := 0, 0
	for {
		end, ok := panosTable.cellEnd(r.Line, at)
		if !ok {
			r.bad("a quoted cell does not end", r.Line[at:])
			return
		}
		begins[n%len(begins)] = at
		if n < len(cells) {
			cells[n] = panosTable.value(r.Line[at:end:end])
		}
		n++
		if end == len(r.Line) {
			break
		}
		at = end + 1
	}
	if n < panosColumns {
		r.bad(fmt.Sprintf("%d columns, want %d or more", n, panosColumns), nil)
		return
	}
	if bytes.HasSuffix(r.Line, csvDialect.last) {
		added := schema1Columns
		if at := begins[(n-2)%len(begins)]; bytes.HasPrefix(r.Line[at:], schemaCell) {
			added = len(columnNames)
		}
		if n >= panosColumns+added {
			own := begins[(n-added)%len(begins)] - 1
			r.cut, r.insert = span{own, len(r.Line)}, own
		}
	}
	r.flow()
	r.Flow.Stated = flow.Destination
	if r.readProtocol(cells[panosProtocol], cells[panosSourcePort], cells[panosDestinationPort]) {
		r.readEnds(cells[panosSource], cells[panosDestination], cells[panosSourcePort], cells[panosDestinationPort])
	}
}

func (panosLog) append(dst []byte, r *Record, n *notes) []byte {
	return r.appendAfter(n.columns(r.appendBefore(dst), csvDialect))
}
