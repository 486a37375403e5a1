package edition

import (
	"bytes"
	"compress/gzip"
	"slices"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate/iana"
)

// Small editions in each form, made here, so that the readers are tested where
// the published ones are not at hand, and as seeds for fuzzing.

// syntheticRows are the rows of the small editions. Records without a port come
// last, as in the real ones.
var syntheticRows = []cells{
	{"", "0", "tcp", "Reserved", "", "", "", "2024-12-20", "[RFC6335]", "", "", ""},
	{"http", "80", "tcp", "World Wide Web HTTP for everybody and then some", "[IESG]", "[IETF_Chair]", "", "2021-10-01", "[RFC9110][RFC9112]", "", "", "Defined TXT keys: u=<username> p=<password> path=<path to document>"},
	{"www-http", "80", "tcp", "World Wide Web HTTP", "[A_Person]", "[A_Person]", "", "", "", "", "", "This is a duplicate of the \"http\" service and should not be used for discovery purposes."},
	{"discard", "9", "dccp", "Discard", "[A_Person]", "[A_Person]", "", "", "[RFC4340]", "1145656131", "", ""},
	{"", "788-799", "", "Unassigned", "", "", "", "2026-05-29", "", "", "Unauthorized Use Known on port 796", ""},
	{"vision", "4413", "udp", "FORTÉ Vision, \"quoted\"", "[A_Person]", "[A_Person]", "2015-09-18", "2025-11-14", "", "", "", ""},
	{"", "49151", "", "IANA Reserved", "", "", "", "", "", "", "", ""},
	{"zeroconf-name", "", "", "A name without any port, of which there is not so much to say", "[A_Person]", "[A_Person]", "2011-10-03", "", "", "", "", "Defined TXT keys: None"},
}

func syntheticCSV() string {
	var b strings.Builder
	for i, row := range append([]cells{cells(columnNames)}, syntheticRows...) {
		if i > 0 && row[cellName] == "zeroconf-name" {
			// A line break inside of a field.
			row[cellDescription] = strings.Replace(row[cellDescription], " of", "\r\n    of", 1)
		}
		for col, text := range row {
			if col > 0 {
				b.WriteByte(',')
			}
			if strings.ContainsAny(text, "\",\r\n") {
				text = `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
			}
			b.WriteString(text)
		}
		b.WriteString("\r\n")
	}
	return b.String()
}

func syntheticHTML() string {
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", "É", "&#xc9;", " and", "<br>and")
	var b strings.Builder
	b.WriteString("<!DOCTYPE html>\n<html><dl><dt>Last Updated</dt><dd>2026-01-02</dd></dl>\n<table><thead><tr>")
	for _, name := range columnNames {
		b.WriteString("<th>" + name + "</th>")
	}
	b.WriteString("</tr></thead><tbody>\n")
	for _, row := range syntheticRows {
		b.WriteString("<tr>")
		for _, text := range row {
			b.WriteString("<td><a href='#x'>" + escape.Replace(text) + "</a></td>")
		}
		b.WriteString("</tr>\n")
	}
	b.WriteString("</tbody></table>\n<h1>Contact Information</h1><table><tr><th>ID</th><th>Name</th><th>Organization</th><th>Contact URI</th><th>Last Updated</th></tr>")
	b.WriteString("<tr><td>[A_Person]</td><td>A Person</td><td>Example</td><td>mailto:a&amp;example.com</td><td>2010-01</td></tr></table></html>\n")
	return b.String()
}

func syntheticXML() string {
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;")
	var b strings.Builder
	b.WriteString("<?xml version='1.0' encoding='UTF-8'?>\n<registry xmlns='http://www.iana.org/assignments' id='service-names-port-numbers'>\n<updated>2026-01-02</updated>\n")
	element := func(name, text string) {
		if text != "" {
			b.WriteString("<" + name + ">" + escape.Replace(text) + "</" + name + ">")
		}
	}
	for _, row := range syntheticRows {
		b.WriteString(`<record date="` + row[cellRegistered] + `" updated="` + row[cellModified] + `">`)
		element("name", row[cellName])
		element("number", row[cellPort])
		element("protocol", row[cellTransport])
		element("description", row[cellDescription])
		if row[cellAssignee] != "" {
			b.WriteString(`<assignee><xref type="person" data="` + strings.Trim(row[cellAssignee], "[]") + `"/></assignee>`)
			b.WriteString(`<xref type="person" data="` + strings.Trim(row[cellContact], "[]") + `"/>`)
		}
		for _, ref := range iana.SplitReferences(row[cellReference]) {
			b.WriteString(`<xref type="rfc" data="` + strings.ToLower(ref) + `"/>`)
		}
		element("sc", row[cellServiceCode])
		element("unauthorized", row[cellUnauthorized])
		element("note", row[cellNotes])
		b.WriteString("</record>\n")
	}
	b.WriteString(`<people><person id="A_Person"><name>A Person</name><org>Example</org><uri>mailto:a&amp;example.com</uri><updated>2010-01</updated></person></people></registry>` + "\n")
	return b.String()
}

// textTable draws rows as the plain-text form does: wrapped, centred from top to
// bottom, and the port and transport centred from left to right.
func textTable(widths []int, heading []string, rows [][]string) string {
	return drawTable(false, widths, heading, rows)
}

// drawTable draws a table as today, or as before 2019: with a heading that is
// centred from top to bottom too, and by bytes.
func drawTable(old bool, widths []int, heading []string, rows [][]string) string {
	var b strings.Builder
	for i, row := range append([][]string{heading}, rows...) {
		height := 1
		wrapped := make([][]string, len(row))
		for col, text := range row {
			wrapped[col] = wrap(text, widths[col])
			height = max(height, len(wrapped[col]))
		}
		for y := range height {
			line := ""
			for col, cell := range wrapped {
				text := ""
				if at := y - (height-len(cell))/2; i == 0 && !old {
					if y < len(cell) {
						text = cell[y]
					}
				} else if at >= 0 && at < len(cell) {
					text = cell[at]
				}
				pad := widths[col] - len([]rune(text))
				if old {
					pad = widths[col] - len(text)
				}
				left := 0
				if i == 0 || len(row) == numCells && (col == cellPort || col == cellTransport) {
					left = pad / 2
				}
				line += strings.Repeat(" ", left) + text + strings.Repeat(" ", pad-left+1)
			}
			b.WriteString(strings.TrimRight(line, " ") + "\n")
		}
	}
	return b.String()
}

func wrap(text string, width int) []string {
	var lines []string
	for _, word := range strings.Fields(text) {
		if n := len(lines); n > 0 && len([]rune(lines[n-1]))+1+len([]rune(word)) <= width {
			lines[n-1] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}

func syntheticText() string {
	rows := make([][]string, len(syntheticRows))
	for i := range syntheticRows {
		rows[i] = syntheticRows[i][:]
	}
	heading := []string{"Service Name", "Port Number", "Transport Protocol", "Description", "Assignee", "Contact",
		"Registration Date", "Modification Date", "Reference", "Service Code", "Unauthorized Use Reported", "Assignment Notes"}
	return "Internet Assigned Numbers Authority\n\nLast Updated\n        2026-01-02\n\n" +
		textTable([]int{15, 11, 9, 28, 13, 13, 12, 12, 18, 10, 16, 40}, heading, rows) +
		"\n                 Contact Information\n\n" +
		textTable([]int{12, 12, 14, 24, 10}, []string{"ID", "Name", "Organization", "Contact URI", "Last Updated"},
			[][]string{{"[A_Person]", "A Person", "Example", "mailto:a&example.com", "2010-01"}}) +
		"\nLicensing Terms\n"
}

// syntheticOldText has one row more than the others, with a name that is wrapped.
func syntheticOldText() string {
	rows := [][]string{}
	for i := range syntheticRows {
		if syntheticRows[i][cellName] == "vision" {
			rows = append(rows, oldRow[:])
		}
		rows = append(rows, syntheticRows[i][:])
	}
	heading := []string{"Service Name", "Port Number", "Transport Protocol", "Description", "Assignee", "Contact",
		"Registration Date", "Modification Date", "Reference", "Service Code", "Known Unauthorized Uses", "Assignment Notes"}
	return "   Last Updated\n           2016-01-02\n\n" +
		drawTable(true, []int{15, 11, 9, 28, 13, 13, 12, 12, 18, 10, 16, 40}, heading, rows) +
		"\n                 People\n\n" +
		drawTable(true, []int{12, 12, 14, 24, 10}, []string{"ID", "Name", "Organization", "Contact URI", "Last Updated"},
			[][]string{{"[A_Person]", "A Person", "Example", "mailto:a&example.com", "2010-01"}}) +
		"\n                 Footnote\n\n   [1] It is only appropriate to use these values in experiments.\n       See RFC 3692 for details.\n"
}

var oldRow = cells{"Apple Remote Desktop (Net Assistant)", "3283", "tcp", "Net Assistant", "[A_Person]", "[A_Person]", "", "2011-11-09", "", "", "", ""}

func syntheticExcerpt() string {
	var b strings.Builder
	b.WriteString("Last Updated\n2026-01-02\n" + strings.Join(columnNames[:], " ") + "\n")
	for _, row := range syntheticRows {
		if row[cellPort] != "" {
			b.WriteString(strings.Join(strings.Fields(strings.Join(row[:], " ")), " ") + "\n")
		}
	}
	b.WriteString("\nContact Information\n\nID Name Organization Contact URI Last Updated\n")
	b.WriteString("[A_Person] A Person mailto:a&example.com 2010-01\n[IESG] IESG mailto:iesg&ietf.org\n[IETF_Chair] IETF Chair 2020-01\n")
	return b.String()
}

func syntheticGzip() string {
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	zw.Write([]byte(syntheticCSV()))
	zw.Close()
	return b.String()
}

func TestSyntheticForms(t *testing.T) {
	var want []iana.Record
	for i := range syntheticRows {
		rec, err := syntheticRows[i].record(0)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, rec)
	}
	for _, c := range []struct {
		form, data, date string
		contacts         bool
	}{
		{"csv", syntheticCSV(), "2026-05-29", false},
		{"csv", syntheticGzip(), "2026-05-29", false},
		{"xml", syntheticXML(), "2026-01-02", true},
		{"html", syntheticHTML(), "2026-01-02", true},
		{"text", syntheticText(), "2026-01-02", true},
	} {
		t.Run(c.form, func(t *testing.T) {
			reg, err := Read(strings.NewReader(c.data), "f")
			if err != nil {
				t.Fatalf("%v\n%s", err, c.data)
			}
			if ed := reg.Edition(); ed.Form != c.form || ed.Date != c.date {
				t.Errorf("%+v", ed)
			}
			if !reg.Coverage().Complete() {
				t.Errorf("coverage %v", reg.Coverage())
			}
			got := slices.Collect(reg.Records())
			for i := range max(len(got), len(want)) {
				if i >= len(got) || i >= len(want) || recordText(got[i]) != recordText(want[i]) {
					t.Fatalf("record %d of %d:\n got %+v\nwant %+v\n%s", i, len(got), got, want[i], c.data)
				}
				if i > 0 && got[i].Line <= got[i-1].Line {
					t.Errorf("record %d is on line %d, the one before on %d", i, got[i].Line, got[i-1].Line)
				}
			}
			person, ok := reg.Contact("A_Person")
			if ok != c.contacts || ok && person != (iana.Contact{ID: "A_Person", Name: "A Person", Organization: "Example", URI: "mailto:a&example.com", Updated: "2010-01"}) {
				t.Errorf("contact %+v %v", person, ok)
			}
		})
	}
}

// Plain text as it was published before about 2021.
func TestSyntheticOldText(t *testing.T) {
	reg, err := Read(strings.NewReader(syntheticOldText()), "f")
	if err != nil {
		t.Fatalf("%v\n%s", err, syntheticOldText())
	}
	if ed := reg.Edition(); ed.Form != "text" || ed.Date != "2016-01-02" || !reg.Coverage().Complete() {
		t.Errorf("%+v", ed)
	}
	got := slices.Collect(reg.Records())
	at := 0
	for i := range syntheticRows {
		rows := []cells{syntheticRows[i]}
		if rows[0][cellName] == "vision" {
			rows = []cells{oldRow, rows[0]}
		}
		for _, row := range rows {
			want, err := row.record(0)
			if err != nil {
				t.Fatal(err)
			}
			if at >= len(got) || recordText(got[at]) != recordText(want) {
				t.Fatalf("record %d of %d is not %+v\n%s", at, len(got), want, syntheticOldText())
			}
			at++
		}
	}
	if person, ok := reg.Contact("A_Person"); !ok || person.URI != "mailto:a&example.com" {
		t.Errorf("%+v", person)
	}
}

// The numbers of the lines are those of the rows.
func TestRecordLines(t *testing.T) {
	for form, data := range map[string]string{"csv": syntheticCSV(), "xml": syntheticXML(), "html": syntheticHTML()} {
		reg, err := Read(strings.NewReader(data), "f")
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(data, "\n")
		for r := range reg.Records() {
			if r.Name != "" && !strings.Contains(lines[r.Line-1], r.Name) {
				t.Errorf("%s: %s is not on line %d: %s", form, r.Name, r.Line, lines[r.Line-1])
			}
		}
	}
	// In plain text a row begins where its highest cell does.
	reg, err := Read(strings.NewReader(syntheticText()), "f")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(syntheticText(), "\n")
	for r := range reg.Records() {
		if r.Name == "www-http" && !strings.Contains(lines[r.Line-1], "This is a duplicate") {
			t.Errorf("line %d: %s", r.Line, lines[r.Line-1])
		}
	}
}

// Of flattened text, what cannot be known is taken as the documentation says.
func TestFlattenedRows(t *testing.T) {
	directory := map[string]bool{"A": true, "B_2": true}
	for line, want := range map[string]iana.Record{
		"80 Unassigned":              {HasPort: true, Ports: iana.Span{First: 80, Last: 80}, Description: "Unassigned"},
		"80 Unassigned 2007-09-06":   {HasPort: true, Ports: iana.Span{First: 80, Last: 80}, Description: "Unassigned", Modified: "2007-09-06"},
		"80-90 udp Reserved 2007-09": {HasPort: true, Ports: iana.Span{First: 80, Last: 90}, Transport: iana.UDP, Description: "Reserved", Modified: "2007-09"},
		"a 80 tcp":                   {Name: "a", HasPort: true, Ports: iana.Span{First: 80, Last: 80}, Transport: iana.TCP},
		"a 80 tcp D [A] [B_2] 2006-02": {Name: "a", HasPort: true, Ports: iana.Span{First: 80, Last: 80}, Transport: iana.TCP, Description: "D",
			Assignee: "[A]", Contact: "[B_2]", Registered: "2006-02"},
		"a 80 tcp D [A] [A] 2006-02-01 2007 [RFC1] extra": {Name: "a", HasPort: true, Ports: iana.Span{First: 80, Last: 80}, Transport: iana.TCP, Description: "D",
			Assignee: "[A]", Contact: "[A]", Registered: "2006-02-01", Notes: "2007 [RFC1] extra"},
		"a 80 tcp D [Control] [A] [B_2] 2006-02 2007-01 [RFC1][x y] extra": {Name: "a", HasPort: true, Ports: iana.Span{First: 80, Last: 80}, Transport: iana.TCP, Description: "D [Control]",
			Assignee: "[A]", Contact: "[B_2]", Registered: "2006-02", Modified: "2007-01", References: []string{"RFC1", "x y"}, Notes: "extra"},
		"a 80 tcp D [Control] [RFC1]": {Name: "a", HasPort: true, Ports: iana.Span{First: 80, Last: 80}, Transport: iana.TCP, Description: "D [Control]", References: []string{"RFC1"}},
		"a 80 tcp D [A]":              {Name: "a", HasPort: true, Ports: iana.Span{First: 80, Last: 80}, Transport: iana.TCP, Description: "D", Assignee: "[A]"},
	} {
		got, reason := flatRecord(line, directory)
		if reason != "" || recordText(got) != recordText(want) {
			t.Errorf("%s: %s\n got %+v\nwant %+v", line, reason, got, want)
		}
	}
	for line, want := range map[string]string{
		"a":             "a row without a port number",
		"a b":           "a row without a port number",
		"a 70000 tcp d": "a row without a port number",
		"80 tcp":        "a row with neither a service name nor a description",
	} {
		if _, reason := flatRecord(line, directory); reason != want {
			t.Errorf("%s: %q, want %q", line, reason, want)
		}
	}
}

// Where lines could belong to either of two rows, the rules decide; each case
// pins one of them.
func TestTextRowRules(t *testing.T) {
	widths := []int{15, 11, 9, 28, 8, 8, 12, 12, 9, 7, 12, 16}
	heading := []string{"Service Name", "Port Number", "Transport Protocol", "Description", "Assignee", "Contact",
		"Registration Date", "Modification Date", "Reference", "Service Code", "Unauthorized", "Assignment Notes"}
	full := "Exactly twenty-eight letters" // makes the column as wide as it is
	for _, c := range []struct {
		rule  string
		known map[rowKey]bool
		rows  [][2]string // name and description
	}{
		{"equal heights", nil, [][2]string{{"a", full}, {"b", "First of the descriptions as wide"}, {"c", "Second of the descriptions as wide"}, {"d", full}}},
		{"brackets close", nil, [][2]string{{"a", full}, {"b", "A (very long description in brackets that goes on and on and)"}, {"c", full}}},
		{"siblings", nil, [][2]string{{"a", full}, {"b", "Something that takes as many as three lines of the table or even"}, {"b", "Something that takes as many as three lines of the table or even"}, {"c", full}}},
		{"another edition knows", map[rowKey]bool{{"b", "2", "tcp", "Interactive Room Software Infrastructure (Event Sharing) now"}: true},
			[][2]string{{"a", full}, {"b", "Interactive Room Software Infrastructure (Event Sharing) now"}, {"c", full}}},
	} {
		var rows [][]string
		for i, r := range c.rows {
			rows = append(rows, []string{r[0], string(rune('1' + i)), "tcp", r[1], "", "", "", "", "", "", "", ""})
		}
		data := "Last Updated\n 2026-01-02\n\n" + textTable(widths, heading, rows) + "\n Contact Information\n\nLicensing Terms\n"
		p, err := parseTextWith(&source{name: "f", data: []byte(data)}, func() map[rowKey]bool { return c.known })
		if err != nil {
			t.Errorf("%s: %v\n%s", c.rule, err, data)
			continue
		}
		for i, r := range p.records {
			if r.Description != c.rows[i][1] {
				t.Errorf("%s: %s: %q, want %q\n%s", c.rule, r.Name, r.Description, c.rows[i][1], data)
			}
		}
	}
}

// What is wrong in a page is said with its line.
func TestDamagedPages(t *testing.T) {
	text, page, flat := syntheticText(), syntheticHTML(), syntheticExcerpt()
	for _, c := range []struct{ name, data, want string }{
		{"text without date", strings.Replace(text, "Last Updated\n", "Updated\n", 1), "f: no date of the edition (Last Updated)"},
		{"text without column", strings.Replace(text, "Description", "Explanation", 1), `f:6: no column "Description" in the heading`},
		{"text with columns that touch", strings.Replace(text, "www-http       ", "www-http-http-http-ht", 1), `f:6: no space between the columns before "Port Number"`},
		{"text without rows", text[:strings.Index(text, "                     0")] + text[strings.Index(text, "\n                 Contact"):], "f:8: the table has no row"},
		{"text with a bad port", strings.Replace(text, " 4413 ", " x413 ", 1), `f:18: bad port number "x413"`},
		{"text with a bad date", strings.Replace(text, "2025-11-14", "yesterday ", 1), "f:18: the columns are not those of the heading: no date in a column of dates"},
		{"text with a line lost", strings.Replace(text, strings.Split(text, "\n")[12]+"\n", "", 1), "f:12: the lines around this row cannot be shared out between rows: not the layout of the registry as plain text, or cut short"},
		{"text with a long line", strings.Replace(text, "Reserved", "Reserved"+strings.Repeat("x", maxTextWidth), 1), "f:8: longer than 4096 characters"},
		{"text with a gap", strings.Replace(text, "discard  ", strings.Repeat("\n", maxRowLines+1)+"discard  ", 1), "f:79: more than 64 lines between two rows"},
		{"HTML without date", strings.Replace(page, "Last Updated", "Updated", 1), "f: no date of the edition (Last Updated)"},
		{"HTML with a short row", strings.Replace(page, "<td><a href='#x'>discard</a></td>", "", 1), "f:7: a row with 11 cells where the heading has 12"},
		{"HTML with a bad port", strings.Replace(page, ">80<", ">x<", 1), `f:5: bad port number "x"`},
		{"HTML with an endless tag", strings.Replace(page, "<table>", "<table "+strings.Repeat("x", maxHTMLToken)+">", 1), "f:3: html: max buffer exceeded"},
		{"flat text without date", strings.Replace(flat, "Last Updated\n", "Updated\n", 1), "f: no date of the edition (Last Updated)"},
		{"flat text without a contact", strings.Replace(flat, "[A_Person] A Person", "A Person", 1), "f:17: cut short: no contact [A_Person], of whom line 6 speaks"},
	} {
		reg, err := Read(strings.NewReader(c.data), "f")
		if reg != nil || err == nil || err.Error() != c.want {
			t.Errorf("%s: %v\nwant %s", c.name, err, c.want)
		}
	}
}
