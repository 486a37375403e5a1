package top

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/observe"
)

// Model is what the screen shows, and what keys do to it. It knows nothing of
// terminals.
type Model struct {
	What    string // is looked at: "eth0", "trace.pcap"
	Explain func(Service) []string
	Choose  func(Service)
	// Message is the latest thing that the run had to say.
	Message string

	width, height int
	snap          *Snapshot
	paused        bool
	page          page
	sort          int // of sorts
	reverse       bool
	status        int // of statusFilters
	marked        bool
	typing        bool
	filters       [2]string // of services and of flows
	cursors       [2]Service
	at            [2]int // the line of the cursor; kept where its service is gone
	offsets       [2]int
	tall          bool // each flow has two lines
	chosen        Service
	word          []string // of the registry, on its port
	helped        page     // where help was asked for
}

type page int

const (
	services page = iota
	flows
	help
)

// sorts are the orders of services.
var sorts = []struct {
	name    string
	compare func(a, b *Row) int
}{
	{"bytes/s", func(a, b *Row) int { return cmp.Compare(b.ByteRate, a.ByteRate) }},
	{"packets/s", func(a, b *Row) int { return cmp.Compare(b.PacketRate, a.PacketRate) }},
	{"clients", func(a, b *Row) int { return cmp.Compare(b.Clients, a.Clients) }},
	{"flows", func(a, b *Row) int { return cmp.Compare(b.Flows, a.Flows) }},
	{"bytes", func(a, b *Row) int { return cmp.Compare(b.Bytes, a.Bytes) }},
	{"service", func(a, b *Row) int {
		return cmp.Or(cmp.Compare(a.Service.Port, b.Service.Port), cmp.Compare(a.Service.Transport, b.Service.Transport))
	}},
	{"status", func(a, b *Row) int { return cmp.Compare(statusOf(a), statusOf(b)) }},
	{"name", func(a, b *Row) int { return cmp.Compare(nameText(a), nameText(b)) }},
	{"payload", func(a, b *Row) int { return cmp.Compare(payloadText(a), payloadText(b)) }},
	{"latest", func(a, b *Row) int { return cmp.Compare(b.Last, a.Last) }},
}

// statusFilters are what f steps through.
var statusFilters = []string{"all", iana.Assigned.String(), iana.Reserved.String(), iana.Unassigned.String(), iana.Dynamic.String(), iana.Unknown.String(), noSide}

const noSide = "no side"

// statusOf gives the status of a row as text.
func statusOf(r *Row) string {
	switch {
	case r.Others:
		return ""
	case !r.Service.Known():
		return noSide
	}
	return r.Entry.Status.String()
}

// Resize says how large the terminal is.
func (m *Model) Resize(width, height int) { m.width, m.height = max(width, 1), max(height, 1) }

// Show takes a Snapshot, unless the screen is paused.
func (m *Model) Show(s *Snapshot) {
	if s != nil && (!m.paused || m.snap == nil || m.page == flows && m.snap.Chosen != m.chosen) {
		m.snap = s
	}
}

// Press does what a key says: a character, or a name such as "up". It reports
// whether to quit.
func (m *Model) Press(key string) (quit bool) {
	if key == "ctrl-c" {
		return true
	}
	if m.typing {
		m.edit(key)
		return false
	}
	if m.page == help {
		m.page = m.helped
		return false
	}
	switch key {
	case "q":
		return true
	case "?", "h":
		m.helped, m.page = m.page, help
	case " ", "p":
		m.paused = !m.paused
	case "/":
		m.typing = true
	case "s":
		m.sort, m.reverse = (m.sort+1)%len(sorts), false
		m.top()
	case "r":
		m.reverse = !m.reverse
		m.top()
	case "f":
		m.status = (m.status + 1) % len(statusFilters)
		m.top()
	case "m":
		m.marked = !m.marked
		m.top()
	case "enter":
		m.open()
	case "esc", "backspace", "left":
		m.back()
	default:
		m.move(key)
	}
	return false
}

// edit changes the filter.
func (m *Model) edit(key string) {
	text := &m.filters[m.page]
	switch key {
	case "enter":
		m.typing = false
		return
	case "esc":
		m.typing, *text = false, ""
	case "backspace":
		_, n := utf8.DecodeLastRuneInString(*text)
		*text = (*text)[:len(*text)-n]
	default:
		if utf8.RuneCountInString(key) != 1 || len(*text) > 100 {
			return
		}
		*text += key
	}
	m.top()
}

// top puts the cursor on the first line.
func (m *Model) top() {
	if m.page > flows {
		return
	}
	m.at[m.page], m.offsets[m.page], m.cursors[m.page] = 0, 0, Service{}
	if m.page == services {
		if rows := m.rows(); len(rows) > 0 {
			m.cursors[services] = rows[0].Service
		}
	}
}

// open shows the flows of the service under the cursor.
func (m *Model) open() {
	if m.page != services {
		return
	}
	rows := m.rows()
	i := m.find(rows)
	if i < 0 || rows[i].Others {
		return
	}
	m.page, m.chosen = flows, rows[i].Service
	m.filters[flows], m.at[flows], m.offsets[flows] = "", 0, 0
	m.word = nil
	if m.chosen.Known() && m.Explain != nil {
		m.word = m.Explain(m.chosen)
	}
	if m.Choose != nil {
		m.Choose(m.chosen)
	}
}

// back undoes the latest narrowing: the filter, then the page.
func (m *Model) back() {
	switch {
	case m.filters[m.page] != "":
		m.filters[m.page] = ""
	case m.page == flows:
		m.page = services
	case m.status != 0 || m.marked:
		m.status, m.marked = 0, false
	}
}

// move moves the cursor.
func (m *Model) move(key string) {
	rows := m.rows()
	n, at := len(rows), m.find(rows)
	if m.page == flows {
		n, at = len(m.flowRows()), m.at[flows]
	}
	list := max(m.listHeight(), 1)
	switch key {
	case "up", "k":
		at--
	case "down", "j":
		at++
	case "pgup":
		at -= list
	case "pgdn":
		at += list
	case "home", "g":
		at = 0
	case "end", "G":
		at = n - 1
	default:
		return
	}
	at = max(min(at, n-1), 0)
	m.at[m.page] = at
	if m.page == services && n > 0 {
		m.cursors[services] = rows[at].Service
	}
}

// find gives the row under the cursor, -1 if there is none. The cursor stays with
// its service.
func (m *Model) find(rows []*Row) int {
	if i := slices.IndexFunc(rows, func(r *Row) bool { return r.Service == m.cursors[services] && !r.Others }); i >= 0 && m.cursors[services].Known() {
		return i
	}
	return min(m.at[services], len(rows)-1)
}

// rows gives the services that pass the filters, in their order.
func (m *Model) rows() []*Row {
	if m.snap == nil {
		return nil
	}
	var rows []*Row
	words := strings.Fields(strings.ToLower(m.filters[services]))
	for i := range m.snap.Rows {
		r := &m.snap.Rows[i]
		if m.status > 0 && statusOf(r) != statusFilters[m.status] || m.marked && !r.New && !contradicted(r) {
			continue
		}
		if len(words) == 0 || matches(words, r.words()) {
			rows = append(rows, r)
		}
	}
	compare := sorts[m.sort].compare
	slices.SortFunc(rows, func(a, b *Row) int {
		if a.Others != b.Others { // they are no service
			return cmp.Compare(b2i(a.Others), b2i(b.Others))
		}
		c := compare(a, b)
		if m.reverse {
			c = -c
		}
		return cmp.Or(c, cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Service.Port, b.Service.Port), cmp.Compare(a.Service.Transport, b.Service.Transport))
	})
	return rows
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// matches reports whether text has all words.
func matches(words []string, text string) bool {
	text = strings.ToLower(text)
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
}

// words gives what the filter looks into.
func (r *Row) words() string {
	return strings.Join([]string{serviceText(r), statusOf(r), strings.Join(r.Entry.Names(), " "), r.Entry.Description(), r.Local, payloadText(r)}, " ")
}

func contradicted(r *Row) bool { return r.Examined && r.Verdict == observe.Contradicts }

// flowRows gives the flows that pass the filter: the open ones first, then those with
// the latest packets.
func (m *Model) flowRows() []*Flow {
	if m.snap == nil || m.snap.Chosen != m.chosen {
		return nil
	}
	var list []*Flow
	words := strings.Fields(strings.ToLower(m.filters[flows]))
	for i := range m.snap.Flows {
		f := &m.snap.Flows[i]
		if len(words) == 0 || matches(words, f.words()) {
			list = append(list, f)
		}
	}
	slices.SortStableFunc(list, func(a, b *Flow) int {
		return cmp.Or(cmp.Compare(b2i(a.End != 0), b2i(b.End != 0)), cmp.Compare(b.Last, a.Last), a.Client.Compare(b.Client))
	})
	return list
}

func (f *Flow) words() string {
	return strings.Join([]string{f.Client.String(), f.Server.String(), f.State.String(), f.payload(), f.Name}, " ")
}

// visible escapes text from outside.
func visible(s string) string {
	return string(annotate.AppendVisible(nil, strings.ReplaceAll(s, "\t", " ")))
}
