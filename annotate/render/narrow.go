package render

import (
	"bytes"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/internal/ascii"
	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/capture/flow"
)

// narrowFormat writes flows for a terminal of a known width. What a person looks
// for comes first: service, status and name, then the two ends. Other columns
// follow as far as they fit. A line that would be too long goes on, indented, on
// the next: no cell is cut.
//
// Details stand at the end of the line if there is room for all of them, and
// below it with Meta.Details. What deserves a look is shown in any case.
type narrowFormat struct {
	text     *textFormat
	ends     [2]int // widths of the source and destination columns
	counts   [2]int // of packets and of bytes
	measured int
	first    int64 // start of the first flow measured
	days     bool  // the flows measured began on more than one day
	columns  []column
	scratch  []byte
}

const (
	narrowService = 10 // 65535/sctp
	narrowStatus  = 10 // unassigned
	narrowName    = 15 // any service name (RFC 6335 section 5.1)
	narrowIndent  = 4
	nanosPerDay   = 24 * 60 * 60 * 1e9
)

func newNarrow(m Meta) *narrowFormat {
	return &narrowFormat{
		text:   newText(m),
		ends:   [2]int{len("SOURCE"), len("DESTINATION")},
		counts: [2]int{len("PACKETS"), len("IP BYTES")},
	}
}

func (n *narrowFormat) Clone() Format {
	c := *n
	c.text, c.scratch = newText(n.text.meta), nil
	return &c
}

// Measure leaves IPv6 out: its long addresses would push IPv4 apart.
func (n *narrowFormat) Measure(f *flow.Flow) {
	if n.measured++; n.measured == 1 {
		n.first = f.Start()
	}
	n.days = n.days || day(f.Start()) != day(n.first)
	var buf [64]byte
	if f.Source.Addr().Is4() {
		n.ends[0] = max(n.ends[0], len(ascii.AppendAddrPort(buf[:0], f.Source)))
	}
	if f.Destination.Addr().Is4() {
		n.ends[1] = max(n.ends[1], len(ascii.AppendAddrPort(buf[:0], f.Destination)))
	}
	n.counts[0] = max(n.counts[0], len(appendPair(buf[:0], f.Forward.Packets, f.Reverse.Packets)))
	n.counts[1] = max(n.counts[1], len(appendPair(buf[:0], f.Forward.IPBytes, f.Reverse.IPBytes)))
}

// day counts days since the Unix epoch, in UTC.
func day(ns int64) int64 { return ns / nanosPerDay }

func appendPair(dst []byte, a, b uint64) []byte {
	return ascii.AppendUint(append(ascii.AppendUint(dst, a), '/'), b)
}

// column is one that is shown if there is room.
type column struct {
	name  string
	width int
}

// fit gives the columns that fit, in their order.
func (n *narrowFormat) fit() []column {
	ends := n.ends
	if n.measured < 2 { // flows are written as they end: any may come
		ends = [2]int{minEndWidth, minEndWidth}
	}
	list := []column{
		{"SERVICE", narrowService}, {"STATUS", narrowStatus}, {"NAME", narrowName},
		{"SOURCE", ends[0]}, {"DESTINATION", ends[1]},
		{"TIME", n.timeWidth()}, {"PACKETS", n.counts[0]}, {"IP BYTES", n.counts[1]}, {"STATE", stateWidth},
	}
	width := -1
	for i, c := range list {
		if width += c.width + 1; i >= numFirst && width > n.text.meta.Width {
			return list[:i]
		}
	}
	return list
}

// numFirst columns are always shown, of numColumns.
const (
	numFirst   = 5
	numColumns = 9
)

func (n *narrowFormat) timeWidth() int {
	if n.days {
		return len("2026-08-17 09:00:00")
	}
	return len("09:00:00.000")
}

func (n *narrowFormat) AppendHeader(dst []byte) []byte {
	l := line{dst: dst, start: len(dst), width: n.text.meta.Width}
	l.color(n.text.meta.Color, ascii.Bold)
	n.columns = n.fit()
	for _, c := range n.columns {
		l.cell(c.width, append(n.scratch[:0], c.name...))
	}
	l.color(n.text.meta.Color, ascii.Plain)
	dst = append(l.dst, '\n')
	if n.measured > 0 && !n.days && (len(n.columns) > numFirst || n.text.meta.Details) {
		dst = append(dst, "# times in UTC, of "...)
		at := len(dst)
		dst = n.text.clock.Append(dst, n.first)[:at+len("2026-08-17")]
		dst = append(dst, '\n')
	}
	return dst
}

func (n *narrowFormat) AppendFooter(dst []byte) []byte {
	l := line{dst: dst, start: len(dst), width: n.text.meta.Width}
	l.words(n.text.AppendFooter(n.scratch[:0]), "# ")
	if !n.text.meta.Details {
		l.newLine()
		l.words([]byte("--details shows what has no room here, --wide every column."), "# ")
	}
	return append(l.dst, '\n')
}

func (n *narrowFormat) appendTime(dst []byte, ns int64) []byte {
	at := len(dst)
	dst = n.text.clock.Append(dst, ns)
	const date = len("2026-08-17 ")
	if !n.days && day(ns) == day(n.first) {
		copy(dst[at:], dst[at+date:])
		return dst[:at+len("09:00:00.000")]
	}
	dst[at+date-1] = ' '
	return dst[:at+len("2026-08-17 09:00:00")]
}

func (n *narrowFormat) AppendFlow(dst []byte, f *flow.Flow, a *annotate.Annotation) []byte {
	t := n.text
	l := line{dst: dst, start: len(dst), width: t.meta.Width}
	e := a.ServiceEntry()
	for i, c := range n.columns {
		cell, color := n.scratch[:0], ""
		switch i {
		case 0:
			if e == nil {
				cell = append(cell, '?')
				break
			}
			cell = ascii.AppendUint(cell, uint64(a.Service.Port))
			cell = append(append(cell, '/'), e.Transport.String()...)
			color = sideColor(a)
		case 1:
			if e == nil {
				cell, color = append(cell, "no side"...), ascii.Yellow
				break
			}
			cell, color = append(cell, e.Status.String()...), statusColor(e.Status, answered(f))
		case 2:
			if e == nil {
				cell = append(cell, '-')
				break
			}
			cell, color = appendLocal(t.editions.Of(a.Registry).names.Append(cell, e), a.Local()), nameColor(e)
		case 3:
			cell = ascii.AppendAddrPort(cell, f.Source)
		case 4:
			cell = ascii.AppendAddrPort(cell, f.Destination)
		case 5:
			cell = n.appendTime(cell, f.Start())
		case 6:
			cell = appendPair(cell, f.Forward.Packets, f.Reverse.Packets)
		case 7:
			cell = appendPair(cell, f.Forward.IPBytes, f.Reverse.IPBytes)
		case 8:
			cell = append(cell, f.State.String()...)
		}
		n.scratch = cell[:0]
		if !t.meta.Color {
			color = ""
		}
		l.coloredCell(c.width, cell, color)
	}
	details := n.scratch[:0]
	if t.meta.Details {
		details = n.appendLeftOut(details, f)
	}
	details = t.appendDetails(details, f, a)
	n.scratch = details[:0]
	switch at := max(l.at, l.used()+1); {
	case at+visible(details) <= l.width:
		l.dst = append(pad(l.dst, l.start+l.escapes+at), details...)
	case t.meta.Details || deservesLook(a):
		l.newLine()
		l.color(t.meta.Color, ascii.Dim)
		if t.meta.Color { // a colour in it ends what was dim
			details = bytes.ReplaceAll(details, []byte(ascii.Plain), []byte(ascii.Plain+ascii.Dim))
		}
		l.words(details, "    ")
		l.color(t.meta.Color, ascii.Plain)
	}
	return append(l.dst, '\n')
}

// appendLeftOut appends the columns that did not fit.
func (n *narrowFormat) appendLeftOut(dst []byte, f *flow.Flow) []byte {
	for i := len(n.columns); i < numColumns; i++ {
		switch i {
		case 5:
			dst = n.appendTime(dst, f.Start())
		case 6:
			dst = append(appendPair(dst, f.Forward.Packets, f.Reverse.Packets), " packets"...)
		case 7:
			dst = append(appendPair(dst, f.Forward.IPBytes, f.Reverse.IPBytes), " IP bytes"...)
		case 8:
			dst = append(dst, f.State.String()...)
		}
		dst = append(dst, ' ')
	}
	return dst
}

// deservesLook reports that the details hold what a reader must not overlook.
func deservesLook(a *annotate.Annotation) bool {
	e := a.ServiceEntry()
	if e == nil || a.RegisteredLater || a.AsOf != nil && a.AsOf.Later || a.Service.Confidence <= annotate.Weak || a.Observed.Verdict == observe.Contradicts {
		return true
	}
	_, deassigned := e.Deassigned()
	_, later := a.LaterRegistration()
	return deassigned || later || e.Unauthorized() != ""
}

// answered reports that the service end took the traffic, as far as was seen.
func answered(f *flow.Flow) bool {
	return f.Forward.Packets > 0 && f.Reverse.Packets > 0 && f.State != flow.Refused && f.State != flow.Rejected
}

// sideColor marks a service whose side is a weak guess.
func sideColor(a *annotate.Annotation) string {
	if a.Service.Confidence <= annotate.Weak {
		return ascii.Yellow
	}
	return ""
}

// nameColor marks a name whose port is known to be used by others.
func nameColor(e *iana.Entry) string {
	if e.Unauthorized() != "" {
		return ascii.Yellow
	}
	return ""
}

// statusColor marks what deserves a look. An assigned port is not marked: the
// registry does not say that its traffic is good.
func statusColor(s iana.Status, answered bool) string {
	switch {
	case s == iana.Unknown:
		return ascii.Yellow
	case s == iana.Reserved && answered:
		return ascii.Red
	case s == iana.Unassigned && answered:
		return ascii.Yellow
	}
	return ""
}

// line lays out cells on lines of at most width bytes. A cell that is wider by
// itself has a line of its own.
type line struct {
	dst     []byte
	start   int // of the current line in dst
	escapes int // bytes of it that take no room on the screen
	width   int
	at      int // where the next cell begins
}

// used is how much of the current line is taken.
func (l *line) used() int { return len(l.dst) - l.start - l.escapes }

func (l *line) newLine() {
	l.dst = append(bytes.TrimRight(l.dst, " "), '\n')
	l.start, l.escapes, l.at = len(l.dst), 0, 0
}

func (l *line) color(on bool, escape string) {
	if on {
		l.dst = append(l.dst, escape...)
		l.escapes += len(escape)
	}
}

func (l *line) cell(width int, text []byte) { l.coloredCell(width, text, "") }

func (l *line) coloredCell(width int, text []byte, color string) {
	at := l.at
	if l.used() > 0 {
		at = max(at, l.used()+1)
	}
	if at+len(text) > l.width && l.used() > narrowIndent {
		l.newLine()
		at = narrowIndent
	}
	l.dst = pad(l.dst, l.start+l.escapes+at)
	l.color(color != "", color)
	l.dst = append(l.dst, text...)
	l.color(color != "", ascii.Plain)
	l.at = at + width + 1
}

// words appends text broken at spaces, each line after a prefix that the text
// may have itself.
func (l *line) words(text []byte, prefix string) {
	text = bytes.TrimPrefix(bytes.TrimSpace(text), []byte(prefix))
	l.dst = append(l.dst, prefix...)
	first := true
	for word := range bytes.FieldsSeq(text) {
		switch {
		case first:
		case l.used()+1+visible(word) > l.width:
			l.newLine()
			l.dst = append(l.dst, prefix...)
		default:
			l.dst = append(l.dst, ' ')
		}
		l.dst, first = append(l.dst, word...), false
		l.escapes += len(word) - visible(word)
	}
}

// visible is the length of text without escape sequences.
func visible(text []byte) int {
	n := 0
	for i := 0; i < len(text); i++ {
		if text[i] == 0x1b {
			for i < len(text) && text[i] != 'm' {
				i++
			}
			continue
		}
		n++
	}
	return n
}
