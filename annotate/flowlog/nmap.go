package flowlog

import (
	"bytes"
	"net/netip"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/internal/ascii"
	"github.com/portannot/portannot/capture/flow"
)

// nmapXML and nmapGrepable read the inventories that nmap and masscan write. An open
// port is a service that answered and has no client; other ports are of no service.
//
// XML has an element for each host, with its addresses and then its ports:
//
//	<host …><address addr="192.0.2.1" addrtype="ipv4"/><ports>
//	<port protocol="tcp" portid="22"><state state="open" …/><service name="ssh" …/></port>
//
// The annotation is a last child of the port, an element <script id="portannot"> as nmap
// writes for what its scripts find. nmap.dtd allows it there, and what shows an
// inventory shows it. The grepable form has a line for each host, of fields with tabs
// between. The annotation is the last fields of the line, in the form of its ports.
var (
	nmapXML = format{
		name: "nmap-xml", about: "nmap -oX and masscan -oX, open ports",
		doc:     "Nmap: XML output https://nmap.org/book/output-formats-xml-output.html",
		grammar: grammarOwn,
		reads:   "host starttime endtime; address addr; port protocol portid; state state",
		adds:    `an element <script id="portannot"> at the end of each open port`,
		start:   func(*Options, []byte) (layout, error) { return newNmapLog(false), nil },
	}
	nmapGrepable = format{
		name: "nmap-grepable", about: "nmap -oG and masscan -oG, open ports",
		doc:     "Nmap: grepable output https://nmap.org/book/output-formats-grepable-output.html",
		grammar: grammarOwn,
		reads:   "Host, Ports, Timestamp",
		adds:    "fields Portannot, Portannot edition and Portannot caveat at the end of the line",
		start:   func(*Options, []byte) (layout, error) { return newNmapLog(true), nil },
	}
)

// isNmap reports whether a log that begins with sample is of one of these forms.
func isNmap(sample []byte) (grepable, is bool) {
	line := firstRecord(sample)
	switch {
	case bytes.HasPrefix(line, []byte("<nmaprun")), bytes.HasPrefix(line, []byte("<!DOCTYPE nmaprun")):
		return false, true
	case bytes.HasPrefix(line, []byte("<?xml")):
		return false, bytes.Contains(sample, []byte("<nmaprun"))
	case isGrepable(line):
		return true, true
	}
	return false, false
}

// isGrepable reports whether a line is of a host in grepable form.
func isGrepable(line []byte) bool {
	return (bytes.HasPrefix(line, hostField) || bytes.HasPrefix(line, []byte("Timestamp: ")) && bytes.Contains(line, []byte("\tHost: "))) &&
		(bytes.Contains(line, portsField) || bytes.Contains(line, []byte("\tStatus: ")))
}

var (
	slash, tab   = []byte{'/'}, []byte{'\t'}
	hostField    = []byte("Host: ")
	portsField   = []byte("\tPorts: ")
	ownField     = []byte("\tPortannot: ")
	ownElement   = []byte(`<script id="portannot"`)
	hostEnd      = []byte("</host>")
	xmlCommentAt = []byte("<!--")
)

// nmapLog is a spanning layout. A record is a host.
type nmapLog struct {
	ports nmapPorts // for Reader, whose records are ports
}

func newNmapLog(grepable bool) *nmapLog { return &nmapLog{nmapPorts{grepable: grepable}} }

func (l *nmapLog) format() *format {
	if l.ports.grepable {
		return &nmapGrepable
	}
	return &nmapXML
}

func (l *nmapLog) next(data []byte) (from, to int) {
	if l.ports.grepable {
		return nextGrepable(data)
	}
	for from < len(data) {
		tag, end := nextTag(data, from)
		if end < 0 {
			return tag, -1
		}
		if name := tagName(data[tag:end]); string(name) == "host" {
			n := bytes.Index(data[end:], hostEnd)
			if n < 0 {
				return tag, -1
			}
			return tag, end + n + len(hostEnd)
		}
		from = end
	}
	return len(data), -1
}

// nextGrepable finds the next line with ports.
func nextGrepable(data []byte) (from, to int) {
	for from < len(data) {
		n := bytes.IndexByte(data[from:], '\n')
		if n < 0 {
			return from, -1
		}
		line := trimEnd(data[from : from+n+1])
		if isGrepable(line) && bytes.Contains(line, portsField) {
			return from, from + len(line)
		}
		from += n + 1
	}
	return len(data), -1
}

// nextTag finds the next tag, or comment, at or behind from; end is -1 if it does not
// end in data, and at then is where it begins, or all of data.
func nextTag(data []byte, from int) (at, end int) {
	i := bytes.IndexByte(data[from:], '<')
	if i < 0 {
		return len(data), -1
	}
	at = from + i
	if bytes.HasPrefix(data[at:], xmlCommentAt) {
		if n := bytes.Index(data[at:], []byte("-->")); n >= 0 {
			return at, at + n + 3
		}
		return at, -1
	}
	for i := at + 1; i < len(data); i++ {
		switch c := data[i]; c {
		case '>':
			return at, i + 1
		case '"', '\'':
			n := bytes.IndexByte(data[i+1:], c)
			if n < 0 {
				return at, -1
			}
			i += n + 1
		}
	}
	return at, -1
}

// tagName gives the name in a tag, with the slash of an end tag.
func tagName(tag []byte) []byte {
	end := 1
	for end < len(tag) && tag[end] != ' ' && tag[end] != '>' && tag[end] != '\t' && tag[end] != '\n' && tag[end] != '\r' && (tag[end] != '/' || end == 1) {
		end++
	}
	return tag[1:end]
}

// attribute gives the value of an attribute in a tag; nil if it has none.
func attribute(tag []byte, name string) []byte {
	for i := 1 + len(tagName(tag)); i < len(tag); i++ {
		eq := bytes.IndexByte(tag[i:], '=')
		if eq < 0 {
			return nil
		}
		key := bytes.TrimSpace(tag[i : i+eq])
		i = skipSpace(tag, i+eq+1)
		if i >= len(tag) || tag[i] != '"' && tag[i] != '\'' {
			return nil
		}
		end := bytes.IndexByte(tag[i+1:], tag[i])
		if end < 0 {
			return nil
		}
		if string(key) == name {
			return tag[i+1 : i+1+end]
		}
		i += end + 1
	}
	return nil
}

// nmapPort is one port of a host.
type nmapPort struct {
	all                   span // its bytes
	insert                int  // where the annotation goes in XML
	cut                   span // an earlier one
	protocol, port, state []byte
	addr                  netip.Addr
	start                 int64
}

// nmapPorts goes from port to port of a log. It remembers the host. It is also the
// layout of the log for a Reader.
type nmapPorts struct {
	grepable bool
	addr     netip.Addr
	start    int64
	listed   bool // grepable: inside the list of ports
	port     nmapPort
}

// find finds the next port in data. Its places are relative to data; ok is false when
// there is none that is whole, and from is then what is done with.
func (p *nmapPorts) find(data []byte) (from int, ok bool) {
	if p.grepable {
		return p.findGrepable(data)
	}
	for from < len(data) {
		tag, end := nextTag(data, from)
		if end < 0 {
			return tag, false
		}
		switch t := data[tag:end]; string(tagName(t)) {
		case "host":
			p.addr = netip.Addr{}
			when := attribute(t, "starttime")
			if when == nil {
				when = attribute(t, "endtime")
			}
			p.start = parseTime(when)
		case "address":
			if kind := attribute(t, "addrtype"); string(kind) == "ipv4" || string(kind) == "ipv6" {
				p.addr = parseAddr(attribute(t, "addr"))
			}
		case "port":
			if t[len(t)-2] == '/' {
				break
			}
			to, whole := p.element(data, tag, end)
			return to, whole
		}
		from = end
	}
	return len(data), false
}

// element reads the element of a port, whose first tag goes from tag to end.
func (p *nmapPorts) element(data []byte, tag, end int) (from int, ok bool) {
	first := data[tag:end]
	x := &p.port
	*x = nmapPort{protocol: attribute(first, "protocol"), port: attribute(first, "portid"), addr: p.addr, start: p.start}
	ours := -1
	for at := end; ; at = end {
		var begin int
		if begin, end = nextTag(data, at); end < 0 {
			return tag, false
		}
		switch t := data[begin:end]; string(tagName(t)) {
		case "state":
			x.state = attribute(t, "state")
		case "script":
			if ours = -1; bytes.HasPrefix(t, ownElement) {
				ours = begin
			}
		case "/script":
			if ours >= 0 {
				x.cut = span{ours, end}
			}
		case "/port":
			x.all, x.insert = span{tag, end}, begin
			if x.cut.to != begin {
				x.cut = span{begin, begin} // what was ours is the last child
			}
			return tag, true
		}
	}
}

// findGrepable is find for lines.
func (p *nmapPorts) findGrepable(data []byte) (from int, ok bool) {
	for from < len(data) {
		if !p.listed {
			line, to := nextGrepable(data[from:])
			if last := data[from+line:]; to < 0 && isGrepable(last) && bytes.Contains(last, portsField) { // without its end
				to = len(data) - from
			}
			if to < 0 {
				return from + line, false
			}
			text := data[from+line : from+to]
			p.host(text)
			from += line + bytes.Index(text, portsField) + len(portsField)
			p.listed = true
		}
		end := from + grepableEnd(data[from:])
		x := &p.port
		*x = nmapPort{all: span{from, end}, addr: p.addr, start: p.start}
		p.listed = bytes.HasPrefix(data[end:], []byte(", "))
		var rest []byte
		x.port, rest, _ = bytes.Cut(data[from:end], slash)
		x.state, rest, _ = bytes.Cut(rest, slash)
		if x.protocol, _, ok = bytes.Cut(rest, slash); ok {
			return from, true
		}
		if from = end; p.listed {
			from += 2
		}
	}
	return len(data), false
}

// grepableEnd gives the end of the port that b begins with: a comma before another
// port, a tab, or the line's end. A version may have commas.
func grepableEnd(b []byte) int {
	for i, c := range b {
		switch {
		case c == '\t' || c == '\n' || c == '\r':
			return i
		case c == ',' && i+2 < len(b) && b[i+1] == ' ' && b[i+2]-'0' <= 9:
			n := i + 2
			for n < len(b) && b[n]-'0' <= 9 {
				n++
			}
			if n < len(b) && b[n] == '/' {
				return i
			}
		}
	}
	return len(b)
}

// host reads the fields before the ports.
func (p *nmapPorts) host(line []byte) {
	p.addr, p.start = netip.Addr{}, 0
	for len(line) > 0 {
		var field []byte
		field, line, _ = bytes.Cut(line, tab)
		if rest, ok := bytes.CutPrefix(field, hostField); ok {
			addr, _, _ := bytes.Cut(rest, []byte{' '})
			p.addr = parseAddr(addr)
		} else if rest, ok := bytes.CutPrefix(field, []byte("Timestamp: ")); ok {
			p.start = parseTime(rest)
		}
	}
}

// next gives ports to a Reader.
func (p *nmapPorts) next(data []byte) (from, to int) {
	listed := p.listed
	from, ok := p.find(data)
	if !ok {
		p.listed = listed && !p.grepable
		return from, -1
	}
	if p.grepable && p.listed {
		return p.port.all.from, p.port.all.to + 2 // with the comma
	}
	return p.port.all.from, p.port.all.to
}

// parse reads the port that next found.
func (p *nmapPorts) parse(r *Record) {
	r.of = &nmapXML
	if p.grepable {
		r.of = &nmapGrepable
	}
	p.port.read(r)
}

func (p *nmapPorts) append(dst []byte, r *Record, _ *notes) []byte { return append(dst, r.Line...) }

// read reads a port into r.
func (x *nmapPort) read(r *Record) {
	r.Flow, r.Kind, r.problem = annotate.Input{}, Other, problem{}
	if string(x.state) != "open" || string(x.protocol) == "ip" {
		return
	}
	var ok bool
	if r.Flow.Protocol, ok = parseProtocol(x.protocol); !ok {
		r.bad(badProtocol, x.protocol)
		return
	}
	if len(x.port) == 0 {
		r.bad(badDestinationPort, x.port)
		return
	}
	r.flow()
	if r.ends(netip.Addr{}, x.addr, nil, x.port) {
		r.Flow.Stated, r.Flow.Outcome, r.Flow.Start = flow.Destination, annotate.Answered, x.start
	}
}

// parse sees whether a host has ports.
func (l *nmapLog) parse(r *Record) {
	r.of = l.format()
	if l.ports.grepable || bytes.Contains(r.Line, []byte("<port ")) {
		r.flow()
	}
}

// append is not used: flows writes these records.
func (l *nmapLog) append(dst []byte, r *Record, _ *notes) []byte { return append(dst, r.Line...) }

func (l *nmapLog) each() spanning { return &l.ports }

// strip writes a host without our annotations.
func (l *nmapLog) strip(dst []byte, r *Record) []byte {
	if l.ports.grepable {
		return append(dst, grepableWithout(r.Line)...)
	}
	var w nmapPorts
	done := 0
	for {
		rest := r.Line[done:]
		if _, ok := w.find(rest); !ok {
			return append(dst, rest...)
		}
		x := &w.port
		dst = append(append(dst, rest[:x.cut.from]...), rest[x.cut.to:x.all.to]...)
		done += x.all.to
	}
}

// grepableWithout gives a line without our fields.
func grepableWithout(line []byte) []byte {
	if i := bytes.Index(line, ownField); i >= 0 && bytes.HasSuffix(line, caveatText) {
		return line[:i]
	}
	return line
}

// flows annotates the ports of a host and writes it. Where only some are selected, the
// host is written with these alone, on a line of its own. Each port counts as a line.
func (l *nmapLog) flows(dst []byte, w *worker, name string, end []byte) []byte {
	r := &w.record
	record := *r
	line := record.Line
	p := nmapPorts{grepable: l.ports.grepable}
	if p.grepable {
		line = grepableWithout(line)
	}
	same := w.opt.Output == Same
	beside := w.everything && same
	own := w.own[:0]       // grepable: what is said of the ports
	chosen := w.chosen[:0] // what is selected of the host
	count, done := 0, 0
	for {
		rest := line[done:]
		if _, ok := p.find(rest); !ok {
			break
		}
		x := p.port
		count++
		x.read(r)
		w.count(record.of, r.Kind, 1)
		selected := false
		switch r.Kind {
		case Bad:
			record.Kind = Bad // for Strict
			w.stats.reason(r.problem.reason, 1)
			w.stats.Bad++
			w.stats.fault(&Problem{name, record.Number + int64(bytes.Count(line[:done+x.all.from], newline)), r.problem.String()})
		case Other:
			w.stats.Other++
		case Flow:
			r.settle()
			selected = w.annotate()
		}
		if same && !p.grepable {
			if beside {
				dst = append(append(dst, rest[:x.cut.from]...), rest[x.cut.to:x.insert]...)
				if selected {
					dst = w.notes.nmapScript(dst)
				}
				dst = append(dst, rest[x.insert:x.all.to]...)
			} else if selected {
				chosen = append(append(chosen, rest[x.all.from:x.cut.from]...), rest[x.cut.to:x.insert]...)
				chosen = append(w.notes.nmapScript(chosen), rest[x.insert:x.all.to]...)
			}
		}
		if same && p.grepable && selected {
			own = w.notes.nmapField(append(own, ", "...), &r.Flow)
			chosen = append(append(chosen, ", "...), rest[x.all.from:x.all.to]...)
		}
		if selected {
			switch w.opt.Output {
			case Nothing:
				w.batch.Flow(&r.Flow, &w.notes.annotation)
			case Chosen:
				dst = w.appendChosen(dst, r)
			case JSON:
				dst = w.notes.appendFlowJSON(dst, r)
			case CSV:
				dst = w.notes.appendFlowCSV(dst, r)
			}
		}
		done += x.all.to
		if p.grepable && p.listed {
			done += 2
		}
	}
	w.stats.Lines += uint64(count) - 1
	w.own, w.chosen = own, chosen
	*r = record
	switch {
	case !same || !beside && len(chosen) == 0:
		return dst
	case !p.grepable && beside:
		return append(append(dst, line[done:]...), end...)
	case !p.grepable:
		dst = append(dst, `<host><address addr="`...)
		dst = ascii.AppendAddr(dst, p.addr)
		if p.addr.Is4() {
			dst = append(dst, `" addrtype="ipv4"/><ports>`...)
		} else {
			dst = append(dst, `" addrtype="ipv6"/><ports>`...)
		}
		return append(append(append(dst, chosen...), `</ports></host>`...), end...)
	case beside:
		dst = append(dst, line...)
	default:
		dst = append(dst, line[:bytes.Index(line, portsField)+len(portsField)]...)
		dst = append(dst, chosen[2:]...)
	}
	if len(own) > 0 {
		dst = append(append(dst, ownField...), own[2:]...)
		dst = append(append(dst, "\tPortannot edition: "...), w.notes.edition()...)
		dst = append(append(dst, "\tPortannot caveat: "...), caveatText...)
	}
	return append(dst, end...)
}

// xmlDialect writes the values of elements, each behind a NUL.
var xmlDialect = newDialect(dialect{sep: "\x00", set: ",", yes: "true", cell: appendXML})

// appendXML appends text, for content or an attribute.
func appendXML(dst []byte, s string) []byte {
	for i := range len(s) {
		switch c := s[i]; {
		case c == '<':
			dst = append(dst, "&lt;"...)
		case c == '>':
			dst = append(dst, "&gt;"...)
		case c == '&':
			dst = append(dst, "&amp;"...)
		case c == '"':
			dst = append(dst, "&quot;"...)
		case c < ' ' || c == 0x7f:
			dst = append(dst, ' ')
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// nmapScript appends the annotation as nmap writes what a script found: a text for
// people, and elements by the names of columns.
func (n *notes) nmapScript(dst []byte) []byte {
	dst = append(append(dst, ownElement...), ` output="`...)
	if e := n.annotation.ServiceEntry(); e != nil {
		dst = append(dst, e.Status.String()...)
		if name := e.Name(); name != "" {
			dst = appendXML(append(dst, ": "...), name)
		}
		dst = append(dst, "; "...)
	}
	dst = append(append(dst, caveatText...), `">`...)
	n.words = n.columns(n.words[:0], xmlDialect)
	rest := n.words[1:]
	for i := range columnNames {
		n := bytes.IndexByte(rest, 0)
		if n < 0 {
			n = len(rest)
		}
		v := rest[:n]
		rest = rest[min(n+1, len(rest)):]
		if len(v) > 0 {
			dst = append(append(append(dst, `<elem key="`...), columnNames[i]...), `">`...)
			dst = append(append(dst, v...), `</elem>`...)
		}
	}
	return append(dst, `</script>`...)
}

var withoutSlash = appendWithout('/', '|')

// nmapField appends the annotation of a port in the form of the ports in a line:
// PORT/STATUS/PROTOCOL//NAME///.
func (n *notes) nmapField(dst []byte, in *annotate.Input) []byte {
	dst = ascii.AppendUint(dst, uint64(in.Destination.Port()))
	dst = append(dst, '/')
	e := n.annotation.ServiceEntry()
	if e != nil {
		dst = append(dst, e.Status.String()...)
	}
	dst = append(dst, '/')
	dst = append(dst, iana.TransportName(in.Protocol)...)
	dst = append(dst, "//"...)
	if e != nil {
		dst = withoutSlash(dst, e.Name())
	}
	return append(dst, "///"...)
}
