package edition

import (
	"bytes"
	"io"
	"strings"

	"github.com/portannot/portannot/annotate/iana"
	"golang.org/x/net/html"
)

// maxHTMLToken bounds one tag or run of text. The longest of today is the note
// at the top, some 3 kB.
const maxHTMLToken = 1 << 20

// htmlReader goes through the page token by token. It looks at three things:
// the term "Last Updated" with its definition, the table whose heading is that
// of the registry, and the table of contacts. Everything else on the page may
// change without harm.
type htmlReader struct {
	src  *source
	line int
	text strings.Builder // of the cell, term or definition that is open
	open string          // its element: "td", "th", "dt", "dd", or "" when none is
	term string          // the last <dt>

	row     []string
	rowLine int
	inRow   bool
	header  bool // the row has <th> cells

	table    htmlTable
	columns  []int // of the registry's table
	seen     bool  // the registry's table was there
	finished bool  // and was closed
	ended    bool  // </html>

	out parsed
}

// htmlTable says in which table the reader is.
type htmlTable uint8

const (
	otherTable htmlTable = iota
	registryTable
	contactTable
)

// parseHTML reads the registry as IANA's web page.
func parseHTML(src *source) (parsed, error) {
	h := &htmlReader{src: src, line: 1}
	h.out.form = "html"
	h.out.cover = iana.AllPorts()
	z := html.NewTokenizer(bytes.NewReader(src.data))
	z.SetMaxBuf(maxHTMLToken)
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			if err := z.Err(); err != io.EOF {
				return parsed{}, src.errorf(h.line, "html: %v", err)
			}
			break
		}
		lines := bytes.Count(z.Raw(), []byte("\n"))
		var err error
		switch kind {
		case html.TextToken:
			if h.open != "" {
				h.text.Write(z.Text())
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, _ := z.TagName()
			err = h.start(string(name))
		case html.EndTagToken:
			name, _ := z.TagName()
			err = h.end(string(name))
		}
		if err != nil {
			return parsed{}, err
		}
		h.line += lines
	}
	switch {
	case !h.seen:
		return parsed{}, src.errorf(h.line, "no table with the headings of the port number registry")
	case !h.finished:
		return parsed{}, src.errorf(h.line, "cut short: the table of the registry does not end")
	case !h.ended:
		return parsed{}, src.errorf(h.line, "cut short: no </html>")
	case h.out.date == "":
		return parsed{}, src.errorf(0, "no date of the edition (Last Updated)")
	}
	return h.out, nil
}

// start handles a start tag. HTML lets most end tags of a table be left out, so
// a start may end what is open.
func (h *htmlReader) start(name string) error {
	switch name {
	case "table":
		if err := h.endRow(); err != nil {
			return err
		}
		h.table = otherTable
	case "tr":
		if err := h.endRow(); err != nil {
			return err
		}
		h.inRow, h.rowLine = true, h.line
	case "td", "th", "dt", "dd":
		h.endCell()
		h.open = name
	default: // <br>, and anything that may stand between two words
		if h.open != "" && (name == "br" || name == "p" || name == "pre" || name == "div" || name == "li") {
			h.text.WriteByte(' ')
		}
	}
	return nil
}

func (h *htmlReader) end(name string) error {
	switch name {
	case "td", "th", "dt", "dd":
		h.endCell()
	case "tr":
		return h.endRow()
	case "table":
		if err := h.endRow(); err != nil {
			return err
		}
		if h.table == registryTable {
			h.finished = true
		}
		h.table = otherTable
	case "html":
		h.ended = true
	case "p", "pre", "div", "li":
		if h.open != "" {
			h.text.WriteByte(' ')
		}
	}
	return nil
}

// endCell closes what is open, if anything is.
func (h *htmlReader) endCell() {
	if h.open == "" {
		return
	}
	text := iana.FoldSpace(h.text.String())
	switch h.open {
	case "dt":
		h.term = text
	case "dd":
		if strings.EqualFold(h.term, "Last Updated") && isDate(text) && h.out.date == "" {
			h.out.date = text
		}
	default:
		if h.inRow {
			h.row = append(h.row, text)
			h.header = h.header || h.open == "th"
		}
	}
	h.text.Reset()
	h.open = ""
}

// endRow closes a row, if one is open, and takes what it says.
func (h *htmlReader) endRow() error {
	h.endCell()
	if !h.inRow {
		return nil
	}
	row, header := h.row, h.header
	h.row, h.header, h.inRow = h.row[:0], false, false
	switch {
	case header:
		h.heading(row)
		return nil
	case h.table == registryTable:
		return h.record(row)
	case h.table == contactTable && len(row) == 5:
		if len(h.out.contacts) >= maxRecords {
			return h.src.errorf(h.rowLine, "more than %d contacts", maxRecords)
		}
		h.out.contacts = append(h.out.contacts, iana.Contact{
			ID: strings.Trim(row[0], "[]"), Name: row[1], Organization: row[2], URI: row[3], Updated: row[4],
		})
	}
	return nil
}

// heading tells by a row of headings which table begins.
func (h *htmlReader) heading(row []string) {
	if len(row) > 1 && row[0] == "ID" && row[1] == "Name" {
		h.table = contactTable
		return
	}
	if h.seen {
		return
	}
	columns := make([]int, len(row))
	found := 0
	for i, text := range row {
		columns[i] = -1
		if col, ok := columnOf(text); ok {
			columns[i] = col
			found |= 1 << col
		}
	}
	const need = 1<<cellName | 1<<cellPort | 1<<cellTransport | 1<<cellDescription
	if found&need == need {
		h.table, h.columns, h.seen = registryTable, columns, true
	}
}

// record takes a row of the registry's table.
func (h *htmlReader) record(row []string) error {
	if len(row) != len(h.columns) {
		return h.src.errorf(h.rowLine, "a row with %d cells where the heading has %d", len(row), len(h.columns))
	}
	var c cells
	for i, text := range row {
		if col := h.columns[i]; col >= 0 {
			c[col] = text
		}
	}
	rec, err := c.record(h.rowLine)
	if err != nil {
		return h.src.errorf(h.rowLine, "%v", err)
	}
	return h.out.add(h.src, rec)
}
