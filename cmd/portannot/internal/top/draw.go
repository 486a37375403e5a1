package top

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/clipperhouse/displaywidth"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/observe"
)

// Style is how a piece of a line looks. What it says is also said by words or marks:
// without colour nothing is lost.
type Style uint8

// The styles.
const (
	Plain  Style = iota
	Title        // of columns and pages
	Cursor       // the line under the cursor
	Alarm        // losses, contradictions
	Notice       // deserves a look
	Faint
)

// Span is a piece of a line.
type Span struct {
	Text  string
	Style Style
}

// Line is one line of the screen.
type Line []Span

// String gives the text of a line.
func (l Line) String() string {
	var b strings.Builder
	for _, s := range l {
		b.WriteString(s.Text)
	}
	return b.String()
}

// caveats are the registry's warning, the longest first.
var caveats = []string{iana.Warning, "A registered port does not say what the traffic is.", "registered: not verified"}

// Lines draws the screen: as many lines as it is high, none wider than it is.
func (m *Model) Lines() []Line {
	lines := []Line{m.accountLine()}
	switch m.page {
	case help:
		for _, text := range helpTexts {
			lines = append(lines, Line{{text, Plain}})
		}
	case flows:
		lines = append(lines, m.flowLines()...)
	default:
		lines = append(lines, m.serviceLines()...)
	}
	body := max(m.height-2, 1)
	if m.height < 3 {
		body = m.height
	}
	for len(lines) < body {
		lines = append(lines, nil)
	}
	lines = lines[:body]
	if m.height >= 3 {
		caveat := caveats[len(caveats)-1]
		for _, c := range caveats {
			if displaywidth.String(c) <= m.width {
				caveat = c
				break
			}
		}
		lines = append(lines, m.keysLine(), Line{{caveat, Faint}})
	}
	for i := range lines {
		lines[i] = lines[i].cut(m.width)
		if len(lines[i]) > 0 && lines[i][0].Style == Cursor { // as wide as the screen
			lines[i] = append(lines[i], Span{strings.Repeat(" ", m.width-displaywidth.String(lines[i].String())), Cursor})
		}
	}
	return lines
}

// cut leaves out what is wider than the screen.
func (l Line) cut(width int) Line {
	var out Line
	for _, s := range l {
		w := displaywidth.String(s.Text)
		if w > width {
			s.Text = displaywidth.TruncateString(s.Text, width, "")
			return append(out, s)
		}
		out, width = append(out, s), width-w
	}
	return out
}

// accountLine is the first line: losses stand before everything else.
func (m *Model) accountLine() Line {
	s := m.snap
	if s == nil {
		return Line{{"portannot top: " + visible(m.What) + ": waiting for the first packets", Title}}
	}
	a := &s.Account
	var l Line
	if a.Dropped > 0 {
		share := 100 * float64(a.Dropped) / float64(max(a.Received, 1))
		l = append(l, Span{fmt.Sprintf("DROPPED %d of %d packets (%.1f%%) ", a.Dropped, a.Received, share), Alarm})
	}
	state, lasted := "", s.At.Sub(s.Began).Truncate(time.Second)
	if s.Ended {
		state, lasted = "ended ", s.Span.Round(max(time.Millisecond, s.Span.Truncate(time.Second)/100))
	}
	if m.paused {
		state = "PAUSED "
	}
	l = append(l, Span{fmt.Sprintf("%s%s %s ", state, visible(m.What), lasted), Title})
	text := fmt.Sprintf("%s packets, %s/s, %s flows", number(float64(a.Packets)), number(s.Rate()), number(float64(a.Flows)))
	if a.Live && a.Dropped == 0 {
		text += ", none dropped"
	}
	if a.Undecoded > 0 {
		text += fmt.Sprintf(", %s not decoded", number(float64(a.Undecoded)))
	}
	if a.Waiting > 0 {
		text += fmt.Sprintf(", %s of them not counted below until they end", number(float64(a.Waiting)))
	}
	if a.Evicted > 0 {
		text += fmt.Sprintf(", %s flows ended for want of room", number(float64(a.Evicted)))
	}
	return append(l, Span{text, Plain})
}

// keysLine is the last line but one.
func (m *Model) keysLine() Line {
	switch {
	case m.typing:
		return Line{{"filter: " + visible(m.filters[m.page]) + "_", Notice}, {"  Enter keeps it, Esc clears it", Faint}}
	case m.page == help:
		return Line{{"any key: back", Faint}}
	}
	if m.Message != "" {
		return Line{{visible(m.Message), Notice}}
	}
	if m.page == flows {
		return Line{{"q quit  Esc back  / filter  Space pause  Up Down PgUp PgDn move  ? help", Faint}}
	}
	return Line{{"q quit  s sort  / filter  f status  m marked  Space pause  Enter flows  ? help", Faint}}
}

// listHeight is how many lines the list of the page has.
func (m *Model) listHeight() int {
	if m.page == flows {
		return m.height - 2 - 3 - len(m.wordLines())
	}
	return m.height - 2 - 3
}

// visibleRange gives what of a list of n is shown, and keeps the cursor in it.
func (m *Model) visibleRange(n, at int) (from, to int) {
	height := max(m.listHeight(), 0)
	if m.page == flows && m.tall {
		height /= 2
	}
	o := &m.offsets[m.page]
	*o = max(min(*o, at, n-height), at-height+1, 0)
	return *o, min(*o+height, n)
}

// column is a column of a table.
type column struct {
	title string
	width int
	right bool
}

// cells lays cells out under their columns.
func cells(columns []column, texts []string) string {
	var b strings.Builder
	for i, c := range columns {
		if i > 0 {
			b.WriteByte(' ')
		}
		text := texts[i]
		if displaywidth.String(text) > c.width {
			text = displaywidth.TruncateString(text, c.width, "~")
		}
		pad := strings.Repeat(" ", c.width-displaywidth.String(text))
		if c.right {
			b.WriteString(pad + text)
		} else {
			b.WriteString(text + pad)
		}
	}
	return strings.TrimRight(b.String(), " ")
}

func titles(columns []column) []string {
	var t []string
	for _, c := range columns {
		t = append(t, c.title)
	}
	return t
}

// serviceColumns are those that the screen has room for.
func (m *Model) serviceColumns() ([]column, func(*Row) []string) {
	wide := m.width >= 110
	payload := m.snap == nil || len(m.snap.Rows) == 0 || slices.ContainsFunc(m.snap.Rows, func(r Row) bool { return r.Examined })
	columns := []column{{"", 1, false}, {"SERVICE", 10, false}, {"STATUS", 10, false}, {"NAME", 15, false},
		{"CLIENTS", 7, true}, {"PKTS/S", 6, true}, {"BYTES/S", 7, true}, {"PAYLOAD", 17, false}}
	switch {
	case wide:
		columns = append(columns[:7], column{"FLOWS", 7, true}, column{"OPEN", 7, true}, column{"BYTES", 7, true}, column{"PAYLOAD", 30, false})
		columns[3].width = 20
	case !payload: // of logs
		columns = append(columns[:7], column{"FLOWS", 7, true}, column{"BYTES", 7, true})
	}
	if wide && !payload {
		columns = columns[:len(columns)-1]
	}
	rest := m.width - 1
	for _, c := range columns {
		rest -= c.width + 1
	}
	describe := rest > 20
	switch {
	case describe:
		columns = append(columns, column{"DESCRIPTION", rest, false})
	case rest > 0:
		columns[len(columns)-1].width += rest
	}
	return columns, func(r *Row) []string {
		clients := number(float64(r.Clients))
		if r.AtLeast {
			clients = ">" + clients
		}
		if r.Clients == 0 && !r.AtLeast { // neither end is known to be one
			clients = "-"
		}
		t := []string{mark(r), serviceText(r), statusOf(r), nameText(r), clients, number(r.PacketRate), number(r.ByteRate)}
		switch {
		case wide:
			t = append(t, number(float64(r.Flows)), number(float64(r.Open)), number(float64(r.Bytes)))
		case !payload:
			t = append(t, number(float64(r.Flows)), number(float64(r.Bytes)))
		}
		if payload {
			t = append(t, payloadText(r))
		}
		if describe {
			t = append(t, visible(r.Entry.Description()))
		}
		return t
	}
}

// mark is "!" for what contradicts, and "+" for what is new.
func mark(r *Row) string {
	switch {
	case contradicted(r):
		return "!"
	case r.New:
		return "+"
	}
	return ""
}

func serviceText(r *Row) string {
	switch {
	case r.Others:
		return "(others)"
	case !r.Service.Known():
		return "-"
	}
	return r.Service.String()
}

// String gives "443/tcp".
func (s Service) String() string { return strconv.Itoa(int(s.Port)) + "/" + s.Transport.String() }

// nameText gives the registered names, and the user's own in brackets.
func nameText(r *Row) string {
	if r.Others {
		return ""
	}
	text := "-"
	if n := r.Entry.NumNames(); n > 0 {
		if text = r.Entry.Name(); n > 1 {
			text += " +" + strconv.Itoa(n-1)
		}
	}
	if r.Local != "" {
		text = "[" + r.Local + "] " + text
	}
	return visible(text)
}

// payloadText says what the payload of a service's flows looks like.
func payloadText(r *Row) string {
	if !r.Examined {
		return ""
	}
	text := r.Verdict.String()
	if r.Protocol != observe.Unknown {
		text += " " + r.Protocol.String()
	}
	if r.Protocols > 0 {
		text += " +" + strconv.Itoa(r.Protocols)
	}
	return text
}

func (m *Model) serviceLines() []Line {
	rows := m.rows()
	all := 0
	if m.snap != nil {
		all = len(m.snap.Rows)
	}
	order := sorts[m.sort].name
	if m.reverse {
		order += ", reversed"
	}
	text := fmt.Sprintf("%d of %d services by %s", len(rows), all, order)
	if m.snap != nil && m.snap.Ended {
		text += ", mean of all"
	}
	if m.filters[services] != "" {
		text += "; filter: " + visible(m.filters[services])
	}
	if m.status > 0 {
		text += "; status: " + statusFilters[m.status]
	}
	if m.marked {
		text += "; marked only"
	}
	columns, texts := m.serviceColumns()
	lines := []Line{{{text, Plain}}, {{cells(columns, titles(columns)), Title}}}
	at := m.find(rows)
	from, to := m.visibleRange(len(rows), at)
	for i := from; i < to; i++ {
		r := rows[i]
		style := Plain
		switch {
		case i == at:
			style = Cursor
		case contradicted(r):
			style = Alarm
		case r.New || r.Service.Known() && r.Entry.Status != iana.Assigned && r.Entry.Status != iana.Dynamic:
			style = Notice
		}
		lines = append(lines, Line{{cells(columns, texts(r)), style}})
	}
	return lines
}

// wordLines give the registry's word on the port, as far as there is room: at most
// half of the screen.
func (m *Model) wordLines() []Line {
	var lines []Line
	for _, text := range m.word {
		for _, part := range wrapped(visible(text), m.width) {
			if len(lines) >= (m.height-4)/2 {
				return lines
			}
			lines = append(lines, Line{{part, Plain}})
		}
	}
	return lines
}

// wrapped breaks a line between words. What goes on is as far in as its value, which
// stands in column 14.
func wrapped(text string, width int) (lines []string) {
	indent := strings.Repeat(" ", min(14, width/2))
	for displaywidth.String(text) > width {
		at := strings.LastIndexByte(displaywidth.TruncateString(text, width+1, ""), ' ')
		if at <= len(indent) {
			break // one long word
		}
		lines = append(lines, text[:at])
		text = indent + text[at+1:]
	}
	return append(lines, text)
}

func (m *Model) flowLines() []Line {
	lines := m.wordLines()
	list := m.flowRows()
	title := "flows with no side known"
	if m.chosen.Known() {
		title = "flows of " + m.chosen.String()
	}
	text := fmt.Sprintf("%d %s, the open ones first", len(list), title)
	if len(list) == 1 {
		text = "1 " + strings.Replace(title, "flows", "flow", 1)
	}
	if m.snap != nil && m.snap.Chosen == m.chosen && m.snap.More > 0 {
		text += fmt.Sprintf("; %d more are not shown", m.snap.More)
	}
	if m.filters[flows] != "" {
		text += "; filter: " + visible(m.filters[flows])
	}
	first, second := "CLIENT", "SERVER"
	if !m.chosen.Known() {
		first, second = "SOURCE", "DESTINATION"
	}
	table := m.newFlowTable(list, first, second)
	lines = append(lines, Line{{text, Plain}}, Line{{table.titles(), Title}})
	at := min(m.at[flows], len(list)-1)
	from, to := m.visibleRange(len(list), at)
	for i := from; i < to; i++ {
		f := list[i]
		style := Plain
		switch {
		case i == at:
			style = Cursor
		case f.Verdict == observe.Contradicts:
			style = Alarm
		case f.End != 0:
			style = Faint
		}
		for _, text := range table.row(f, m.snap.Clock) {
			lines = append(lines, Line{{text, style}})
		}
	}
	return lines
}

// flowTable lays flows out. Addresses are never cut: where two have no room beside
// each other, each flow has two lines.
type flowTable struct {
	first, second string // titles of the addresses
	address       int    // width of an address
	tall          bool
	columns       []column // behind the addresses
}

func (m *Model) newFlowTable(list []*Flow, first, second string) *flowTable {
	t := &flowTable{first: first, second: second, address: 21}
	for _, f := range list {
		t.address = max(t.address, len(f.Client.String()), len(f.Server.String()))
	}
	t.columns = []column{{"STATE", 11, false}, {"BYTES", 5, true}, {"PAYLOAD", len("contradicts http"), false}}
	if m.width >= 140 {
		t.columns = append(t.columns[:2], column{"PACKETS", 7, true}, column{"AGE", 8, true}, column{"END", 14, false}, column{"SIDE", 20, false}, t.columns[2])
	}
	rest := m.width - t.address - 1
	for _, c := range t.columns {
		rest -= c.width + 1
	}
	if t.tall = rest < t.address; !t.tall {
		rest -= t.address
	}
	m.tall = t.tall
	last := &t.columns[len(t.columns)-1]
	last.width = max(last.width+rest, 1)
	return t
}

func (t *flowTable) titles() string {
	if t.tall {
		return cells(append([]column{{t.first + " and " + t.second, t.address, false}}, t.columns...), append([]string{t.first + " and " + t.second}, titles(t.columns)...))
	}
	c := append([]column{{t.first, t.address, false}, {t.second, t.address, false}}, t.columns...)
	return cells(c, titles(c))
}

// row gives the lines of a flow.
func (t *flowTable) row(f *Flow, clock int64) []string {
	payload := f.payload()
	if f.Name != "" {
		payload += " " + visible(f.Name)
	}
	texts := []string{f.State.String(), number(float64(f.Bytes)), payload}
	if len(t.columns) > 3 {
		end, side := "", ""
		if f.End != 0 {
			end = f.End.String()
		}
		if f.Side != annotate.NoSide {
			side = f.Reason.String()
		}
		texts = []string{texts[0], texts[1], number(float64(f.Packets)), age(clock - f.Last), end, side, payload}
	}
	address := column{"", t.address, false}
	if t.tall {
		return []string{
			cells(append([]column{address}, t.columns...), append([]string{f.Client.String()}, texts...)),
			cells([]column{address}, []string{f.Server.String()}),
		}
	}
	return []string{cells(append([]column{address, address}, t.columns...), append([]string{f.Client.String(), f.Server.String()}, texts...))}
}

// payload says what the payload looks like.
func (f *Flow) payload() string {
	switch {
	case !f.Examined:
		return ""
	case f.Protocol == observe.Unknown:
		return f.Verdict.String()
	}
	return f.Verdict.String() + " " + f.Protocol.String()
}

// age gives how long ago something was, "-" if that is not known.
func age(ns int64) string {
	if ns < 0 {
		return "-"
	}
	return time.Duration(ns).Truncate(time.Second).String()
}

// number gives a number in at most 5 columns: 0.3, 42, 9999, 12.3k, 456M.
func number(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 0.05:
		return "<0.1"
	case v < 9.95:
		return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
	case v < 9999.5:
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	for _, unit := range "kMGTPE" {
		if v /= 1000; v < 99.95 {
			return strconv.FormatFloat(v, 'f', 1, 64) + string(unit)
		} else if v < 999.5 {
			return strconv.FormatFloat(v, 'f', 0, 64) + string(unit)
		}
	}
	return strconv.FormatFloat(v, 'g', 2, 64)
}

var helpTexts = []string{
	"",
	"Up Down PgUp PgDn Home End   move (also k j g G)",
	"s    sort by the next column: bytes/s, packets/s, clients, flows, bytes, service,",
	"     status, name, payload, latest;  r reverses the order",
	"/    filter: type words that a line must have; Enter keeps, Esc clears them",
	"f    only one status of the port: assigned, reserved, unassigned ...",
	"m    only what is marked",
	"Enter    the flows of a service, and the registry's word on its port",
	"Esc  back      Space  pause the screen; counting goes on      q  quit",
	"",
	"!    payload contradicts what is registered for the port",
	"+    first seen in the last minute",
	"",
	"Rates are the mean of the last 10 seconds. Bytes are those of IP packets.",
	"Once the input has ended, rates are the mean of all of it.",
	"NAME is what the registry has; your own name stands before it in brackets.",
	"PAYLOAD is what the first bytes look like, and whether that agrees.",
}
