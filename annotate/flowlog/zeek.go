package flowlog

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strconv"

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
	name:  "zeek",
	about: "Zeek, tab-separated (conn.log and all logs with id.orig_p and id.resp_p)",
	reads: "id.orig_h id.orig_p id.resp_h id.resp_p proto ts; for the protocol also #path, version",
	adds:  "columns at the end; #fields and #types extended",
	detect: func(sample []byte) bool {
		return bytes.HasPrefix(sample, []byte("#separator ")) || bytes.HasPrefix(sample, []byte("#fields\t"))
	},
	start: func(*Options, []byte) (layout, error) { return newZeekLog('\t'), nil },
}

// zeekLog is what the header lines said so far.
type zeekLog struct {
	dialect  *dialect
	path     string // "conn"
	state    zeekState
	columns  int   // of the original log
	added    int   // of ours, that an earlier run added behind them
	protocol uint8 // that #path implies; 0 for none
	last     int   // the rightmost column of those below
	// Where the fields stand; -1 for those that are not there.
	ts, source, sourcePort, destination, destinationPort, proto, version int
}

type zeekState uint8

const (
	zeekNoFields zeekState = iota // no #fields line came yet
	zeekNoPorts                   // the log has no ports: its lines pass
	zeekReading
)

// zeekUnreadable is a log whose columns cannot be told apart.
var zeekUnreadable = newZeekLog('\t')

func newZeekLog(sep byte) *zeekLog { return &zeekLog{dialect: newZeekDialect(sep, ",", "-")} }

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
			return append(dst, line...), zeekUnreadable, errors.New("#separator is not one octet, or one that values have in them")
		}
		// A new log begins: nothing of the one before holds.
		return append(dst, line...), newZeekLog(b), nil
	case "#set_separator":
		next.dialect = newZeekDialect(sep, string(value), z.dialect.unset)
	case "#unset_field":
		next.dialect = newZeekDialect(sep, z.dialect.set, string(value))
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

// zeekSeparator reads the value of #separator: "\x09", or the octet itself.
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
func zeekType(i int) string {
	switch columnNames[i] {
	case "portannot.port":
		return "port"
	case "portannot.names":
		return "vector[string]"
	case "portannot.registered_after_traffic":
		return "bool"
	}
	return "string"
}

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
	z.ts, z.source, z.sourcePort, z.destination, z.destinationPort, z.proto, z.version = -1, -1, -1, -1, -1, -1, -1
	z.columns, z.added, z.last, z.state = 0, 0, 0, zeekNoPorts
	for name := range bytes.SplitSeq(names, []byte(z.dialect.sep)) {
		if bytes.HasPrefix(name, []byte("portannot.")) {
			z.added++
			continue
		}
		if z.added > 0 {
			z.added = 0
			return errors.New("#fields: columns behind those of an earlier annotation")
		}
		at := z.columns
		z.columns++
		switch string(name) {
		case "ts":
			z.ts = at
		case "id.orig_h":
			z.source = at
		case "id.orig_p":
			z.sourcePort = at
		case "id.resp_h":
			z.destination = at
		case "id.resp_p":
			z.destinationPort = at
		case "proto":
			z.proto = at
		case "version":
			if z.path == "ssl" {
				z.version = at
			}
		}
	}
	if z.sourcePort < 0 || z.destinationPort < 0 {
		return errors.New("#fields: no id.orig_p and id.resp_p: the lines pass as they are")
	}
	z.last = max(z.ts, z.source, z.sourcePort, z.destination, z.destinationPort, z.proto, z.version)
	z.protocol = zeekProtocols[z.path]
	z.state = zeekReading
	return nil
}

func (z *zeekLog) parse(r *Record) {
	switch z.state {
	case zeekNoFields:
		r.bad("line before #fields", nil)
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
	if n := bytes.Count(line, []byte(z.dialect.sep)) + 1; n != z.columns {
		r.bad(fmt.Sprintf("%d columns, want %d", n, z.columns), nil)
		return
	}
	r.flow()
	f := &r.Flow
	f.Protocol = z.protocol
	f.NoSourcePort, f.NoDestinationPort = true, true
	var src, dst netip.Addr
	var sp, dp uint16
	for at := 0; at <= z.last; at++ {
		cell := line
		if i := bytes.IndexByte(line, sep); i >= 0 {
			cell, line = line[:i], line[i+1:]
		}
		if string(cell) == z.dialect.unset {
			continue
		}
		ok := true
		switch at {
		case z.ts:
			f.Start = parseSeconds(cell)
		case z.source:
			src = parseAddr(cell)
		case z.destination:
			dst = parseAddr(cell)
		case z.sourcePort:
			sp, ok = parsePort(cell)
			f.NoSourcePort = false
		case z.destinationPort:
			dp, ok = parsePort(cell)
			f.NoDestinationPort = false
		case z.proto:
			// Zeek's own word for what it has no analyzer for is
			// "unknown_transport".
			f.Protocol, ok = parseProtocol(cell)
			if !ok && string(cell) == "unknown_transport" {
				ok = true
			}
		case z.version:
			if bytes.HasPrefix(cell, []byte("DTLS")) {
				f.Protocol = 17
			}
		}
		if !ok {
			r.bad(z.wrong(at), cell)
			return
		}
	}
	f.Source, f.Destination = netip.AddrPortFrom(src, sp), netip.AddrPortFrom(dst, dp)
	if dst.IsValid() || !f.NoDestinationPort { // weird.log has lines of no connection
		f.Stated = flow.Destination
	}
}

// wrong says what is wrong with a column.
func (z *zeekLog) wrong(at int) string {
	switch at {
	case z.sourcePort:
		return "id.orig_p is no port"
	case z.destinationPort:
		return "id.resp_p is no port"
	}
	return "proto is not known"
}

func (z *zeekLog) append(dst []byte, r *Record, n *notes) []byte {
	return r.appendAfter(n.columns(r.appendBefore(dst), z.dialect))
}
