package export

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate/iana"
)

// SQLite says of every port what the table says, also where a text has what SQL must
// escape.
func TestWriteSQLite(t *testing.T) {
	if testing.Short() {
		t.Skip("long: not with -short")
	}
	program, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Skip("no sqlite3 here")
	}
	reg := hostile(t)
	cmd := exec.Command(program, "-bail", "-csv", ":memory:")
	list := func(name string) string {
		return fmt.Sprintf("coalesce((SELECT group_concat(value, '|') FROM json_each(%s)), '')", name)
	}
	columns := slices.Clone(tableColumns[:])
	for i, name := range columns {
		switch name {
		case "names", "siblings":
			columns[i] = list(name)
		case "listed":
			columns[i] = "CASE listed WHEN 1 THEN 'true' ELSE 'false' END"
		}
	}
	cmd.Stdin = strings.NewReader(string(written(t, reg, WriteSQLite)) + "SELECT transport || '/' || port, " + strings.Join(columns, ", ") + " FROM portannot;\n")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(out)).ReadAll()
	if err != nil || len(rows) != 4<<16 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	got := map[string][]string{}
	for _, row := range rows {
		got[row[0]] = row[1:]
	}
	line := strings.NewReplacer("\n", " ")
	for p := range Table(reg) {
		want := p.columns(reg.Edition().Date)
		for i := range want {
			want[i] = line.Replace(want[i])
		}
		for port := int(p.Span.First); port <= int(p.Span.Last); port++ {
			if g := got[fmt.Sprintf("%v/%d", p.Transport, port)]; !slices.Equal(g, want[:]) {
				t.Fatalf("%v/%d: %q, want %q", p.Transport, port, g, want)
			}
		}
	}
}

// The values of COPY, read back by its rules (PostgreSQL, COPY, text format), are those
// of the table.
func TestWritePostgres(t *testing.T) {
	reg := hostile(t)
	_, data, _ := strings.Cut(string(written(t, reg, WritePostgres)), "FROM stdin;\n")
	data, _, ok := strings.Cut(data, "\n\\.\n")
	if !ok {
		t.Fatal("no end of the data")
	}
	rows := strings.Split(data, "\n")
	unescape := strings.NewReplacer(`\\`, `\`, `\t`, "\t", `\n`, "\n", `\r`, "\r")
	n := 0
	for p := range Table(reg) {
		cells := strings.Split(rows[n], "\t")
		n++
		want := p.columns("")
		if len(cells) != 3+numSaid || cells[0] != p.Transport.String() {
			t.Fatalf("row %q", rows[n-1])
		}
		for i, cell := range cells[3:] {
			w := want[i]
			switch name := tableColumns[i]; {
			case name == "names" && len(p.Names) == 1 && p.Names[0] == `a'b\c"d`:
				w = `{"a'b\\c\"d"}` // an element in quotes, which "\" escapes
			case name == "names", name == "siblings":
				w = "{}"
				if want[i] != "" {
					w = `{"` + strings.ReplaceAll(want[i], "|", `","`) + `"}`
				}
			case w == "":
				if cell != `\N` {
					t.Errorf("%s of row %d: %q, want NULL", name, n, cell)
				}
				continue
			}
			if got := unescape.Replace(cell); got != w {
				t.Errorf("%s of row %d: %q, want %q", tableColumns[i], n, got, w)
			}
		}
	}
	if n != len(rows) {
		t.Errorf("%d rows, want %d", len(rows), n)
	}
	if r := iana.Embedded(); strings.Contains(string(written(t, r, WritePostgres)), "\n\\.\n") == false {
		t.Error("the data has no end")
	}
}
