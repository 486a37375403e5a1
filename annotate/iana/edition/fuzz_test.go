package edition

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/iana/internal/published"
)

// Every beginning of a small edition is an error, with the exceptions that the
// documentation of Read names.
func TestEveryCut(t *testing.T) {
	for form, data := range map[string]string{
		"csv": syntheticCSV(), "gzip": syntheticGzip(), "xml": syntheticXML(), "html": syntheticHTML(),
		"text": syntheticText(), "old text": syntheticOldText(), "excerpt": syntheticExcerpt(),
	} {
		whole, err := Read(strings.NewReader(data), "f")
		if err != nil {
			t.Fatalf("%s: %v\n%s", form, err, data)
		}
		end := len(strings.TrimRight(data, "\n")) // the last line feed may be missing
		if form == "gzip" || form == "csv" {
			end = len(data)
		}
		for n := 0; n < end; n += published.Every(7) {
			reg, err := Read(strings.NewReader(data[:n]), "f")
			var se *iana.SyntaxError
			switch {
			case err != nil && !errors.As(err, &se):
				t.Errorf("%s cut at %d of %d: %v", form, n, len(data), err)
			case err != nil && reg != nil:
				t.Errorf("%s cut at %d of %d: an error and a registry", form, n, len(data))
			case err != nil:
			case form == "csv" && data[n-1] == '\n' && strings.HasSuffix(data[:n], "IANA Reserved,,,,,,,,\r\n"):
				// The row after, a name without port, is missed by nobody.
			case form == "html" && strings.HasSuffix(data[:n], "</html"):
				t.Errorf("html cut within its last tag: no error")
			case form == "excerpt" && len(slices.Collect(reg.Records())) == len(slices.Collect(whole.Records())) && n > len(data)-8:
				// In the date of the last line.
			default:
				t.Errorf("%s cut at %d of %d: no error, %d records of %d: ...%q", form, n, len(data), reg.Edition().Records, whole.Edition().Records, data[max(0, n-40):n])
			}
		}
	}
}

// checkParsed checks what must hold of anything that was read.
func checkParsed(t *testing.T, data []byte, records []iana.Record, err error) {
	t.Helper()
	if err != nil {
		if strings.ContainsAny(err.Error(), "\n\x00\x1b") {
			t.Fatalf("control characters in the error: %q", err)
		}
		return
	}
	lines := bytes.Count(data, []byte("\n")) + 1
	for _, r := range records {
		if r.Line < 1 || r.Line > lines {
			t.Fatalf("line %d of %d: %+v", r.Line, lines, r)
		}
		if r.Name == "" && !r.HasPort || r.HasPort && r.Ports.First > r.Ports.Last || int(r.Transport) >= iana.NumTransports {
			t.Fatalf("record %+v", r)
		}
		for _, s := range [...]string{r.Name, r.Description, r.Assignee, r.Contact, r.Registered, r.Modified, r.ServiceCode, r.Unauthorized, r.Notes} {
			if s != iana.FoldSpace(s) {
				t.Fatalf("white space in %q", s)
			}
		}
	}
	if len(records) > len(data) {
		t.Fatalf("%d records from %d bytes", len(records), len(data))
	}
}

// fuzzReader fuzzes the reader of one form: what is not of that form, others
// have their turn with.
func fuzzReader(f *testing.F, seed string, parse func(*source) (parsed, error)) {
	f.Add([]byte(seed))
	f.Add([]byte(strings.ReplaceAll(seed, " ", "\t")))
	f.Add([]byte(seed[:len(seed)*2/3]))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 || len(data) > 1<<16 {
			return
		}
		src := &source{name: "f", data: data}
		p, err := parse(src)
		checkParsed(t, data, p.records, err)
	})
}

func FuzzCSV(f *testing.F)     { fuzzReader(f, syntheticCSV(), parseCSV) }
func FuzzHTML(f *testing.F)    { fuzzReader(f, syntheticHTML(), parseHTML) }
func FuzzExcerpt(f *testing.F) { fuzzReader(f, syntheticExcerpt(), parseExcerpt) }

// FuzzText patches a page: it puts some bytes in the place of others. It also checks
// that no word of the table is lost, doubled or moved to another column, wherever the
// rows are cut.
//
// A page of several kilobytes as the input would be all that the fuzzer is busy with:
// to make one that is of interest small takes it runs by the square of the length.
func FuzzText(f *testing.F) {
	pages := []string{syntheticText(), syntheticOldText()}
	for page, text := range pages {
		f.Add(page == 1, uint16(0), uint16(0), []byte{})
		f.Add(page == 1, uint16(strings.Index(text, "A name")), uint16(6), []byte("A\x00name"))
		f.Add(page == 1, uint16(strings.Index(text, "vision")-1), uint16(200), []byte("\n\n   x   1-2  tcp  y\n"))
		f.Add(page == 1, uint16(len(text)/2), uint16(len(text)), []byte("\n"))
	}
	known := func() map[rowKey]bool { return nil }
	f.Fuzz(func(t *testing.T, old bool, at, cut uint16, patch []byte) {
		if len(patch) > 256 {
			return
		}
		page := pages[0]
		if old {
			page = pages[1]
		}
		from := min(int(at), len(page))
		data := slices.Concat([]byte(page[:from]), patch, []byte(page[min(from+int(cut), len(page)):]))
		src := &source{name: "f", data: data}
		p, err := parseTextWith(src, known)
		checkParsed(t, data, p.records, err)
		if err != nil {
			return
		}
		lines, err := src.textLines()
		if err != nil {
			t.Fatal(err)
		}
		heading := slices.IndexFunc(lines, isFixedHeading)
		table, err := newRegistryTable(src, lines[:sectionAfter(lines, heading, contactTitles...)], heading)
		if err != nil {
			t.Fatal(err)
		}
		whole := table.row(0, len(table.lines)-1)
		rows := make([]string, len(whole))
		err = table.rows(table.registryAnchor(), siblingCost(known),
			func(_ int, row []string) error {
				for col, text := range row {
					rows[col] = strings.TrimSpace(rows[col] + " " + text)
				}
				return nil
			})
		if err != nil {
			t.Fatal(err)
		}
		for col := range whole {
			if iana.FoldSpace(rows[col]) != iana.FoldSpace(whole[col]) {
				t.Fatalf("column %d: %q, want %q", col, rows[col], whole[col])
			}
		}
	})
}

// FuzzRead fuzzes the detection and the decompression as well.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{syntheticCSV(), syntheticGzip(), syntheticHTML(), syntheticXML(), syntheticText(), syntheticOldText(), syntheticExcerpt(), "\xef\xbb\xbf" + syntheticCSV()} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		reg, err := Read(bytes.NewReader(data), "f")
		if (err == nil) != (reg != nil) {
			t.Fatalf("%v, %v: want a registry or an error", reg, err)
		}
		if err != nil {
			checkParsed(t, data, nil, err)
		} else if !bytes.HasPrefix(data, []byte("\x1f\x8b")) { // its lines are those of what is in it
			checkParsed(t, data, slices.Collect(reg.Records()), nil)
		}
	})
}
