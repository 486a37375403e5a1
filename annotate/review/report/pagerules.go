package report

import (
	"strconv"
	"strings"
)

func (d *pageData) putRules(p *page) {
	if len(d.Matrices) == 0 {
		return
	}
	p.section("rules", "Rules and traffic")
	p.put("\n"+`<p class="lead">How many flows each rule decides, or may decide where that is not known: first over all services, then by service for those that are listed here. % Sizes are bytes of both directions; times are UTC.</p>`, ruleCounting)
	for i := range d.Matrices {
		m := &d.Matrices[i]
		p.put("\n<h3 id=\"h-rules-%\">%</h3>", i, m.Title)
		if len(m.Rules) > 0 {
			m.putUse(p, i)
		}
		if len(m.Columns) > 0 {
			m.putCells(p)
		}
		if len(m.Notes) > 0 {
			p.put(`
<h3>Not interpreted, and so neither allowed nor denied</h3>
<ul class="plain">`)
			for _, n := range m.Notes {
				p.put("\n<li><span class=\"mono\">%:%</span> %: <code>%</code></li>", n.File, n.Line, n.Reason, n.Text)
			}
			p.put("\n</ul>")
		}
	}
	p.endSection()
}

// putUse lists the rules with their use over all services.
func (m *pageMatrix) putUse(p *page, number int) {
	p.put(`
<div class="scroll" role="region" aria-labelledby="h-rules-%" tabindex="0">
<table class="stack rules" role="table" data-sortable>
<caption>Rules and their use, %</caption>`, number, m.Title)
	columns := []pageColumn{{"Place", false}, {"Action", false}, {"Rule", false}, {"Decided", true}, {"Possible", true}, {"Services", true},
		{"Size", true}, {"Last seen", false}}
	if m.Counters {
		columns = append(columns, pageColumn{"Firewall's counter", true})
	}
	p.columns(columns)
	for i := range m.Rules {
		r := &m.Rules[i]
		p.put(`
<tr role="row">
<th scope="row" role="rowheader" data-sort="%"><span class="nowrap">%</span></th>
<td role="cell" class="%">%</td>
<td role="cell"><span class="rule">%</span>`, r.Number, r.Place, r.Class, r.Action, r.Text)
		if r.Name != "" {
			p.put(`<span class="soft more">%</span>`, r.Name)
		}
		if r.Remark != "" {
			p.put(`<span class="soft more">%</span>`, r.Remark)
		}
		if r.Assumes != "" {
			p.put(`<span class="more">assumed: %</span>`, r.Assumes)
		}
		if r.Partial != "" {
			p.put(`<span class="t-warning more">not interpreted: %</span>`, r.Partial)
		}
		p.put(`</td>
<td role="cell" class="n" data-label="decided">%</td>
<td role="cell" class="n" data-label="possible">%</td>
<td role="cell" class="n" data-label="services">%</td>
<td role="cell" class="n nowrap" data-label="size" data-sort="%">%</td>
<td role="cell" class="nowrap" data-label="last seen" data-sort="%">%</td>`, r.Decided, r.Possible, r.Services, r.Bytes, r.Size, r.Last, r.LastText)
		switch {
		case !m.Counters:
		case r.Counter != nil:
			p.put("\n"+`<td role="cell" class="n" data-label="firewall's counter" data-sort="%"><span class="nowrap">%</span>, <span class="nowrap">%</span></td>`,
				r.Counter.Packets, counted(int(r.Counter.Packets), "packet"), r.CounterSize)
		default:
			p.put("\n" + `<td role="cell" class="n" data-label="firewall's counter" data-sort="-1">-</td>`)
		}
		p.put("\n</tr>")
	}
	p.endTable()
	if m.Left != "" {
		p.put(`<p class="soft">%</p>`, m.Left)
	}
}

// putCells sets rules beside services.
func (m *pageMatrix) putCells(p *page) {
	p.put(`
<h4>By service</h4>
<div class="scroll" role="region" aria-label="Rules and services of %" tabindex="0">
<table class="matrix">
<caption>Flows by rule and service, %</caption>
<thead><tr><th scope="col">rule</th>`, m.Title, m.Title)
	for _, c := range m.Columns {
		p.put(`<th scope="col"><span>%</span></th>`, c)
	}
	p.put("</tr></thead>\n<tbody>")
	for i := range m.Rows {
		r := &m.Rows[i]
		p.put("\n"+`<tr><th scope="row"><span class="soft">% %</span> <span class="rule">%</span></th>`, r.Place, r.Action, r.Text)
		for _, c := range r.Cells {
			if c.Flows > 0 {
				p.put(`<td class="m-%">%</td>`, c.Verdict, c.Flows)
			} else {
				p.put("<td></td>")
			}
		}
		p.put("</tr>")
	}
	p.endTable()
	if m.More != "" {
		p.put(`<p class="soft">%</p>`, m.More)
	}
}

func (d *pageData) putReasons(p *page) {
	if len(d.Reasons) == 0 {
		return
	}
	p.section("reasons", d.ReasonsTitle)
	p.put("\n<p class=\"lead\">%</p>", d.ReasonsLead)
	for i := range d.Reasons {
		s := &d.Reasons[i]
		p.put("\n<h3 id=\"h-reasons-%\">%</h3>\n<p class=\"cut\">%", i, s.Title, s.Counts)
		if s.Left != "" {
			p.put(" %", s.Left)
		}
		p.put(`</p>
<div class="scroll" role="region" aria-labelledby="h-reasons-%" tabindex="0">
<table class="stack reasons" role="table" data-sortable>
<caption>Business reasons of the rules, %</caption>`, i, s.Title)
		p.columns([]pageColumn{{"Rule", false}, {"Allows", false}, {"Policy", false}, {"Use", false}, {"Missing", false}})
		for j := range s.Rows {
			s.Rows[j].put(p)
		}
		p.endTable()
	}
	p.endSection()
}

func (r *pageReasonRow) put(p *page) {
	p.put(`
<tr role="row">
<th scope="row" role="rowheader" data-sort="%"><span class="nowrap">%</span>`, r.Number, r.Place)
	if r.Name != "" {
		p.put(` <span class="soft more">%</span>`, r.Name)
	}
	if r.Comment != "" {
		p.put(` <span class="more">%</span>`, r.Comment)
	}
	p.put("</th>\n<td role=\"cell\" data-label=\"allows\">")
	if r.Note != "" {
		p.put("%", r.Note)
	} else {
		for _, a := range r.Allows {
			p.put(`<span class="more">%</span>`, a)
		}
	}
	p.put("</td>\n<td role=\"cell\"")
	p.label("policy", len(r.Entries) > 0)
	p.put(">")
	for _, e := range r.Entries {
		p.put(`<span class="more"><b>%</b>`, e.Label)
		if e.Text != "" {
			p.put(": %", e.Text)
		}
		p.put("</span>")
	}
	p.put("</td>\n<td role=\"cell\" data-label=\"use\" data-sort=\"%\">%</td>\n<td role=\"cell\"", r.Flows, r.Use)
	p.label("missing", len(r.Missing)+len(r.Findings) > 0)
	p.put(` data-sort="%">`, len(r.Missing))
	if len(r.Missing) > 0 {
		p.put(`<ul class="plain t-warning">`)
		for _, m := range r.Missing {
			p.put("<li>%</li>", m)
		}
		p.put("</ul>")
	}
	p.links(r.Findings)
	p.put("</td>\n</tr>")
}

func (d *pageData) putPolicy(p *page) {
	if d.R.Policy == nil {
		return
	}
	p.section("policy", "Policy")
	p.put(`
<p class="lead">The entries of <span class="mono">%</span> and the traffic that each covers.</p>
<div class="scroll">
<table id="t-policy" class="stack" role="table" data-sortable>
<caption>Entries of the policy</caption>`, d.R.Policy.File)
	p.columns([]pageColumn{{"Entry", false}, {"About", false}, {"Owner, ticket, reason", false}, {"Expires", false}, {"Services", true}, {"Flows", true}})
	for i := range d.Entries {
		e := &d.Entries[i]
		p.put(`
<tr role="row">
<th scope="row" role="rowheader" data-sort="%">% <span class="soft nowrap">line %`, e.Line, e.Label, e.Line)
		if e.Ignore {
			p.put(", ignored")
		}
		p.put(`</span></th>
<td role="cell"><span class="mono">%</span></td>
<td role="cell"`, e.Text)
		if e.Who == "" {
			p.put(` class="empty"`)
		}
		p.put(">%</td>\n<td role=\"cell\" ", e.Who)
		if e.Expires != "" {
			p.put(`data-label="expires" class="nowrap"`)
		} else {
			p.put(`class="empty"`)
		}
		p.put(`>%</td>
<td role="cell" class="n" data-label="services">%</td>
<td role="cell" class="n" data-label="flows">%</td>
</tr>`, e.Expires, e.Services, e.Flows)
	}
	p.endTable()
	p.endSection()
}

func (d *pageData) putOthers(p *page) {
	if len(d.R.Scanners)+len(d.R.Unsided) == 0 {
		return
	}
	p.section("others", "Others")
	if len(d.R.Scanners) > 0 {
		p.put("\n<h3>Scanners, whose targets are not among the services</h3>\n<ul class=\"plain\">")
		for i := range d.R.Scanners {
			s := &d.R.Scanners[i]
			p.put("\n<li><span class=\"mono\">%</span>: ", s.Address)
			if s.AtLeast {
				p.put("at least ")
			}
			p.put("% in vain on % and %, % answered; %", counted(int(s.Targets), "service"), counted(s.Servers, "server"), counted(s.Ports, "port"),
				s.Answered, counted(int(s.Flows), "flow"))
			if s.Ignored {
				p.put("; ignored by the policy")
			}
			p.put("</li>")
		}
		p.put("\n</ul>")
	}
	if len(d.R.Unsided) > 0 {
		p.put("\n<h3>Between which it is not known which end is the service</h3>\n<ul class=\"plain\">")
		for i := range d.R.Unsided {
			u := &d.R.Unsided[i]
			p.put("\n<li><span class=\"mono\">%</span> and <span class=\"mono\">%</span>, %: %, ports % and %</li>",
				u.A, u.B, u.Transport, counted(int(u.Flows), "flow"), portList(u.PortsA), portList(u.PortsB))
		}
		p.put("\n</ul>")
	}
	p.endSection()
}

func portList(ports []uint16) string {
	words := make([]string, len(ports))
	for i, port := range ports {
		words[i] = strconv.Itoa(int(port))
	}
	return strings.Join(words, ", ")
}

func (d *pageData) putAccount(p *page) {
	p.section("account", "Account")
	p.put("\n<p class=\"lead\">What was read, and what of it is in no service.</p>\n<dl class=\"about\">")
	for _, l := range d.Losses {
		p.put("\n<dt>not in the services</dt><dd>%</dd>", l)
	}
	if len(d.Losses) == 0 {
		p.put("\n<dt>not in the services</dt><dd>nothing</dd>")
	}
	p.put("\n</dl>")
	if len(d.Made) > 0 {
		p.put("\n<h3>How this report was made</h3>\n<dl class=\"about\">")
		for _, f := range d.Made {
			p.put("\n<dt>%</dt><dd", f.Name)
			if f.Name == "command" {
				p.put(` class="mono asis"`)
			}
			p.put(">%</dd>", f.Value)
		}
		p.put("\n</dl>")
	}
	p.put("\n</div></section>")
}
