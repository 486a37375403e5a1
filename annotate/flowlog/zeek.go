package flowlog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"net/netip"
	"slices"
	"strconv"

	"github.com/portannot/portannot/annotate/record"
	"github.com/portannot/portannot/capture/flow"
)

// zeekTSV reads the logs of Zeek's ASCII writer. They begin with lines that
// say how the others are to be read:
//
//	#separator \x09
//	#set_separator	,
//	#empty_field	(empty)
//	#unset_field	-
//	#path	conn
//	#open	2026-09-14-09-00-00
//	#fields	ts	uid	id.orig_h	id.orig_p	id.resp_h	id.resp_p	proto	…
//	#types	time	string	addr	port	addr	port	enum	…
//
// and end with #close. Logs joined after rotation have such lines in the
// middle too, perhaps with other fields. Zeek calls the end that opened the
// connection "orig" and the other "resp": resp is the service. For ICMP the two
// port fields hold the message's type and code.
var zeekTSV = format{
	name: "zeek", about: "Zeek, tab-separated (conn.log and all logs with id.orig_p and id.resp_p)",
	doc:     "Zeek: TSV logs https://docs.zeek.org/en/master/log-formats.html",
	grammar: grammarOwn,
	reads:   "id.orig_h id.orig_p id.resp_h id.resp_p proto ts; for the protocol also #path, version",
	adds:    "columns at the end; #fields and #types extended",
	detect:  isZeekHeader,
	start:   func(*Options, []byte) (layout, error) { return newZeekLog('\t'), nil },
}

// isZeekHeader reports whether a line begins a log of Zeek's.
func isZeekHeader(line []byte) bool {
	return bytes.HasPrefix(line, []byte("#separator ")) || bytes.HasPrefix(line, []byte("#fields\t"))
}

// zeekLog is what the header lines said so far.
type zeekLog struct {
	dialect  *dialect
	path     string // "conn"
	state    zeekState
	columns  int   // of the original log
	added    int   // of ours, that an earlier run added behind them
	protocol uint8 // that #path implies; 0 for none
	// meanings of the columns up to the last one that is read. Up to ends is all
	// that an annotation needs.
	meanings []zeekColumn
	ends     int
	// rest reads lines that are not of the log; it may be nil.
	rest *records
}

// zeekColumn says what a column is read as.
type zeekColumn uint8

const (
	zeekUnread zeekColumn = iota
	zeekTime
	zeekSource
	zeekSourcePort
	zeekDestination
	zeekDestinationPort
	zeekProto
	zeekVersion // of TLS, in ssl.log: it tells DTLS, which is over UDP
	// Those of conn.log, which tell what was seen of the opening.
	zeekConnState
	zeekHistory
	// The remaining ones tell the outcome, in conn.log.
	zeekSourcePackets
	zeekDestinationPackets
	zeekBytes // of IP packets, of one end; orig_bytes and resp_bytes are of the payload
	zeekDuration
)

var zeekColumns = map[string]zeekColumn{
	"ts": zeekTime, "id.orig_h": zeekSource, "id.orig_p": zeekSourcePort,
	"id.resp_h": zeekDestination, "id.resp_p": zeekDestinationPort, "proto": zeekProto,
	"conn_state": zeekConnState, "history": zeekHistory, "orig_pkts": zeekSourcePackets, "resp_pkts": zeekDestinationPackets,
	"orig_ip_bytes": zeekBytes, "resp_ip_bytes": zeekBytes, "duration": zeekDuration,
	// What databases and shippers make of these.
	"id_orig_h": zeekSource, "id_orig_p": zeekSourcePort, "id_resp_h": zeekDestination, "id_resp_p": zeekDestinationPort,
}

type zeekState uint8

const (
	zeekNoFields zeekState = iota // no #fields line came yet
	zeekNoPorts                   // the log has no ports: its lines pass
	zeekReading
)

// zeekUnreadable is a log whose columns cannot be told apart.
var zeekUnreadable = newZeekLog('\t')

// zeekDefault is the dialect of nearly all logs. They share it, so that what is
// kept for a dialect lasts from one log to the next.
var zeekDefault = newZeekDialect('\t', ",", "-")

func newZeekLog(sep byte) *zeekLog {
	if sep == '\t' {
		return &zeekLog{dialect: zeekDefault}
	}
	return &zeekLog{dialect: newZeekDialect(sep, ",", "-")}
}

func newZeekDialect(sep byte, set, unset string) *dialect {
	return newDialect(dialect{sep: string([]byte{sep}), set: set, unset: unset, yes: "T", cell: func(dst []byte, s string) []byte {
		for i := range len(s) {
			c := s[i]
			// What is a real value must not read as none.
			if c == sep || c == '\\' || c < ' ' || c == 0x7f || i == 0 && s == unset {
				dst = fmt.Appendf(dst, `\x%02x`, c)
			} else {
				dst = append(dst, c)
			}
		}
		return dst
	}})
}

// mark: all lines that begin with "#" are header lines, or "#close".
func (z *zeekLog) mark() string { return "#" }

func (z *zeekLog) head(dst, line []byte, strip bool) ([]byte, layout, error) {
	key, value, _ := bytes.Cut(line, []byte{' '})
	if string(key) != "#separator" {
		key, value, _ = bytes.Cut(line, []byte(z.dialect.sep))
	}
	next, sep := *z, z.dialect.sep[0]
	if i := bytes.IndexByte(value, sep); i >= 0 && string(key) != "#fields" && string(key) != "#types" {
		value = value[:i]
	}
	switch string(key) {
	case "#separator":
		b, ok := zeekSeparator(value)
		if !ok {
			return append(dst, line...), zeekUnreadable, errors.New("#separator is not one byte, or is one that values contain")
		}
		// A new log begins: nothing of the one before holds.
		fresh := newZeekLog(b)
		fresh.rest = z.rest
		return append(dst, line...), fresh, nil
	case "#set_separator":
		if string(value) != z.dialect.set {
			next.dialect = newZeekDialect(sep, string(value), z.dialect.unset)
		}
	case "#unset_field":
		if string(value) != z.dialect.unset {
			next.dialect = newZeekDialect(sep, z.dialect.set, string(value))
		}
	case "#path":
		next.path = string(value)
	case "#fields":
		err := next.fields(value)
		return next.extend(dst, line, strip, func(i int) string { return columnNames[i] }), &next, err
	case "#types":
		return z.extend(dst, line, strip, zeekType), z, nil
	}
	return append(dst, line...), &next, nil
}

// zeekSeparator reads the value of #separator: "\x09", or the byte itself.
// Letters, digits and a few more cannot be told from what is in the columns.
func zeekSeparator(value []byte) (sep byte, ok bool) {
	if hex, found := bytes.CutPrefix(value, []byte(`\x`)); found {
		n, err := strconv.ParseUint(string(hex), 16, 8)
		if err != nil {
			return 0, false
		}
		sep = byte(n)
	} else if len(value) == 1 {
		sep = value[0]
	}
	switch {
	case sep == 0, sep == '\n', sep == '\r', sep == '-', sep == '\\', sep == '#',
		'0' <= sep && sep <= '9', 'A' <= sep && sep <= 'Z', 'a' <= sep && sep <= 'z':
		return 0, false
	}
	return sep, true
}

// zeekType gives the Zeek type of an added column.
func zeekType(i int) string { return zeekTypes[i] }

var zeekTypes = func() (list []string) {
	for _, name := range columnNames {
		f, _ := record.Lookup(name)
		list = append(list, map[record.Type]string{
			record.Text: "string", record.Port: "port", record.Count: "count", record.Time: "time", record.Bool: "bool", record.List: "vector[string]",
		}[f.Type])
	}
	return list
}()

// extend appends a line of #fields or #types with the added ones behind it.
func (z *zeekLog) extend(dst, line []byte, strip bool, name func(int) string) []byte {
	dst = append(dst, cutColumns(line, z.dialect.sep[0], z.added)...)
	if strip || z.state != zeekReading {
		return dst
	}
	for i := range columnNames {
		dst = append(append(dst, z.dialect.sep...), name(i)...)
	}
	return dst
}

// cutColumns gives a line without its last n columns.
func cutColumns(line []byte, sep byte, n int) []byte {
	for ; n > 0; n-- {
		i := bytes.LastIndexByte(line, sep)
		if i < 0 {
			return line
		}
		line = line[:i]
	}
	return line
}

// zeekProtocols are the transports of logs that do not name one, by #path.
// Those of protocols that run over both are not here.
var zeekProtocols = map[string]uint8{
	"dce_rpc": 6, "ftp": 6, "http": 6, "irc": 6, "modbus": 6, "mqtt_connect": 6, "mqtt_publish": 6, "mqtt_subscribe": 6, "mysql": 6,
	"ntlm": 6, "postgresql": 6, "rdp": 6, "redis": 6, "rfb": 6, "smb_cmd": 6, "smb_files": 6, "smb_mapping": 6, "smtp": 6,
	"socks": 6, "ssh": 6, "ssl": 6, "websocket": 6,
	"ntp": 17, "quic": 17, "radius": 17, "snmp": 17, "tftp": 17, "wireguard": 17,
}

// fields reads the names of the columns.
func (z *zeekLog) fields(names []byte) error {
	z.columns, z.added, z.state, z.meanings, z.ends = 0, 0, zeekNoPorts, nil, 0
	var all []zeekColumn
	for name := range bytes.SplitSeq(names, []byte(z.dialect.sep)) {
		if bytes.HasPrefix(name, []byte("portannot.")) {
			z.added++
			continue
		}
		if z.added > 0 {
			z.added = 0
			return errors.New("#fields: columns behind those of an earlier annotation")
		}
		m := zeekColumns[string(name)]
		if z.path == "ssl" && string(name) == "version" {
			m = zeekVersion
		}
		all = append(all, m)
		if m != zeekUnread {
			z.meanings = all
		}
		if m != zeekUnread && m < zeekSourcePackets {
			z.ends = len(all)
		}
	}
	z.columns = len(all)
	if !slices.Contains(all, zeekSourcePort) || !slices.Contains(all, zeekDestinationPort) {
		return errors.New("#fields: no id.orig_p and id.resp_p: the lines pass as they are")
	}
	z.protocol = zeekProtocols[z.path]
	z.state = zeekReading
	return nil
}

func (z *zeekLog) parse(r *Record) {
	r.of = &zeekTSV
	switch z.state {
	case zeekNoFields:
		if !z.otherwise(r) {
			r.bad("line before #fields", nil)
		}
		return
	case zeekNoPorts:
		return
	}
	sep := z.dialect.sep[0]
	if z.added > 0 && bytes.HasSuffix(r.Line, z.dialect.last) {
		end := len(cutColumns(r.Line, sep, z.added))
		r.cut, r.insert = span{end, len(r.Line)}, end
	}
	line := r.Line[:r.insert]
	f := &r.Flow
	f.Protocol = z.protocol
	var src, dst []byte
	var sp, dp uint16
	hasSP, hasDP := false, false
	columns := 0
	meanings := z.meanings
	if r.portsOnly {
		meanings = meanings[:z.ends]
	}
	var state, history []byte
	var duration int64
	for _, m := range meanings {
		cell := line
		if i := indexNear(line, sep); i >= 0 {
			cell, line = line[:i], line[i+1:]
			columns++
		} else {
			line = nil
		}
		if m == zeekUnread || len(cell) == len(z.dialect.unset) && string(cell) == z.dialect.unset {
			continue
		}
		ok := true
		switch m {
		case zeekTime:
			f.Start = parseSeconds(cell)
		case zeekSource:
			src = cell
		case zeekDestination:
			dst = cell
		case zeekSourcePort:
			sp, ok = parsePort(cell)
			hasSP = true
		case zeekDestinationPort:
			dp, ok = parsePort(cell)
			hasDP = true
		case zeekProto:
			f.Protocol, ok = parseProtocol(cell)
			// Zeek's word for a transport that it does not analyze.
			ok = ok || string(cell) == "unknown_transport"
		case zeekVersion:
			if bytes.HasPrefix(cell, []byte("DTLS")) {
				f.Protocol = 17
			}
		case zeekConnState:
			state = cell
		case zeekHistory:
			history = cell
		case zeekSourcePackets, zeekDestinationPackets:
			n, _ := parseUint(cell, 1<<63)
			f.Packets += n
		case zeekBytes:
			n, _ := parseUint(cell, 1<<62)
			f.Bytes += n
		case zeekDuration:
			duration = parseSeconds(cell)
		}
		if !ok {
			r.bad(zeekWrong(m), cell)
		}
	}
	if n := columns + bytes.Count(line, []byte(z.dialect.sep)) + 1; n != z.columns {
		if z.otherwise(r) {
			return
		}
		r.bad(fmt.Sprintf("%d columns, want %d", n, z.columns), nil)
	}
	if r.Kind == Bad {
		return
	}
	r.flow()
	f.NoSourcePort, f.NoDestinationPort = !hasSP, !hasDP
	if f.Start != 0 && duration != 0 {
		f.End = f.Start + duration
	}
	if dst != nil || hasDP { // weird.log has lines of no connection
		zeekRoles(f, state, history)
	}
	f.Source, f.Destination = netip.AddrPortFrom(netip.Addr{}, sp), netip.AddrPortFrom(netip.Addr{}, dp)
	if !r.portsOnly || f.Stated == flow.NoSide {
		f.Source, f.Destination = netip.AddrPortFrom(parseAddr(src), sp), netip.AddrPortFrom(parseAddr(dst), dp)
	}
	f.Outcome = zeekOutcome(f.Protocol, state, history)
}

// otherwise reads a line that is not of the log as a record that stands alone,
// and reports whether it is one.
func (z *zeekLog) otherwise(r *Record) bool {
	if z.rest == nil || bytes.Count(r.Line, []byte(z.dialect.sep)) > 2 {
		return false
	}
	r.reset(r.Line)
	if z.rest.parse(r); r.by != nil && r.Kind != Other {
		return true
	}
	r.reset(r.Line)
	r.of = &zeekTSV
	return false
}

// indexNear is bytes.IndexByte for what is near: eight bytes at a time, without
// a call.
func indexNear(b []byte, c byte) int {
	pattern := ones * uint64(c)
	i := 0
	for ; i+8 <= len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:]) ^ pattern
		if hit := (x - ones) &^ x & tops; hit != 0 {
			return i + bits.TrailingZeros64(hit)/8
		}
	}
	for ; i < len(b); i++ {
		if b[i] == c {
			return i
		}
	}
	return -1
}

// zeekWrong says what is wrong with a column.
func zeekWrong(m zeekColumn) string {
	switch m {
	case zeekSourcePort:
		return "id.orig_p is no port"
	case zeekDestinationPort:
		return "id.resp_p is no port"
	}
	return "proto is not known"
}

func (z *zeekLog) append(dst []byte, r *Record, n *notes) []byte {
	return r.appendAfter(n.columns(r.appendBefore(dst), z.dialect))
}
