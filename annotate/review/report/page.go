package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/portannot/portannot/annotate"
)

// The page is written by calls rather than by html/template: that asks for methods by
// names that are known only when it runs, and so keeps the linker from leaving out any
// exported method of a program, which made it 3.5 MB larger.

// markup is HTML of the program's own. A constant becomes one by itself; text from
// outside does not, and has to be an argument.
type markup string

// page writes HTML to w. The first error ends it.
type page struct {
	w   io.Writer
	buf []byte
	err error
}

const pageBuffer = 64 << 10 // bytes

// put writes markup in which each % is the next argument, escaped. An argument may
// stand between tags or in an attribute in double quotes: not elsewhere in a tag, not
// in a style or a script, and not as the beginning of an address.
func (p *page) put(m markup, args ...any) {
	for _, a := range args {
		before, after, ok := strings.Cut(string(m), "%")
		if !ok {
			break
		}
		p.buf = append(p.buf, before...)
		s, ok := a.(string)
		if !ok {
			s = fmt.Sprint(a)
		}
		p.text(s)
		m = markup(after)
	}
	p.raw(string(m))
}

// raw writes what is escaped already.
func (p *page) raw(s string) {
	p.buf = append(p.buf, s...)
	if len(p.buf) >= pageBuffer {
		p.flush()
	}
}

// special has what could end text or an attribute, and the plus sign, with which
// UTF-7 would begin to write such characters.
var special = strings.NewReplacer(`"`, "&#34;", "&", "&amp;", "'", "&#39;", "+", "&#43;", "<", "&lt;", ">", "&gt;")

// text writes text from outside. It also escapes what a browser would not show, or
// would show in another order.
func (p *page) text(s string) {
	for line := range strings.Lines(s) {
		line, ended := strings.CutSuffix(line, "\n")
		p.buf = annotate.AppendVisible(p.buf, special.Replace(line))
		if ended {
			p.buf = append(p.buf, '\n')
		}
	}
}

func (p *page) flush() {
	if p.err == nil {
		_, p.err = p.w.Write(p.buf)
	}
	p.buf = p.buf[:0]
}

// write writes the whole page.
func (d *pageData) write(w io.Writer) error {
	p := &page{w: w}
	d.putHead(p)
	d.putSummary(p)
	d.putFindings(p)
	d.putServices(p)
	d.putRules(p)
	d.putReasons(p)
	d.putPolicy(p)
	d.putOthers(p)
	d.putAccount(p)
	p.put(`
<section class="sign" aria-label="Signature"><div class="wide">
<dl>
<div><dt>Reviewed by</dt><dd></dd></div>
<div><dt>Date</dt><dd></dd></div>
<div><dt>Signature</dt><dd></dd></div>
</dl>
</div></section>
</main>
<footer><div class="wide">
<p>% Registry edition %, <span class="mono">%</span>.</p>
<p>Written by portannot review.</p>
</div></footer>
<script>`, d.R.Warning, d.R.Registry.Edition, d.R.Registry.Source)
	p.raw(d.Script)
	p.put("</script>\n</body>\n</html>\n")
	p.flush()
	return p.err
}

func (d *pageData) putHead(p *page) {
	p.put(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="%">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>%, %</title>
<style>`, d.Policy, d.Title, d.Window)
	p.raw(d.Style)
	p.put(`</style>
</head>
<body>
<a class="skip" href="#findings">To the findings</a>
<header class="top"><div class="wide">
<h1>%</h1>
<p class="soft">%`, d.Title, d.Window)
	if d.Author != "" {
		p.put(", by %", d.Author)
	}
	p.put(`</p>
<p class="caveat" role="note"><strong>%</strong> Nothing here is called good or bad for its registration alone.</p>
</div></header>
<nav aria-label="Sections"><div class="wide"><ul>`, d.R.Warning)
	for _, s := range []struct {
		anchor, name string
		there        bool
	}{
		{"summary", "Summary", true},
		{"findings", "Findings", true},
		{"services", "Services", true},
		{"rules", "Rules", len(d.Matrices) > 0},
		{"reasons", "Reasons", len(d.Reasons) > 0},
		{"policy", "Policy", d.R.Policy != nil},
		{"others", "Others", len(d.R.Scanners)+len(d.R.Unsided) > 0},
		{"account", "Account", true},
	} {
		if s.there {
			p.put("\n<li><a href=\"#%\">%</a></li>", s.anchor, s.name)
		}
	}
	p.put("\n</ul></div></nav>\n<main>\n")
}

// section begins a section with a heading.
func (p *page) section(id, heading string) {
	p.put(`
<section id="%" aria-labelledby="h-%"><div class="wide">
<h2 id="h-%">%</h2>`, id, id, id, heading)
}

func (p *page) endSection() { p.put("\n</div></section>\n") }

func (d *pageData) putSummary(p *page) {
	p.section("summary", "Summary")
	p.put(`
<dl class="cards">
<div class="card"><dt>Findings</dt><dd class="levels">`)
	for _, l := range d.Levels {
		class := "none"
		if l.Count > 0 {
			class = "t-" + l.Name
		}
		p.put(`<span class="%"><b>%</b>%</span>`, class, thousands(l.Count), l.Label)
	}
	p.put(`</dd></div>
<div class="card"><dt>Services</dt><dd class="big">%</dd><dd class="small">%</dd></div>
<div class="card"><dt>Window</dt><dd class="big">%</dd><dd class="small">%</dd></div>
<div class="card"><dt>Registry</dt><dd class="big">%</dd><dd class="small">edition of the IANA port registry</dd></div>
</dl>
<dl class="about">`, thousands(d.R.Summary.Services), d.Outcomes, d.Length, d.Flows, d.R.Registry.Edition)
	for _, f := range d.About {
		p.put("\n<dt>%</dt><dd>%</dd>", f.Name, f.Value)
	}
	p.put("\n</dl>")
	if len(d.R.Remarks) > 0 {
		p.put("\n<ul class=\"remarks\">")
		for _, r := range d.R.Remarks {
			p.put("\n<li>%</li>", r)
		}
		p.put("\n</ul>")
	}
	if len(d.Bars) > 0 {
		d.putCharts(p)
	}
	p.endSection()
}

func (d *pageData) putCharts(p *page) {
	p.put(`
<div class="charts">
<figure>
<figcaption id="c-status">Services by what the registry says of their port</figcaption>
<div class="bars">`)
	for _, b := range d.Bars {
		p.put(`
<span>%</span>
<svg viewBox="0 0 % 1" preserveAspectRatio="none" role="img" aria-label="%">`, b.Name, d.BarMax, b.Text)
		for _, part := range b.Parts {
			p.put(`<rect class="f-%" x="%" y="0" width="%" height="1"/>`, part.Class, part.From, part.Count)
		}
		p.put("</svg>\n<span class=\"n\">%</span>", thousands(b.Count))
	}
	p.put("\n</div>\n")
	d.putLegend(p)
	p.put("\n</figure>")
	if len(d.Bins) > 0 {
		p.put(`
<figure class="line">
<figcaption id="c-time">Services by when they were first seen</figcaption>
<svg viewBox="0 0 % %" preserveAspectRatio="none" role="img" aria-labelledby="c-time c-time-text">
<desc id="c-time-text">%</desc>`, d.BinCount, d.BinMax, d.BinText)
		for _, b := range d.Bins {
			for _, part := range b.Parts {
				p.put(`<rect class="f-%" x="%" y="%" width="0.8" height="%"><title>%</title></rect>`,
					part.Class, part.X, part.Y, part.Count, part.Text)
			}
		}
		p.put(`
<line class="base" x1="0" y1="%" x2="%" y2="%"/>
</svg>
<div class="axis"><span>%</span><span>%</span><span>%</span></div>
`, d.BinMax, d.BinCount, d.BinMax, d.AxisFirst, d.AxisMiddle, d.AxisLast)
		d.putLegend(p)
		p.put("\n</figure>")
	}
	p.put("\n</div>")
}

func (d *pageData) putLegend(p *page) {
	p.put(`<ul class="legend" aria-label="Colours">`)
	for _, l := range d.Legend {
		p.put(`<li><svg viewBox="0 0 1 1" aria-hidden="true"><rect class="f-%" width="1" height="1"/></svg>%</li>`, l.Class, l.Label)
	}
	p.put("</ul>")
}

// columns writes the head of a table and begins its body.
func (p *page) columns(list []pageColumn) {
	p.put(`
<thead role="rowgroup"><tr role="row">`)
	for _, c := range list {
		if c.Number {
			p.put(`<th scope="col" role="columnheader" class="n">%</th>`, c.Name)
		} else {
			p.put(`<th scope="col" role="columnheader">%</th>`, c.Name)
		}
	}
	p.put("</tr></thead>\n<tbody role=\"rowgroup\">")
}

func (p *page) endTable() { p.put("\n</tbody>\n</table>\n</div>") }

func (d *pageData) putFindings(p *page) {
	p.section("findings", "Findings")
	if len(d.Findings) == 0 {
		p.put("\n<p>None.</p>")
		p.endSection()
		return
	}
	p.put("\n<p class=\"lead\">The evidence is folded under each sentence.</p>")
	if len(d.Cut) > 0 {
		p.put(`
<p>% of % are listed, with room for each kind; -o json and -o csv-findings have all. Of these there are more:</p>
<ul class="plain cut">`, thousands(len(d.Findings)), counted(d.AllFindings, "finding"))
		for _, c := range d.Cut {
			p.put("\n<li>%</li>", c)
		}
		p.put("\n</ul>")
		if len(d.ByPort) > 0 {
			d.putByPort(p)
		}
	}
	p.put(`
<div class="tools" data-for="t-findings" data-all="%" hidden>
<label><span class="skip">Search the findings</span><input type="search" placeholder="Search findings"></label>`, d.AllFindings)
	for _, l := range d.Levels {
		if l.Count > 0 {
			p.put("\n<button type=\"button\" data-level=\"%\" aria-pressed=\"true\">%</button>", l.Name, l.Label)
		}
	}
	p.put(`
<output></output>
</div>
<div class="scroll">
<table id="t-findings" class="stack findings" role="table" data-sortable>
<caption>Findings, the gravest first</caption>`)
	p.columns([]pageColumn{{"Level", false}, {"Finding", false}, {"Subject", false}, {"Why", false}})
	for i := range d.Findings {
		d.Findings[i].put(p)
	}
	p.endTable()
	p.endSection()
}

func (f *pageFinding) put(p *page) {
	p.put(`
<tr id="%" role="row" data-level="%">
<td role="cell" data-sort="%"><span class="tag l-%">%</span></td>
<td role="cell">%</td>
<td role="cell"><span class="mono">%</span>`, f.Anchor, f.Level, f.Rank, f.Level, f.Level, f.Title, f.Subject)
	if f.Name != "" {
		p.put(`<br><span class="soft">%</span>`, f.Name)
	}
	p.put(`</td>
<td role="cell"><details><summary>%</summary>
<dl>`, f.Why)
	for _, x := range f.Facts {
		p.put("\n<dt>%</dt><dd>%</dd>", x.Name, x.Value)
	}
	if f.Place != "" {
		p.put("\n<dt>written in</dt><dd class=\"mono\">%</dd>", f.Place)
	}
	p.put(`
<dt>about this</dt><dd>%</dd>
<dt>identifier</dt><dd class="mono">%</dd>
</dl></details></td>
</tr>`, f.About, f.ID)
}

func (d *pageData) putByPort(p *page) {
	p.put(`
<details class="cut">
<summary>All findings about services, by kind and port</summary>
<div class="scroll" role="region" aria-label="Findings by kind and port" tabindex="0">
<table class="stack groups" role="table" data-sortable>
<caption>Findings by kind and port, listed or not</caption>`)
	p.columns([]pageColumn{{"Level", false}, {"Finding", false}, {"Port", false}, {"Findings", true}, {"Servers", true}, {"Servers by network", false}})
	for _, x := range d.ByPort {
		p.put(`
<tr role="row">
<td role="cell" data-sort="%"><span class="tag l-%">%</span></td>
<td role="cell">%</td>
<th scope="row" role="rowheader" data-sort="%"><span class="mono whole">%</span></th>
<td role="cell" class="n" data-label="findings" data-sort="%">%</td>
<td role="cell" class="n" data-label="servers" data-sort="%">%</td>
<td role="cell">%</td>
</tr>`, x.Rank, x.Level, x.Level, x.Title, x.Number, x.Port, x.Findings, thousands(x.Findings), x.Servers, thousands(x.Servers), x.Networks)
	}
	p.endTable()
	if d.MorePorts != "" {
		p.put("<p class=\"soft\">%</p>", d.MorePorts)
	}
	p.put("\n</details>")
}

func (d *pageData) putServices(p *page) {
	p.section("services", "Services")
	if len(d.Services) == 0 {
		p.put("\n<p>None.</p>")
		p.endSection()
		return
	}
	p.put("\n" + `<p class="lead">A service is an address, a transport and a port that clients spoke to. Times are UTC; sizes are bytes of both directions, as the IP headers give them.</p>`)
	if len(d.Services) < d.R.Summary.Services {
		p.put("\n"+`<p class="cut">% of % are listed: those with findings, then those of the most flows; -o json and -o csv have all.</p>`,
			thousands(len(d.Services)), counted(d.R.Summary.Services, "service"))
	}
	p.put(`
<div class="tools" data-for="t-services" data-all="%" hidden>
<label><span class="skip">Search the services</span><input type="search" placeholder="Search services"></label>
<output></output>
</div>
<div class="scroll" role="region" aria-labelledby="h-services" tabindex="0">
<table id="t-services" class="stack services" role="table" data-sortable>
<caption>Services</caption>`, d.R.Summary.Services)
	p.columns(d.ServiceColumns)
	for i := range d.Services {
		d.putService(p, &d.Services[i])
	}
	p.endTable()
	p.endSection()
}

func (d *pageData) putService(p *page, s *pageService) {
	p.put(`
<tr role="row">
<th scope="row" role="rowheader" data-sort="%"><span class="mono whole">%</span></th>
<td role="cell">%`, s.Sort, s.ID, s.Status)
	if s.Names != "" {
		p.put(` <span class="nowrap">%</span>`, s.Names)
	}
	p.put(`</td>
<td role="cell" class="n" data-label="clients">%</td>
<td role="cell" class="n" data-label="flows">%</td>
<td role="cell" class="n nowrap" data-label="size" data-sort="%">%</td>
<td role="cell" class="nowrap" data-label="first" data-sort="%">%</td>
<td role="cell" class="nowrap" data-label="last" data-sort="%">%</td>
<td role="cell" data-label="outcome">%</td>`, s.Clients, s.Flows, s.Bytes, s.Size, s.First, s.FirstText, s.Last, s.LastText, s.Outcome)
	if d.R.Policy != nil {
		p.put("\n<td role=\"cell\" data-label=\"policy\" class=\"%\">%</td>", s.PolicyClass, s.Policy)
	}
	if len(d.R.Rules) > 0 {
		p.put("\n<td role=\"cell\" data-label=\"rules\" class=\"%\">%</td>", s.RulesClass, s.Rules)
	}
	p.put("\n<td role=\"cell\"")
	p.label("findings", len(s.Findings) > 0)
	p.put(` data-sort="%">`, s.Rank)
	p.links(s.Findings)
	p.put("</td>\n</tr>")
}

// label names a cell, which is shown on narrow screens, unless it is empty.
func (p *page) label(name string, filled bool) {
	if filled {
		p.put(` data-label="%"`, name)
	} else {
		p.put(` class="empty"`)
	}
}

// links leads to findings.
func (p *page) links(list []pageLink) {
	for i, l := range list {
		if i > 0 {
			p.put(" ")
		}
		if l.Anchor != "" {
			p.put(`<a href="#%" class="tag l-%" title="%">%</a>`, l.Anchor, l.Level, l.Title, l.Kind)
		} else {
			p.put(`<span class="tag" title="%">%</span>`, l.Title, l.Kind)
		}
	}
}
