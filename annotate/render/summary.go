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
	"github.com/portannot/portannot/annotate/summary"
	"github.com/portannot/portannot/capture/flow"
)

// summaryFormat counts flows and writes the groups as its footer.
type summaryFormat struct {
	name  string
	meta  Meta
	table *summary.Table
	top   int
	sort  string
}

// NewSummary returns a Format that writes no flows, but adds them to a table
// and writes its groups at the end: the first top groups, or all if top is 0.
// sort is one of summary.ColumnNames. Clones share the table, so they must not
// be used at the same time.
func NewSummary(name string, m Meta, t *summary.Table, top int, sort string) (Format, error) {
	if !slices.Contains(Formats(), name) {
		return nil, fmt.Errorf("unknown output format %q: want text, json or csv", name)
	}
	return &summaryFormat{name, m, t, top, sort}, nil
}

func (s *summaryFormat) Clone() Format { return s }

func (s *summaryFormat) Measure(*flow.Flow) {}

func (s *summaryFormat) AppendHeader(dst []byte) []byte { return dst }

func (s *summaryFormat) AppendFlow(dst []byte, f *flow.Flow, a *annotate.Annotation) []byte {
	s.table.Add(f, a)
	return dst
}

func (s *summaryFormat) AppendFooter(dst []byte) []byte {
	groups, all := s.table.Top(s.top, s.sort)
	switch s.name {
	case "json":
		return s.appendJSON(dst, groups)
	case "csv":
		return s.appendCSV(dst, groups)
	}
	return s.appendText(dst, groups, all)
}

// summaryRecord is a group in JSON.
type summaryRecord struct {
	By       map[string]string `json:"by"`
	Others   bool              `json:"others,omitempty"` // groups that were not told apart
	Flows    uint64            `json:"flows"`
	Packets  uint64            `json:"packets"`
	Bytes    uint64            `json:"bytes"`
	Clients  int               `json:"clients"`
	Servers  int               `json:"servers"`
	AtLeast  bool              `json:"clients_and_servers_at_least,omitempty"`
	Start    string            `json:"start"`
	End      string            `json:"end"`
	Statuses map[string]uint64 `json:"statuses"`
	Observed map[string]uint64 `json:"observed"`
	Caveat   string            `json:"caveat"`
}

func summaryTime(ns int64) string {
	return time.Unix(0, ns).UTC().Format("2006-01-02T15:04:05.000000Z")
}

// withOthers adds the flows of groups that were not told apart, if there are any.
func (s *summaryFormat) withOthers(groups []*summary.Group) []*summary.Group {
	if s.table.Others.Flows > 0 {
		groups = append(slices.Clip(groups), &s.table.Others)
	}
	return groups
}

func (s *summaryFormat) appendJSON(dst []byte, groups []*summary.Group) []byte {
	for _, g := range s.withOthers(groups) {
		r := summaryRecord{By: map[string]string{}, Others: g == &s.table.Others, Flows: g.Flows, Packets: g.Packets, Bytes: g.Bytes,
			Clients: g.Clients(), Servers: g.Servers(), AtLeast: g.AtLeast, Start: summaryTime(g.First), End: summaryTime(g.Last),
			Statuses: statusCounts(g), Observed: observedCounts(g), Caveat: iana.Caveat}
		for i, key := range g.Keys {
			r.By[s.table.Keys[i].String()] = key
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
func (s *summaryFormat) row(g *summary.Group) []string {
	row := slices.Clone(g.Keys)
	if g == &s.table.Others {
		row = make([]string, len(s.table.Keys))
		row[0] = "(others)"
	}
	least := ""
	if g.AtLeast && s.name == "text" {
		least = ">="
	}
	return append(row, strconv.FormatUint(g.Flows, 10), strconv.FormatUint(g.Packets, 10), strconv.FormatUint(g.Bytes, 10),
		least+strconv.Itoa(g.Clients()), least+strconv.Itoa(g.Servers()), summaryTime(g.First), summaryTime(g.Last),
		counts(statusCounts(g)), counts(observedCounts(g)))
}

func (s *summaryFormat) head() (names []string) {
	for _, k := range s.table.Keys {
		names = append(names, k.String())
	}
	return append(names, "flows", "packets", "bytes", "clients", "servers", "start", "end", "statuses", "observed_protocols")
}

func (s *summaryFormat) appendCSV(dst []byte, groups []*summary.Group) []byte {
	dst = appendRow(dst, append(s.head(), "clients_and_servers_at_least"))
	for _, g := range s.withOthers(groups) {
		dst = appendRow(dst, append(s.row(g), strconv.FormatBool(g.AtLeast)))
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

// appendText leaves out the times where the terminal is narrow.
func (s *summaryFormat) appendText(dst []byte, groups []*summary.Group, all int) []byte {
	rows := [][]string{s.head()}
	for i, h := range rows[0] {
		rows[0][i] = strings.ToUpper(strings.ReplaceAll(h, "_", " "))
	}
	for _, g := range s.withOthers(groups) {
		row := s.row(g)
		for i := range row[:len(s.table.Keys)] {
			row[i] = string(annotate.AppendVisible(nil, row[i]))
		}
		rows = append(rows, row)
	}
	keys := len(s.table.Keys)
	if s.meta.Width > 0 {
		for i, r := range rows {
			rows[i] = slices.Delete(r, keys+5, keys+7)
		}
	}
	widths := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, c := range r {
			widths[i] = max(widths[i], len(c))
		}
	}
	width := s.meta.Width
	if width > 0 { // one long list of statuses must not push all protocols apart
		widths[keys+5] = min(widths[keys+5], len("unassigned 999"))
	}
	if width == 0 {
		width = 1 << 20
	}
	for _, r := range rows {
		l := line{dst: dst, start: len(dst), width: width}
		for i, c := range r {
			if c == "" {
				l.at += widths[i] + 1
				continue
			}
			if number := i >= keys && i < keys+5; number {
				c = fmt.Sprintf("%*s", widths[i], c)
			}
			l.cell(widths[i], []byte(c))
		}
		dst = append(bytes.TrimRight(l.dst, " "), '\n')
	}
	l := line{dst: dst, start: len(dst), width: width}
	l.words(fmt.Appendf(nil, "%d of %d groups. %s %s.", len(groups), all, iana.Warning, s.meta.registry()), "# ")
	dst = append(l.dst, '\n')
	if s.table.Others.Flows > 0 {
		dst = fmt.Appendf(dst, "# (others): flows of groups beyond the first %d.\n", summary.MaxGroups)
	}
	return dst
}
