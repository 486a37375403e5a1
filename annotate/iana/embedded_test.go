package iana

import (
	"strings"
	"testing"
)

// The index must be what the table gives, so that who reviews the table has
// reviewed the edition.
func TestIndexFollowsFromTable(t *testing.T) {
	var rows []row
	var lines []uint32
	at := 0
	for line := range strings.Lines(embeddedTable) {
		rows = append(rows, parseTableLine(strings.TrimSuffix(line, "\n")))
		lines = append(lines, uint32(at))
		at += len(line)
	}
	blob, err := buildIndexLines(rows, lines)
	if err != nil {
		t.Fatal(err)
	}
	if blob != embeddedIndex {
		t.Error("index.bin is not made of table.txt: run go generate")
	}
	if len(rows) != embeddedRecords {
		t.Errorf("%d lines, %d records", len(rows), embeddedRecords)
	}
}

// A line says all that it was made of.
func TestTableLinesRoundTrip(t *testing.T) {
	for line := range strings.Lines(embeddedTable) {
		w := parseTableLine(strings.TrimSuffix(line, "\n"))
		if got := appendTableLine(nil, &w); string(got) != line {
			t.Fatalf("%q becomes %q", line, got)
		}
	}
}

// The statuses in the table are those of the descriptions.
func TestTableStatus(t *testing.T) {
	for _, w := range Embedded().allRows() {
		if c := classify(&w.Record); c.status != w.status || c.unsure {
			t.Errorf("%s: %s: classified %s, unsure %v", w.Ports.String(), w.status, c.status, c.unsure)
		}
	}
}

// The size of the embedded edition, and how much of the index is used.
func TestEmbeddedSize(t *testing.T) {
	if n := len(embeddedTable) + len(embeddedIndex); n > 2<<20 {
		t.Errorf("%d bytes", n)
	}
	c := Compact{Index: []byte(embeddedIndex)}
	if used := c.Used(); used > 0.9 {
		t.Errorf("%.0f%% of the index is used: the numbers in it need more bits soon", 100*used)
	}
}

// The embedded edition, compacted again, gives the same bytes.
func TestCompactIsStable(t *testing.T) {
	c, err := Embedded().Compact()
	if err != nil {
		t.Fatal(err)
	}
	if string(c.Table) != embeddedTable || string(c.Index) != embeddedIndex {
		t.Error("another table or index")
	}
}

// A record that is not understood stops the generator.
func TestCompactRefusesUnclassified(t *testing.T) {
	for _, desc := range []string{"what is this", ""} {
		reg := edition(t, rec(TCP, 1, 1, "", desc))
		if _, err := reg.Compact(); err == nil {
			t.Errorf("description %q passes", desc)
		}
	}
}

func TestOpenIndexDamaged(t *testing.T) {
	for n := range 64 {
		if _, err := openIndex(embeddedIndex[:n]); err == nil {
			t.Errorf("%d bytes pass", n)
		}
	}
	for _, blob := range []string{
		embeddedIndex[:len(embeddedIndex)-1],
		embeddedIndex + "x",
		"\x09" + embeddedIndex[1:],
	} {
		if _, err := openIndex(blob); err == nil {
			t.Error("a damaged index passes")
		}
	}
}
