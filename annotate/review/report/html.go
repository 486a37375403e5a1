package report

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/portannot/portannot/annotate/internal/share"
	"github.com/portannot/portannot/annotate/review"
)

// The report as HTML is one file: styles and the script stand in it, and the
// Content-Security-Policy lets nothing but these two run, by their hashes, and
// nothing be loaded.

//go:embed html/report.css
var pageStyle string

//go:embed html/report.js
var pageScript string

// Bounds of what the page lists; a browser is slow with more, and a reader too.
const (
	maxPageFindings = 2000
	maxMatrixRules  = 150
	maxMatrixColumn = 80
	maxPageRules    = 10_000
	maxPageGroups   = 300
)

// pageData is what the page shows.
type pageData struct {
	R              *review.Report
	Policy         string // of content security
	Style, Script  string
	Window, Length string
	Flows          string
	Outcomes       string
	Levels         []pageLevel
	About          []pageFact
	Bars           []pageBar
	BarMax         int
	Legend         []pageLegend
	Bins           []pageBin
	BinCount       int
	BinMax         int
	BinText        string
	AxisFirst      string
	AxisMiddle     string
	AxisLast       string
	Findings       []pageFinding
	AllFindings    int
	ByPort         []pageByPort
	MorePorts      string
	Cut            []string // kinds and levels of which not all findings are listed
	ServiceColumns []pageColumn
	Services       []pageService
	Matrices       []pageMatrix
	Reasons        []pageReasons
	ReasonsTitle   string
	ReasonsLead    string
	Entries        []pageEntry
	Losses         []string
	Title, Author  string
	Made           []pageFact // how
}

type (
	pageFact  struct{ Name, Value string }
	pageLevel struct {
		Name, Label string
		Count       int
	}
	pageLegend struct{ Class, Label string }
	pagePart   struct {
		Class       string
		From, Count int
		X           string
		Y           int
		Text        string
	}
	pageBar struct {
		Name, Text string
		Count      int
		Parts      []pagePart
	}
	pageBin     struct{ Parts []pagePart }
	pageFinding struct {
		*review.Finding
		Anchor, Title, Place, About string
		Rank                        int
	}
	// pageByPort counts the findings of one kind and level about one port.
	pageByPort struct {
		Level                           review.Level
		Title, Port, Networks           string
		Rank, Number, Findings, Servers int
	}
	pageColumn struct {
		Name   string
		Number bool
	}
	pageLink struct {
		Anchor, Kind, Title string
		Level               review.Level
	}
	pageService struct {
		ID, Sort, Status, Names, Clients string
		Flows, Bytes                     uint64
		Size, FirstText, LastText        string
		First, Last                      review.Time
		Outcome, Policy, PolicyClass     string
		Rules, RulesClass                string
		Findings                         []pageLink
		Rank                             int
	}
	pageCell struct {
		Verdict string
		Flows   uint64
	}
	pageRow struct {
		Place, Action, Text string
		Cells               []pageCell
	}
	// pageRule is a rule with its use over all services.
	pageRule struct {
		*review.RuleUse
		Number              int // in the order of the rules, from 1
		Place, Name, Remark string
		Action, Class       string
		Size, LastText      string
		CounterSize         string
	}
	pageMatrix struct {
		Title    string
		Rules    []pageRule
		Counters bool // the rules tell counters of the firewall's own
		Left     string
		Columns  []string
		Rows     []pageRow
		More     string
		Notes    []review.RuleNote
	}
	pageEntry struct {
		review.PolicyEntry
		Ignore bool
		Who    string
	}
)

func writeReportHTML(w io.Writer, r *review.Report, m Meta) error {
	d := &pageData{
		R:     r,
		Style: "\n" + pageStyle, Script: "\n" + pageScript,
		Window: r.Window.Text(), Length: review.Length(r.Window.Duration()),
		Flows:    fmt.Sprintf("%s, %s", counted(int(r.Traffic.Flows), "flow"), r.Window.Text()),
		Outcomes: countList(r.Summary.Outcomes),
		Losses:   losses(r),
		Title:    m.title(), Author: m.Author,
	}
	for _, f := range provenance(r, &m) {
		d.Made = append(d.Made, pageFact{f.name, f.value})
	}
	if r.Window.First == 0 {
		d.Window, d.Length = "The time of the traffic is not known.", "not known"
	} else {
		d.Window = fmt.Sprintf("%s (%s)", d.Window, d.Length)
	}
	d.Policy = fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; img-src data:; base-uri 'none'; form-action 'none'",
		cspHash(d.Style), cspHash(d.Script))
	for _, f := range about(r) {
		if f.name != "window" && f.name != "registry" && f.name != "findings" { // which stand above
			d.About = append(d.About, pageFact{f.name, f.value})
		}
	}
	d.levels()
	d.charts()
	anchors := d.findings()
	d.byPort()
	d.services(anchors)
	d.matrices()
	d.reasons(anchors)
	d.entries()
	return d.write(w)
}

// cspHash writes the hash by which a Content-Security-Policy allows an inline
// style or script (CSP 3, section 2.3.1).
func cspHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

func (d *pageData) levels() {
	counts := map[string]int{}
	for _, c := range d.R.Summary.Levels {
		counts[c.Name] = c.Count
	}
	for l := review.Error; l >= review.Note; l-- {
		n := counts[l.String()]
		label := l.String() + "s"
		if n == 1 {
			label = l.String()
		}
		d.Levels = append(d.Levels, pageLevel{l.String(), label, n})
	}
}

// serviceClasses are how charts show review.Classes.
var serviceClasses = [review.NumClasses]pageLegend{
	{"good", "expected"}, {"bad", "not expected"}, {"open", "answered, no policy"}, {"mute", "ignored, or nothing answered"},
}

// charts makes those of services by status and by when they were first seen.
func (d *pageData) charts() {
	var used [review.NumClasses]bool
	for _, st := range d.R.Charts.Statuses {
		bar := pageBar{Name: st.Status.String()}
		var words []string
		for i, n := range st.Counts {
			if n == 0 {
				continue
			}
			used[i] = true
			bar.Parts = append(bar.Parts, pagePart{Class: serviceClasses[i].Class, From: bar.Count, Count: n})
			words = append(words, fmt.Sprintf("%d %s", n, serviceClasses[i].Label))
			bar.Count += n
		}
		bar.Text = fmt.Sprintf("%s: %s", bar.Name, strings.Join(words, ", "))
		d.Bars = append(d.Bars, bar)
		d.BarMax = max(d.BarMax, bar.Count)
	}
	for i, ok := range used {
		if ok {
			d.Legend = append(d.Legend, serviceClasses[i])
		}
	}
	if len(d.R.Charts.FirstSeen) > 0 {
		d.timeline(d.R.Charts.FirstSeen)
	}
}

func (d *pageData) timeline(bins [][review.NumClasses]int) {
	tenths := make([]int, 10)
	for i, counts := range bins {
		sum := 0
		for _, n := range counts {
			sum += n
		}
		d.BinMax = max(d.BinMax, sum)
		tenths[i*10/len(bins)] += sum
	}
	if d.BinMax == 0 {
		return
	}
	d.BinCount = len(bins)
	first, length := int64(d.R.Window.First), int64(d.R.Window.Duration())
	for i, counts := range bins {
		var b pageBin
		top := d.BinMax
		at := review.Time(first + length/int64(len(bins))*int64(i))
		for class, n := range counts {
			if n == 0 {
				continue
			}
			top -= n
			b.Parts = append(b.Parts, pagePart{
				Class: serviceClasses[class].Class, X: fmt.Sprintf("%d.1", i), Y: top, Count: n,
				Text: fmt.Sprintf("%s %s, from %s", counted(n, "service"), serviceClasses[class].Label, at.Moment()),
			})
		}
		d.Bins = append(d.Bins, b)
	}
	words := make([]string, len(tenths))
	for i, n := range tenths {
		words[i] = strconv.Itoa(n)
	}
	d.BinText = "Services first seen in each tenth of the window: " + strings.Join(words, ", ") + "."
	d.AxisFirst, d.AxisMiddle, d.AxisLast = d.R.Window.First.Moment(), review.Time(first+length/2).Moment(), d.R.Window.Last.Moment()
	const day = len("2026-09-14 ")
	if d.AxisFirst[:day] == d.AxisLast[:day] {
		d.AxisMiddle, d.AxisLast = d.AxisMiddle[day:], d.AxisLast[day:]
	} else {
		d.AxisMiddle = d.AxisMiddle[:day-1]
	}
}

// findings lists the findings, and gives the anchors by identifier. Where there are
// more than the page has room for, each kind and level has its share.
func (d *pageData) findings() map[string]pageLink {
	groups := d.groups()
	sizes := make([]int, len(groups))
	for i, g := range groups {
		sizes[i] = len(g.list)
	}
	links := map[string]pageLink{}
	for i, room := range share.Out(sizes, maxPageFindings) {
		g := groups[i]
		d.AllFindings += g.all
		info := g.list[0].Kind.Info()
		for _, f := range shared(g.list, room) {
			p := pageFinding{Finding: f, Anchor: fmt.Sprintf("f%d", len(d.Findings)+1), Title: info.Title, About: info.About, Rank: int(review.Error - f.Level)}
			if f.File != "" {
				p.Place = f.File
				if f.Line > 0 {
					p.Place += fmt.Sprintf(":%d", f.Line)
				}
			}
			d.Findings = append(d.Findings, p)
			links[f.ID] = pageLink{p.Anchor, f.Kind.String(), info.Title, f.Level}
		}
		if room < g.all {
			d.Cut = append(d.Cut, fmt.Sprintf("%v: %s: %s of %s", g.list[0].Level, info.Title, thousands(room), thousands(g.all)))
		}
	}
	return links
}

// byPort counts findings by kind and port, where that is shorter than to list them.
func (d *pageData) byPort() {
	if len(d.Cut) == 0 {
		return
	}
	var sizes []int // of each kind and level
	for i := range d.R.Groups {
		if g := &d.R.Groups[i]; i == 0 || g.Kind != d.R.Groups[i-1].Kind || g.Level != d.R.Groups[i-1].Level {
			sizes = append(sizes, 0)
		}
		sizes[len(sizes)-1]++
	}
	var list []review.FindingGroup
	begin := 0
	for i, n := range share.Out(sizes, maxPageGroups) {
		list = append(list, d.R.Groups[begin:begin+n]...)
		begin += sizes[i]
	}
	for i := range list {
		g := &list[i]
		row := pageByPort{
			Level: g.Level, Title: g.Kind.Info().Title, Port: fmt.Sprintf("%d/%s", g.Port, g.Transport),
			Rank: int(review.Error - g.Level), Number: int(g.Port), Findings: g.Findings, Servers: g.Servers,
		}
		row.Networks = networksText(g)
		d.ByPort = append(d.ByPort, row)
	}
	if n := len(d.R.Groups); n > maxPageGroups {
		d.MorePorts = fmt.Sprintf("%s of %s kinds and ports are listed.", thousands(maxPageGroups), thousands(n))
	}
}

// networksText says where the servers of a group are.
func networksText(g *review.FindingGroup) string {
	var parts []string
	for _, n := range g.Networks {
		parts = append(parts, fmt.Sprintf("%s: %s", n.Name, thousands(n.Count)))
	}
	text := strings.Join(parts, ", ")
	if g.MoreNetworks > 0 {
		text += " and " + counted(g.MoreNetworks, "more network")
	}
	return text
}

// shared chooses so many findings of a kind and level, of each port its share.
func shared(list []review.Finding, room int) (kept []*review.Finding) {
	var ports []string // in the order in which they come
	sizes := map[string]int{}
	for i := range list {
		port := portOf(list[i].Service)
		if sizes[port]++; sizes[port] == 1 {
			ports = append(ports, port)
		}
	}
	numbers := make([]int, len(ports))
	for i, port := range ports {
		numbers[i] = sizes[port]
	}
	left := map[string]int{}
	for i, n := range share.Out(numbers, room) {
		left[ports[i]] = n
	}
	for i := range list {
		if port := portOf(list[i].Service); left[port] > 0 {
			left[port]--
			kept = append(kept, &list[i])
		}
	}
	return kept
}

// portOf gives the port in the identifier of a service, "443/tcp".
func portOf(id string) string { return id[strings.LastIndexByte(id, ':')+1:] }

// pageGroup is the findings of one kind and level; all counts those that the report
// leaves out, too.
type pageGroup struct {
	list []review.Finding
	all  int
}

func (d *pageData) groups() (groups []pageGroup) {
	list := d.R.Findings
	for begin, i := 0, 0; i < len(list); i++ {
		f := &list[i]
		if i+1 == len(list) || list[i+1].Kind != f.Kind || list[i+1].Level != f.Level {
			n := i + 1 - begin
			groups = append(groups, pageGroup{list[begin : i+1], n + unlisted(d.R, f.Kind, f.Level)})
			begin = i + 1
		}
	}
	return groups
}

func (d *pageData) services(links map[string]pageLink) {
	d.ServiceColumns = []pageColumn{{"Service", false}, {"Registered", false}, {"Clients", true}, {"Flows", true}, {"Size", true},
		{"First seen", false}, {"Last seen", false}, {"Outcome", false}}
	if d.R.Policy != nil {
		d.ServiceColumns = append(d.ServiceColumns, pageColumn{"Policy", false})
	}
	if d.R.Rules != nil {
		d.ServiceColumns = append(d.ServiceColumns, pageColumn{"Rules", false})
	}
	d.ServiceColumns = append(d.ServiceColumns, pageColumn{"Findings", false})
	for i := range d.R.Services {
		s := &d.R.Services[i]
		p := pageService{
			ID: s.ID, Sort: sortKey(s), Status: s.Registered.Status.String(), Clients: clientCount(&s.Clients),
			Flows: s.Flows, Bytes: s.Bytes, Size: "-", First: s.First, Last: s.Last,
			FirstText: d.moment(s.First), LastText: d.moment(s.Last), Outcome: s.Outcome, Policy: s.Policy, Rules: "-",
			Rank: int(review.Error) + 1,
		}
		if names := serviceNames(s); names != "-" {
			p.Names = names
		}
		if s.Uncounted < s.Flows {
			p.Size = review.Size(s.Bytes)
		}
		switch s.Policy {
		case "expected":
			p.PolicyClass = "t-good"
		case "unexpected", "partly", "expired":
			p.PolicyClass = "t-warning"
		}
		if s.Rules != nil {
			p.Rules = s.Rules.Verdict
			switch p.Rules {
			case "allow":
				p.RulesClass = "t-good"
			case "deny":
				p.RulesClass = "t-error"
			default:
				p.RulesClass = "t-warning"
			}
		}
		p.Findings = linksOf(links, s.Findings)
		for _, l := range p.Findings {
			if l.Anchor != "" {
				p.Rank = min(p.Rank, int(review.Error-l.Level))
			}
		}
		if s.Highest > review.NoLevel {
			p.Rank = min(p.Rank, int(review.Error-s.Highest))
		}
		d.Services = append(d.Services, p)
	}
}

// linksOf leads to findings. One that is not listed has a name and no link, which is
// not to say that there is none.
func linksOf(links map[string]pageLink, ids []string) (list []pageLink) {
	for _, id := range ids {
		l, ok := links[id]
		if !ok {
			kind, _, _ := strings.Cut(id, ":")
			l = pageLink{Kind: kind, Title: "not listed here"}
		}
		list = append(list, l)
	}
	return list
}

// sortKey orders services by address, then port, as text.
func sortKey(s *review.Service) string {
	a, err := netip.ParseAddr(s.Server)
	if err != nil {
		return s.ID
	}
	kind := "4"
	if a.Is6() {
		kind = "6"
	}
	return fmt.Sprintf("%s %s %05d %s", kind, a.StringExpanded(), s.Port, s.Transport)
}

// moment writes a time as short as the window allows.
func (d *pageData) moment(t review.Time) string {
	if t == 0 {
		return "-"
	}
	const day = len("2026-09-14 ")
	if text := t.Moment(); d.R.Window.First.Moment()[:day] == d.R.Window.Last.Moment()[:day] {
		return text[day:]
	} else {
		return text
	}
}

// rules lists the rules of a set with their use, whatever services are listed.
func (m *pageMatrix) rules(d *pageData, set *review.RuleSet) {
	m.Counters = slices.ContainsFunc(set.Rules, func(u review.RuleUse) bool { return u.Counter != nil })
	for i := range set.Rules[:min(len(set.Rules), maxPageRules)] {
		u := &set.Rules[i]
		row := pageRule{
			RuleUse: u, Number: i + 1, Place: rulePlace(set, u), Name: ruleName(u), Action: ruleAction(u), Size: ruleSize(u), LastText: d.moment(u.Last),
		}
		switch u.Action {
		case "allow":
			row.Class = "t-good"
		case "deny":
			row.Class = "t-error"
		default:
			row.Class = "soft"
		}
		if !strings.Contains(u.Text, u.Comment) {
			row.Remark = u.Comment
		}
		if u.Counter != nil {
			row.CounterSize = review.Size(u.Counter.Bytes)
		}
		m.Rules = append(m.Rules, row)
	}
	if len(set.Rules) > maxPageRules {
		m.Left = fmt.Sprintf("%s of %s are listed; -o json has all", thousands(maxPageRules), counted(len(set.Rules), "rule"))
	}
}

// matrices lists rules, and sets them beside the services whose flows they decide.
func (d *pageData) matrices() {
	var columns []*review.Service
	more := 0
	for i := range d.R.Services {
		s := &d.R.Services[i]
		switch {
		case s.Rules == nil:
		case len(columns) == maxMatrixColumn:
			more++
		default:
			columns = append(columns, s)
		}
	}
	for i := range d.R.Rules {
		set := &d.R.Rules[i]
		m := pageMatrix{Title: fmt.Sprintf("%s (%s)", strings.Join(set.Files, ", "), set.Kind), Notes: set.Notes}
		m.rules(d, set)
		for _, s := range columns {
			m.Columns = append(m.Columns, s.ID)
		}
		for j := range set.Rules[:min(len(set.Rules), maxMatrixRules)] {
			u := &set.Rules[j]
			row := pageRow{Place: rulePlace(set, u), Action: u.Action, Text: u.Text}
			if u.Action == "unknown" {
				row.Action = ""
			}
			for _, s := range columns {
				row.Cells = append(row.Cells, cellOf(s, u.ID))
			}
			m.Rows = append(m.Rows, row)
		}
		if len(d.R.Rules) == 1 {
			if row, ok := defaults(columns); ok {
				m.Rows = append(m.Rows, row)
			}
		}
		var left []string
		if n := len(set.Rules); n > maxMatrixRules {
			left = append(left, fmt.Sprintf("%d of %s", maxMatrixRules, counted(n, "rule")))
		}
		if more > 0 {
			left = append(left, fmt.Sprintf("%d of %s", maxMatrixColumn, counted(maxMatrixColumn+more, "listed service")))
		}
		if len(left) > 0 {
			m.More = fmt.Sprintf("shown: %s; -o json has all", strings.Join(left, ", and "))
		}
		d.Matrices = append(d.Matrices, m)
	}
}

func cellOf(s *review.Service, rule string) (c pageCell) {
	for _, b := range s.Rules.By {
		if b.Rule == rule {
			c.Flows += b.Flows
			c.Verdict = b.Verdict
		}
	}
	return c
}

// defaults is the row of what no rule decides but a policy, or the lack of one.
func defaults(columns []*review.Service) (row pageRow, any bool) {
	row = pageRow{Text: "no rule: the default"}
	for _, s := range columns {
		r := s.Rules
		left := map[string]uint64{"allow": r.Allow, "deny": r.Deny}
		for _, b := range r.By {
			if n, ok := left[b.Verdict]; ok {
				left[b.Verdict] = n - min(n, b.Flows)
			}
		}
		c := pageCell{"allow", left["allow"]}
		if left["deny"] > 0 {
			c = pageCell{"deny", left["deny"]}
		}
		any = any || c.Flows > 0
		row.Cells = append(row.Cells, c)
	}
	return row, any
}

func (d *pageData) entries() {
	if d.R.Policy == nil {
		return
	}
	for i, list := range [][]review.PolicyEntry{d.R.Policy.Expected, d.R.Policy.Ignore} {
		for _, e := range list {
			var who []string
			for _, part := range []string{e.Owner, e.Ticket, e.Reason} {
				if part != "" {
					who = append(who, part)
				}
			}
			d.Entries = append(d.Entries, pageEntry{e, i == 1, strings.Join(who, "; ")})
		}
	}
}
