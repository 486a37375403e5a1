package edition

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
)

// isCSVHeader reports whether a line is the heading of the registry as CSV.
func isCSVHeader(line string) bool {
	line = strings.ToLower(strings.ReplaceAll(line, `"`, ""))
	return strings.HasPrefix(line, "service name,port number,transport")
}

// parseCSV reads the official CSV (RFC 4180). Columns are found by their
// headings, so that a file made with fewer can be read as long as the first
// four are there; unknown ones are passed over.
func parseCSV(src *source) (parsed, error) {
	p := parsed{form: "csv"}
	if src.data[len(src.data)-1] != '\n' {
		return p, src.errorf(src.lineAt(len(src.data)), "cut short: the last row does not end")
	}
	r := csv.NewReader(bytes.NewReader(src.data))
	r.ReuseRecord = true

	header, err := r.Read()
	if err != nil {
		return p, src.csvError(err)
	}
	columns := make([]int, len(header)) // of the fields of a row; -1 for none
	var have [numCells]bool
	for i, h := range header {
		columns[i] = -1
		if col, ok := columnOf(h); ok && !have[col] {
			columns[i], have[col] = col, true
		}
	}
	for col := cellName; col <= cellDescription; col++ {
		if !have[col] {
			return p, src.errorf(1, "no column %q", columnNames[col])
		}
	}
	for {
		fields, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return p, src.csvError(err)
		}
		var row cells
		for i, f := range fields {
			if columns[i] >= 0 {
				row[columns[i]] = f
			}
		}
		line, _ := r.FieldPos(0)
		rec, err := row.record(line)
		if err != nil {
			return p, src.errorf(line, "%v", err)
		}
		if err := p.add(src, rec); err != nil {
			return p, err
		}
	}
	p.date = newestDate(p.records)
	p.cover, err = src.wholeOrExcerpt(p.records)
	return p, err
}

// csvError words an error of encoding/csv as ours.
func (s *source) csvError(err error) error {
	var pe *csv.ParseError
	if !errors.As(err, &pe) {
		return s.errorf(0, "csv: %v", err)
	}
	reason := pe.Err.Error()
	if errors.Is(err, csv.ErrFieldCount) {
		reason = "the row has not as many fields as the heading"
	}
	return s.errorf(pe.StartLine, "%s", reason)
}
