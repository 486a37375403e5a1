package render

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/internal/ascii"
	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/annotate/summary"
	"github.com/portannot/portannot/capture/flow"
)

// Summary is a Format that writes no flows, but adds them to a table and writes
// its groups at the end. A program that has no flow.Flow adds to Table by itself.
// Clones share the table, so they must not be used at the same time.
type Summary struct {
	Table *summary.Table
	Top   int // groups to write; 0 is all
	Order summary.Order
	// Every says that the groups are written again and again: see AppendSoFar.
	Every bool

	name  string
	meta  Meta
	began bool
	named bool // the groups have a name beside their keys
}

// NewSummary returns a Summary that writes in a format of Formats.
func NewSummary(name string, m Meta, t *summary.Table) (*Summary, error) {
	if !slices.Contains(Formats(), name) {
		return nil, fmt.Errorf("unknown output format %q: want text, json or csv", name)
	}
	named := slices.Contains(t.Keys, summary.Service) && !slices.Contains(t.Keys, summary.Name)
	return &Summary{Table: t, name: name, meta: m, named: named}, nil
}

// Clone returns s.
func (s *Summary) Clone() Format { return s }

// Measure does nothing.
func (s *Summary) Measure(*flow.Flow) {}

// AppendHeader appends nothing: the groups have a header of their own.
func (s *Summary) AppendHeader(dst []byte) []byte { return dst }

// AppendFlow adds a flow to the table, and appends nothing.
func (s *Summary) AppendFlow(dst []byte, f *flow.Flow, a *annotate.Annotation) []byte {
	sum := summary.OfCapture(f, a)
	s.Table.Add(&sum)
	return dst
}

// AppendFooter appends the groups.
func (s *Summary) AppendFooter(dst []byte) []byte { return s.AppendSoFar(dst, time.Now()) }

// AppendSoFar appends the groups, at a time that is written with them if Every is
// set, and empties the table.
func (s *Summary) AppendSoFar(dst []byte, now time.Time) []byte {
	defer s.Table.Reset()
	groups, all := s.Table.Top(s.Top, s.Order)
	at := ""
	if s.Every {
		at = summaryTime(now.UnixNano())
	}
	switch s.name {
	case "json":
		return s.appendJSON(dst, groups, at)
	case "csv":
		return s.appendCSV(dst, groups, at)
	}
	return s.appendText(dst, groups, all, at)
}

// summaryRecord is a group in JSON.
type summaryRecord struct {
	At        string            `json:"at,omitempty"`
	By        map[string]string `json:"by"`
	Name      string            `json:"name,omitempty"`
	Others    bool              `json:"others,omitempty"` // groups that were not told apart
	Flows     uint64            `json:"flows"`
	Packets   *uint64           `json:"packets,omitempty"` // absent where nothing reports them
	Bytes     *uint64           `json:"bytes,omitempty"`
	Uncounted uint64            `json:"flows_without_counts,omitempty"`
	Clients   int               `json:"clients"`
	Servers   int               `json:"servers"`
	AtLeast   bool              `json:"clients_and_servers_at_least,omitempty"`
	Start     string            `json:"start,omitempty"`
	End       string            `json:"end,omitempty"`
	Statuses  map[string]uint64 `json:"statuses"`
	Observed  map[string]uint64 `json:"observed"`
	Caveat    string            `json:"caveat"`
}

// summaryTime gives a time of a group; "" for one that is not known.
func summaryTime(ns int64) string {
	if ns == 0 {
		return ""
	}
	return time.Unix(0, ns).UTC().Format("2006-01-02T15:04:05.000000Z")
}

// withOthers adds the flows of groups that were not told apart, if there are any.
func (s *Summary) withOthers(groups []*summary.Group) []*summary.Group {
	if s.Table.Others.Flows > 0 {
		groups = append(slices.Clip(groups), &s.Table.Others)
	}
	return groups
}

func (s *Summary) appendJSON(dst []byte, groups []*summary.Group, at string) []byte {
	for _, g := range s.withOthers(groups) {
		r := summaryRecord{At: at, By: map[string]string{}, Name: g.Name, Others: g == &s.Table.Others, Flows: g.Flows, Uncounted: g.Uncounted,
			Clients: g.Clients(), Servers: g.Servers(), AtLeast: g.AtLeast, Start: summaryTime(g.First), End: summaryTime(g.Last),
			Statuses: statusCounts(g), Observed: observedCounts(g), Caveat: iana.Caveat}
		if g.Uncounted < g.Flows {
			r.Packets, r.Bytes = &g.Packets, &g.Bytes
		}
		for i, key := range g.Keys {
			r.By[s.Table.Keys[i].String()] = key
		}
		b, err := json.Marshal(&r)
		if err != nil {
			panic(err) // strings and numbers always have a JSON form
		}
		dst = append(iana.AppendVisibleJSON(dst, b), '\n')
	}
	return dst
}

// statusCounts counts the flows of a group by status, "no side" among them.
func statusCounts(g *summary.Group) map[string]uint64 {
	m := map[string]uint64{}
	for s, n := range g.Statuses {
		if n > 0 {
			m[iana.Status(s).String()] = n
		}
	}
	if g.NoSide > 0 {
		m["no side"] = g.NoSide
	}
	return m
}

func observedCounts(g *summary.Group) map[string]uint64 {
	m := map[string]uint64{}
	for p, n := range g.Observed {
		m[p.String()] = n
	}
	return m
}

// counts gives "tls 3, ssh 1": the most frequent first.
func counts(m map[string]uint64) string {
	names := slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(cmp.Compare(m[b], m[a]), cmp.Compare(a, b))
	})
	for i, name := range names {
		names[i] = name + " " + strconv.FormatUint(m[name], 10)
	}
	return strings.Join(names, ", ")
}

// row gives the cells of a group.
func (s *Summary) row(g *summary.Group) []string {
	row := slices.Clone(g.Keys)
	if g == &s.Table.Others {
		row = make([]string, len(s.Table.Keys))
		row[0] = "(others)"
	}
	if s.named {
		name := g.Name
		if name == "" && s.name == "text" {
			name = "-"
		}
		row = append(row, name)
	}
	least, counted := "", ""
	if g.AtLeast && s.name == "text" {
		least = ">="
	}
	if g.Uncounted > 0 && s.name == "text" {
		counted = ">="
	}
	packets, bytes := counted+strconv.FormatUint(g.Packets, 10), counted+strconv.FormatUint(g.Bytes, 10)
	if g.Uncounted == g.Flows {
		packets, bytes = "", ""
	}
	return append(row, strconv.FormatUint(g.Flows, 10), packets, bytes,
		least+strconv.Itoa(g.Clients()), least+strconv.Itoa(g.Servers()), summaryTime(g.First), summaryTime(g.Last),
		s.statuses(g), counts(observedCounts(g)))
}

// statuses counts flows by status; text leaves out the number of the only one.
func (s *Summary) statuses(g *summary.Group) string {
	m := statusCounts(g)
	for status := range m {
		if s.name == "text" && len(m) == 1 {
			return status
		}
	}
	return counts(m)
}

func (s *Summary) head() (names []string) {
	for _, k := range s.Table.Keys {
		names = append(names, k.String())
	}
	if s.named {
		names = append(names, "name")
	}
	return append(names, "flows", "packets", "bytes", "clients", "servers", "start", "end", "statuses", "observed_protocols")
}

func (s *Summary) appendCSV(dst []byte, groups []*summary.Group, at string) []byte {
	write := func(row []string, least, uncounted, at, caveat string) {
		row = append(row, least, uncounted)
		if s.Every {
			row = append(row, at)
		}
		dst = appendRow(dst, append(row, caveat))
	}
	if !s.began {
		write(s.head(), "clients_and_servers_at_least", "flows_without_counts", "at", "caveat")
		s.began = true
	}
	for _, g := range s.withOthers(groups) {
		write(s.row(g), strconv.FormatBool(g.AtLeast), strconv.FormatUint(g.Uncounted, 10), at, iana.Caveat)
	}
	return dst
}

func appendRow(dst []byte, cells []string) []byte {
	for i, c := range cells {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = annotate.AppendCSV(dst, c)
	}
	return append(dst, '\n')
}

// appendText leaves out what only says again what a key says, and on a terminal
// also the times.
func (s *Summary) appendText(dst []byte, groups []*summary.Group, all int, at string) []byte {
	rows := [][]string{s.head()}
	for i, h := range rows[0] {
		h, _, _ = strings.Cut(h, "_")
		rows[0][i] = strings.ToUpper(h)
	}
	for _, g := range s.withOthers(groups) {
		row := s.row(g)
		for i := range row[:len(s.Table.Keys)] {
			row[i] = string(annotate.AppendVisible(nil, row[i]))
		}
		rows = append(rows, row)
	}
	keys := len(s.Table.Keys)
	if s.named {
		keys++
	}
	numbers := 5 // flows to servers
	statuses := keys + 7
	if s.meta.Width > 0 {
		noClients, noServers := slices.Contains(s.Table.Keys, summary.Client), slices.Contains(s.Table.Keys, summary.Server)
		for _, no := range []bool{noClients, noServers} {
			if no {
				numbers--
			}
		}
		statuses = keys + numbers
		for i, r := range rows {
			r = slices.Delete(r, keys+5, keys+7)
			if noServers {
				r = slices.Delete(r, keys+4, keys+5)
			}
			if noClients {
				r = slices.Delete(r, keys+3, keys+4)
			}
			if slices.Contains(s.Table.Keys, summary.Protocol) {
				r = r[:statuses+1]
			}
			if slices.Contains(s.Table.Keys, summary.Status) {
				r = slices.Delete(r, statuses, statuses+1)
			}
			rows[i] = r
		}
	}
	widths := make([]int, len(rows[0]))
	measure := func(i int) {
		widths[i] = 0
		for _, r := range rows {
			widths[i] = max(widths[i], len(r[i]))
		}
	}
	for i := range widths {
		measure(i)
	}
	width := s.meta.Width
	if width > 0 && statuses < len(widths)-1 { // one long list of statuses must not push all protocols apart
		widths[statuses] = min(widths[statuses], len("unassigned"))
	}
	last := len(widths) - 1
	heads := last + len(rows[0][last])
	for _, w := range widths[:last] {
		heads += w
	}
	if width > 0 && heads > width { // no line for the last heading alone
		rows[0][keys+1] = "PKTS"
		measure(keys + 1)
	}
	if width == 0 {
		width = 1 << 20
	}
	if s.began {
		dst = append(dst, '\n')
	}
	s.began = true
	if at != "" {
		dst = append(append(dst, at...), '\n')
	}
	for n, r := range rows {
		l := line{dst: dst, start: len(dst), width: width}
		for i, c := range r {
			if c == "" {
				l.at += widths[i] + 1
				continue
			}
			if number := i >= keys && i < keys+numbers; number {
				c = fmt.Sprintf("%*s", widths[i], c)
			}
			color := ""
			if s.meta.Color {
				color = s.color(n, i, statuses, c)
			}
			l.coloredCell(widths[i], []byte(c), color)
		}
		dst = append(bytes.TrimRight(l.dst, " "), '\n')
	}
	l := line{dst: dst, start: len(dst), width: width}
	l.words(fmt.Appendf(nil, "%d of %d groups. %s %s.", len(groups), all, iana.Warning, s.meta.registry()), "# ")
	dst = append(l.dst, '\n')
	if s.Table.Others.Flows > 0 {
		dst = fmt.Appendf(dst, "# (others): flows of groups beyond the first %d.\n", summary.MaxGroups)
	}
	if slices.ContainsFunc(groups, func(g *summary.Group) bool { return g.AtLeast }) {
		dst = fmt.Appendf(dst, "# >=: beyond %d addresses, clients and servers are not told apart.\n", summary.MaxAddresses)
	}
	return dst
}

// color is that of a cell: the header is bold, and statuses and verdicts that
// deserve a look are marked.
func (s *Summary) color(row, column, statuses int, cell string) string {
	if row == 0 {
		return ascii.Bold
	}
	var k summary.Key
	if column < len(s.Table.Keys) {
		k = s.Table.Keys[column]
	} else if column != statuses {
		return ""
	}
	switch {
	case column < len(s.Table.Keys) && k == summary.Verdict && cell == observe.Contradicts.String():
		return ascii.Red
	case column < len(s.Table.Keys) && k != summary.Status:
		return ""
	case strings.Contains(cell, iana.Reserved.String()):
		return ascii.Red
	case strings.Contains(cell, iana.Unassigned.String()):
		return ascii.Yellow
	}
	return ""
}
