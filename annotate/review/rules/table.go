package rules

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// The neutral table is the way in for firewalls that have no reader here: a row
// for each rule, as CSV with a header or as a JSON list of objects with the same
// names. The first row that matches decides. A row whose action is "define" gives
// a name to addresses or services, which other rows may use.

// column is what a column of the table says.
type column uint8

const (
	noColumn      column = iota // one whose meaning is not known
	skippedColumn               // one that is left out on purpose
	orderColumn
	actionColumn
	sourceColumn
	destinationColumn
	transportColumn
	portsColumn
	sourcePortsColumn
	interfaceColumn
	inColumn
	outColumn
	directionColumn
	nameColumn
	commentColumn
	enabledColumn
	conditionColumn
	numColumns
)

// columnNames are the names of columns in small letters, without anything else.
var columnNames = map[string]column{
	"order": orderColumn, "number": orderColumn, "no": orderColumn, "priority": orderColumn, "seq": orderColumn, "sequence": orderColumn,
	"action": actionColumn, "source": sourceColumn, "src": sourceColumn, "sourceaddress": sourceColumn, "srcaddr": sourceColumn,
	"destination": destinationColumn, "dst": destinationColumn, "dest": destinationColumn, "destinationaddress": destinationColumn, "dstaddr": destinationColumn,
	"transport": transportColumn, "protocol": transportColumn, "proto": transportColumn,
	"ports": portsColumn, "port": portsColumn, "destinationport": portsColumn, "destinationports": portsColumn, "dstport": portsColumn, "dport": portsColumn, "service": portsColumn,
	"sourceports": sourcePortsColumn, "sourceport": sourcePortsColumn, "srcport": sourcePortsColumn, "sport": sourcePortsColumn,
	"interface": interfaceColumn, "zone": interfaceColumn,
	"in": inColumn, "ininterface": inColumn, "frominterface": inColumn, "sourceinterface": inColumn, "srcintf": inColumn, "fromzone": inColumn, "sourcezone": inColumn,
	"out": outColumn, "outinterface": outColumn, "tointerface": outColumn, "destinationinterface": outColumn, "dstintf": outColumn, "tozone": outColumn, "destinationzone": outColumn,
	"direction": directionColumn, "name": nameColumn, "id": nameColumn, "rule": nameColumn,
	"comment": commentColumn, "comments": commentColumn, "description": commentColumn, "remark": commentColumn,
	"enabled": enabledColumn, "condition": conditionColumn,
}

func columnOf(name string) column {
	name = strings.ToLower(strings.TrimSpace(name))
	if strings.HasPrefix(name, "x-") || strings.HasPrefix(name, "x_") {
		return skippedColumn
	}
	return columnNames[strings.NewReplacer(" ", "", "_", "", "-", "").Replace(name)]
}

// isTable reports whether columns are those of a table.
func isTable(names []string) bool {
	var has [numColumns]bool
	for _, n := range names {
		has[columnOf(n)] = true
	}
	return has[actionColumn] && (has[sourceColumn] || has[destinationColumn])
}

// csvMark finds what separates the cells of a table in CSV; 0 if the text is none.
func csvMark(data []byte) rune {
	for line := range strings.Lines(string(data[:min(len(data), 1<<16)])) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		for _, mark := range []rune{',', ';', '\t'} {
			c := csv.NewReader(strings.NewReader(line))
			c.Comma = mark
			if names, err := c.Read(); err == nil && isTable(names) {
				return mark
			}
		}
		break
	}
	return 0
}

// tableRows gives the list of rows in JSON, nil if it is no table.
func tableRows(root *node) *node {
	list := root
	if l := root.get("rules"); l != nil {
		list = l
	}
	if !list.is(nodeArray) || len(list.list) == 0 || !list.list[0].is(nodeObject) || !isTable(list.list[0].keys) {
		return nil
	}
	for _, k := range list.list[0].list { // lists in objects are a vendor's own form
		if k.is(nodeObject) {
			return nil
		}
	}
	return list
}

// tableRow is one row: for each column the items of its cell.
type tableRow struct {
	line  int
	order float64
	cells [numColumns][]string
	// other is what stands in columns whose meaning is not known.
	other string
}

func (r *tableRow) text(c column) string { return strings.Join(r.cells[c], " ") }

// tableReader reads a table.
type tableReader struct {
	noter
	opt     Options
	rows    []tableRow
	defined map[string]*tableRow
	ids     map[string]int // how many rows have the name
	// Of the row at hand.
	rule  *Rule
	row   *tableRow
	steps []step
}

// readTable reads a table. The error has the line of what cannot be a row.
func readTable(f file, opt Options) (*Set, error) {
	r := &tableReader{noter: noter{file: f.name}, opt: opt, defined: map[string]*tableRow{}, ids: map[string]int{}}
	var err error
	if f.root != nil {
		err = r.json(tableRows(f.root))
	} else {
		err = r.csv(f.data)
	}
	if err != nil {
		return nil, fmt.Errorf("%s:%w", f.name, err)
	}
	slices.SortStableFunc(r.rows, func(a, b tableRow) int { return cmp.Compare(a.order, b.order) })
	nf := r.chains()
	s := &Set{Kind: Table, Files: []string{f.name}, Rules: r.rules, Notes: r.notes, decider: nf}
	s.finish(nf)
	return s, nil
}

func (r *tableReader) csv(data []byte) error {
	c := csv.NewReader(bytes.NewReader(data))
	c.Comma, c.Comment, c.FieldsPerRecord, c.TrimLeadingSpace = csvMark(data), '#', -1, true
	var header []string
	for {
		cells, err := c.Read()
		var bad *csv.ParseError
		switch {
		case err == io.EOF:
			return nil
		case errors.As(err, &bad):
			return fmt.Errorf("%d: %w", bad.StartLine, bad.Err)
		case err != nil:
			return err
		}
		line, _ := c.FieldPos(0)
		if header == nil {
			header = cells
			if err := r.header(line, header); err != nil {
				return err
			}
			continue
		}
		if len(cells) > len(header) {
			return fmt.Errorf("%d: %d cells, and the header has %d", line, len(cells), len(header))
		}
		row := tableRow{line: line}
		for i, text := range cells {
			row.add(header[i], splitCell(text))
		}
		if err := r.add(row); err != nil {
			return err
		}
	}
}

// header checks the names of columns, and notes those that are not known.
func (r *tableReader) header(line int, names []string) error {
	var has [numColumns]bool
	for _, n := range names {
		c := columnOf(n)
		switch {
		case c == noColumn:
			r.note(nil, line, n, "a column that is not known: a row with something in it may match or not; a column whose name begins with x- is left out")
		case c != skippedColumn && has[c]:
			return fmt.Errorf("%d: column %q says what another column says", line, n)
		}
		has[c] = true
	}
	return nil
}

func (r *tableReader) json(list *node) error {
	seen := map[string]bool{}
	for _, n := range list.list {
		if !n.is(nodeObject) {
			return fmt.Errorf("%d: a row that is no object", n.line)
		}
		if fresh := slices.DeleteFunc(slices.Clone(n.keys), func(k string) bool { return seen[k] }); len(fresh) > 0 {
			if err := r.header(n.line, n.keys); err != nil {
				return err
			}
			for _, k := range fresh {
				seen[k] = true
			}
		}
		row := tableRow{line: n.line}
		for i, k := range n.keys {
			var items []string
			for _, v := range n.list[i].elements() {
				if v.is(nodeArray) || v.is(nodeObject) {
					return fmt.Errorf("%d: %s holds more than a text or a list of texts", v.line, k)
				}
				items = append(items, splitCell(v.text)...)
			}
			row.add(k, items)
		}
		if err := r.add(row); err != nil {
			return err
		}
	}
	return nil
}

// splitCell gives the items of a cell, which commas, semicolons or ends of line
// separate. A space may be a part of a name.
func splitCell(s string) []string {
	items := strings.FieldsFunc(s, func(c rune) bool { return c == ',' || c == ';' || c == '\n' || c == '\r' })
	out := items[:0]
	for _, item := range items {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}

func (r *tableRow) add(name string, items []string) {
	switch c := columnOf(name); {
	case c == noColumn && len(items) > 0:
		r.other = name + " " + strings.Join(items, " ")
	case c > skippedColumn:
		r.cells[c] = items
	}
}

func (r *tableReader) add(row tableRow) error {
	if slices.IndexFunc(row.cells[:], func(c []string) bool { return len(c) > 0 }) < 0 {
		return nil // an empty line of a spreadsheet
	}
	if strings.EqualFold(row.text(actionColumn), "define") {
		name := strings.Join(row.cells[nameColumn], ", ")
		if name == "" {
			return fmt.Errorf("%d: a definition without a name", row.line)
		}
		r.defined[name] = &row
		return nil
	}
	if text := row.text(orderColumn); text != "" {
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return fmt.Errorf("%d: order %q is no number", row.line, text)
		}
		row.order = n
	} else if len(r.rows) > 0 {
		row.order = r.rows[len(r.rows)-1].order
	}
	r.ids[row.text(nameColumn)]++
	r.rows = append(r.rows, row)
	return nil
}

// Directions of a row.
const (
	anyDirection = iota
	inDirection
	outDirection
	forwardDirection
	numDirections
)

var directions = map[string]int{
	"": anyDirection, "any": anyDirection, "both": anyDirection,
	"in": inDirection, "inbound": inDirection, "ingress": inDirection, "input": inDirection,
	"out": outDirection, "outbound": outDirection, "egress": outDirection, "output": outDirection,
	"forward": forwardDirection, "through": forwardDirection,
}

var tableActions = map[string]verdictKind{
	"allow": acceptVerdict, "accept": acceptVerdict, "permit": acceptVerdict, "pass": acceptVerdict,
	"deny": dropVerdict, "drop": dropVerdict, "block": dropVerdict, "reject": dropVerdict, "discard": dropVerdict,
}

// chains makes of the rows a list for what comes in and one for what leaves. A
// packet that is sent on passes both. Rows without a direction are in both; without
// any direction there is one list, which every packet passes once.
func (r *tableReader) chains() *netfilter {
	nf := &netfilter{v4: true, v6: true, places: newPlaces(r.opt)}
	var has [numDirections]bool
	lists := [numDirections]*chain{}
	for d := range lists {
		lists[d] = &chain{}
	}
	for i := range r.rows {
		row := &r.rows[i]
		d, ok := directions[strings.ToLower(row.text(directionColumn))]
		off, reason := row.disabled()
		if off {
			continue
		}
		r.begin(row)
		if reason != "" {
			r.unclear(row.text(enabledColumn), reason)
		}
		if !ok {
			r.unclear(row.text(directionColumn), "direction")
		}
		has[d] = true
		l := r.link(d)
		in := d != outDirection
		for _, to := range []struct {
			list *chain
			is   bool
		}{{lists[inDirection], in && d != forwardDirection}, {lists[outDirection], d == outDirection || d == anyDirection}, {lists[forwardDirection], in}} {
			if to.is {
				to.list.links = append(to.list.links, l)
			}
		}
	}
	base := func(from *chain, name string, s stage, priority int64) {
		c := &chain{name: name, links: from.links, stage: s, priority: priority}
		c.policy, c.undecided = tableDefault(c)
		nf.bases = append(nf.bases, c)
	}
	if !has[inDirection] && !has[outDirection] && !has[forwardDirection] {
		nf.once = true
		base(lists[forwardDirection], "table", forwardStage, 0)
		return nf
	}
	nf.hosts = !has[forwardDirection]
	if in := has[inDirection] || has[anyDirection]; in || has[forwardDirection] {
		base(lists[forwardDirection], "table in", forwardStage, 0)
	} else {
		nf.silent = map[Hook]string{Input: "no row is about what comes in"}
	}
	if has[outDirection] {
		priority := int64(1)
		if nf.hosts { // out of one, and then into another
			priority = -1
		}
		base(lists[outDirection], "table out", forwardStage, priority)
		base(lists[outDirection], "table out", outputStage, 0)
		base(lists[inDirection], "table in", inputStage, 0)
	} else if has[inDirection] {
		nf.silent = map[Hook]string{Output: "no row is about what leaves the firewall"}
		base(lists[inDirection], "table in", inputStage, 0)
	} else {
		nf.silent = map[Hook]string{Output: "rows are about what passes the firewall", Input: "rows are about what passes the firewall"}
	}
	nf.sort()
	return nf
}

// tableDefault gives what becomes of packets that no row matches. A table of
// rows that all allow would do nothing if the rest were not denied, and likewise
// one of rows that all deny; of others it is not known.
func tableDefault(c *chain) (policy verdictKind, undecided string) {
	var allows, denies bool
	for _, l := range c.links {
		switch l.rule.Action {
		case Allow:
			allows = true
		case Deny:
			denies = true
		default:
			allows, denies = true, true
		}
	}
	switch {
	case allows && !denies:
		return dropVerdict, ""
	case denies && !allows:
		return acceptVerdict, ""
	}
	return otherVerdict, "no row matches, and the table does not say what is done then: a last row for everything else says it"
}

// disabled reports a row that is switched off.
func (r *tableRow) disabled() (off bool, reason string) {
	switch strings.ToLower(r.text(enabledColumn)) {
	case "", "yes", "true", "1", "on", "enable", "enabled", "y":
		return false, ""
	case "no", "false", "0", "off", "disable", "disabled", "n":
		return true, ""
	}
	return false, "whether the row is enabled"
}

// begin makes the rule of a row.
func (r *tableReader) begin(row *tableRow) {
	id := "row " + strconv.Itoa(len(r.rules)+1)
	if order := row.text(orderColumn); order != "" {
		id = "order " + order
	}
	if name := row.text(nameColumn); name != "" && r.ids[name] == 1 {
		id = name
	}
	r.row, r.steps = row, nil
	r.rule = &Rule{File: r.file, Line: row.line, ID: id, Chain: "table", Comment: row.text(commentColumn)}
	if c := row.text(nameColumn); r.rule.Comment == "" && id != c {
		r.rule.Comment = c
	}
	var text []string
	for _, p := range []struct {
		word string
		c    column
	}{{"", actionColumn}, {"", directionColumn}, {"", transportColumn}, {"from", sourceColumn}, {"port", sourcePortsColumn}, {"to", destinationColumn}, {"port", portsColumn},
		{"interface", interfaceColumn}, {"in", inColumn}, {"out", outColumn}, {"if", conditionColumn}} {
		if cell := strings.Join(row.cells[p.c], ", "); cell != "" {
			text = append(text, strings.TrimSpace(p.word+" "+cell))
		}
	}
	r.rule.Text = clip(strings.Join(text, " "))
	r.rules = append(r.rules, r.rule)
}

// unclear makes the row one that may match or not.
func (r *tableReader) unclear(text, reason string) {
	r.note(r.rule, r.row.line, text, reason)
	r.when(&condition{known: true, truth: maybe, stated: clip(text)})
}

func (r *tableReader) when(c *condition) {
	if c != nil {
		r.steps = append(r.steps, step{cond: c})
	}
}

// link makes the link of the row at hand.
func (r *tableReader) link(direction int) link {
	row := r.row
	r.when(r.addresses(sourceField, row.cells[sourceColumn]))
	r.when(r.addresses(destinationField, row.cells[destinationColumn]))
	r.services()
	if c := row.cells[interfaceColumn]; direction == outDirection {
		r.when(devices(outField, c))
	} else {
		r.when(devices(inField, c))
	}
	r.when(devices(inField, row.cells[inColumn]))
	r.when(devices(outField, row.cells[outColumn]))
	if text := row.text(conditionColumn); text != "" && !isAny(text) {
		r.unclear(text, "no flow tells")
	}
	if row.other != "" {
		r.unclear(row.other, "a column that is not known")
	}
	kind, ok := tableActions[strings.ToLower(row.text(actionColumn))]
	switch {
	case !ok:
		kind = otherVerdict
		r.note(r.rule, row.line, row.text(actionColumn), "action")
	case kind == acceptVerdict:
		r.rule.Action = Allow
	default:
		r.rule.Action = Deny
	}
	return link{rule: r.rule, steps: append(r.steps, step{verdict: &verdict{kind: kind}})}
}
