package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
)

// parquetRows reads a file as CSV cells, by the columns of its schema.
func parquetRows(t testing.TB, data []byte) [][]string {
	t.Helper()
	f, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	fields := f.Schema().Fields()
	for _, field := range fields {
		names = append(names, field.Name())
	}
	table := [][]string{names}
	for _, g := range f.RowGroups() {
		rows := g.Rows()
		buf := make([]parquet.Row, 100)
		for {
			n, err := rows.ReadRows(buf)
			for _, row := range buf[:n] {
				cells := make([]string, len(fields))
				for _, v := range row {
					cell := &cells[v.Column()]
					switch {
					case v.IsNull():
					case v.RepetitionLevel() > 0:
						*cell += "|" + v.String()
					case kindOf(names[v.Column()]) == count:
						*cell = fmt.Sprint(v.Uint64())
					case kindOf(names[v.Column()]) == moment:
						ns := v.Int64()
						if strings.Contains(fields[v.Column()].Type().String(), "MICROS") {
							ns *= 1000
						}
						*cell = time.Unix(0, ns).UTC().Format("2006-01-02T15:04:05.000000000Z")
					default:
						*cell = v.String()
					}
				}
				table = append(table, cells)
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		rows.Close()
	}
	return table
}

const sample = `@timestamp,event.duration,source.ip,source.port,portannot.registered.listed,portannot.registered.names,portannot.caveat
2026-09-14T09:00:00.123456789Z,18446744073709551615,10.20.0.1,65535,true,http|www|www-http,c
,,,,,,
1969-12-31T23:59:59.000000001Z,0,2001:db8::1,0,false,"a ""b"", c",c
`

// What goes in comes out: every value, null, list, in the order of the CSV.
func TestConvert(t *testing.T) {
	var out, errs bytes.Buffer
	if code := run([]string{"-w", "-"}, strings.NewReader(sample), &out, &errs); code != 0 || errs.Len() > 0 {
		t.Fatalf("exit code %d: %s", code, errs.Bytes())
	}
	want, err := csv.NewReader(strings.NewReader(sample)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	got := parquetRows(t, out.Bytes())
	for i := range want {
		for j := range want[i] {
			if i >= len(got) || got[i][j] != want[i][j] {
				t.Fatalf("row %d: %q, want %q", i, got, want[i])
			}
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d rows, want %d", len(got), len(want))
	}
	f, err := parquet.OpenFile(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if c, _ := f.Lookup("portannot.caveat"); c != "registration-does-not-validate-traffic" {
		t.Errorf("caveat %q", c)
	}
	const schema = `message portannot {
	optional int64 @timestamp (TIMESTAMP(isAdjustedToUTC=true,unit=NANOS));
	optional int64 event.duration (INT(64,false));
	optional binary source.ip (STRING);
	optional int32 source.port (INT(16,false));
	optional boolean portannot.registered.listed;
	required group portannot.registered.names (LIST) {
		repeated group list {
			required binary element (STRING);
		}
	}
	optional binary portannot.caveat (STRING);
}`
	if got := f.Schema().String(); got != schema {
		t.Errorf("schema:\n%s\nwant:\n%s", got, schema)
	}
}

func TestConvertMicros(t *testing.T) {
	var out, errs bytes.Buffer
	if code := run([]string{"--micros", "-w", "-"}, strings.NewReader(sample), &out, &errs); code != 0 {
		t.Fatalf("exit code %d: %s", code, errs.Bytes())
	}
	if got := parquetRows(t, out.Bytes())[1][0]; got != "2026-09-14T09:00:00.123456000Z" {
		t.Error(got)
	}
}

// More rows than one group holds.
func TestConvertManyRows(t *testing.T) {
	const n = rowsOfAGroup + 5000
	var in, out, errs bytes.Buffer
	in.WriteString("port,names,note\n")
	for i := range n {
		fmt.Fprintf(&in, "%d,a%d|b,n%d\n", i%65536, i%7, i)
	}
	if code := run([]string{"-w", "-"}, &in, &out, &errs); code != 0 {
		t.Fatalf("exit code %d: %s", code, errs.Bytes())
	}
	rows := parquetRows(t, out.Bytes())[1:]
	if len(rows) != n {
		t.Fatalf("%d rows, want %d", len(rows), n)
	}
	for i, row := range rows {
		if want := fmt.Sprintf("%d,a%d|b,n%d", i%65536, i%7, i); strings.Join(row, ",") != want {
			t.Fatalf("row %d: %q, want %q", i, row, want)
		}
	}
}

// A bad row gives up itself, with its line, and no other.
func TestConvertBadRows(t *testing.T) {
	const in = "port,listed,@timestamp,network.bytes\n1,true,,1\n65536,true,,1\n2,maybe,,1\n3,true,yesterday,1\n4,true,,-1\n5,true\n6,\"tr\"ue,,1\n7,false,2026-01-02T03:04:05Z,9\n"
	var out, errs bytes.Buffer
	if code := run([]string{"-w", "-"}, strings.NewReader(in), &out, &errs); code != 1 {
		t.Fatalf("exit code %d", code)
	}
	const want = `standard input:3: port "65536": want a port, 0 to 65535
standard input:4: listed "maybe": want true or false
standard input:5: @timestamp "yesterday": want a time as RFC 3339 has it
standard input:6: network.bytes "-1": want a number
standard input:7: wrong number of fields
standard input:8: extraneous or missing " in quoted-field
portannot-parquet: 6 rows did not fit and are left out, 2 are written
`
	if errs.String() != want {
		t.Errorf("standard error:\n%s\nwant:\n%s", errs.String(), want)
	}
	if rows := parquetRows(t, out.Bytes()); len(rows) != 3 || rows[1][0] != "1" || rows[2][0] != "7" {
		t.Errorf("%q", rows)
	}
}

func TestUsage(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in.csv")
	if err := os.WriteFile(in, []byte("a\nb\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args string
		code int
		want string // part of standard error
	}{
		{"", 2, "no -w"},
		{"--nothing", 2, "unknown flag: --nothing"},
		{"-w x a b", 2, `unexpected argument "b"`},
		{"-w " + in + " " + in, 2, "is the file that is read"},
		{"-w " + dir + " " + in, 1, "is a directory"},
		{"-w " + filepath.Join(dir, "out") + " " + filepath.Join(dir, "none"), 1, "no such file"},
		{"-w " + filepath.Join(dir, "no", "out") + " " + in, 1, "out: no such file"},
		{"-w -", 1, "no header"},
		{"-w " + filepath.Join(dir, "out") + " " + in, 0, ""},
		{"--help", 0, ""},
	} {
		var out, errs bytes.Buffer
		code := run(strings.Fields(c.args), strings.NewReader(""), &out, &errs)
		if code != c.code || !strings.Contains(errs.String(), c.want) || c.want == "" && errs.Len() > 0 {
			t.Errorf("%s: exit code %d, %q; want %d, %q", c.args, code, errs.String(), c.code, c.want)
		}
	}
	if rows := func() [][]string {
		data, err := os.ReadFile(filepath.Join(dir, "out"))
		if err != nil {
			t.Fatal(err)
		}
		return parquetRows(t, data)
	}(); len(rows) != 2 {
		t.Errorf("%q", rows)
	}
	// Nothing is left of what failed.
	if files, _ := filepath.Glob(filepath.Join(dir, ".*")); len(files) != 0 {
		t.Errorf("left: %q", files)
	}
}

// A header that names columns twice or not at all is no table.
func TestBadHeader(t *testing.T) {
	for _, in := range []string{"a,a\n", "a,,b\n", "\"a\n"} {
		var out, errs bytes.Buffer
		if code := run([]string{"-w", "-"}, strings.NewReader(in), &out, &errs); code != 1 || !strings.Contains(errs.String(), "portannot-parquet: read standard input: ") {
			t.Errorf("%q: exit code %d, %s", in, code, errs.Bytes())
		}
	}
}

// Whatever is read, what is written has the rows that were counted.
func FuzzConvert(f *testing.F) {
	f.Add(sample)
	f.Add("port,names\n1,a|b\n,\nx,\n\"\n")
	f.Add("\xff,@\n\x00,\"a\nb\"\n")
	f.Fuzz(func(t *testing.T, in string) {
		var out bytes.Buffer
		c := converter{name: "fuzz", problem: func(int, error) {}}
		if err := c.convert(strings.NewReader(in), &out); err != nil {
			return
		}
		if rows := parquetRows(t, out.Bytes()); int64(len(rows)) != c.rows+1 {
			t.Errorf("%d rows, want %d", len(rows)-1, c.rows)
		}
	})
}
