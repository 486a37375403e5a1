package export

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/iana/internal/published"
)

// The table has each port of each transport once, in order, and says of it
// what Lookup says.
func TestTable(t *testing.T) {
	for _, name := range []string{"", published.Excerpt24, published.XML2024}[:3/published.Every(2)] {
		reg := iana.Embedded()
		if name != "" {
			reg = openEdition(t, name)
		}
		next, spans := 0, 0
		for p := range Table(reg) {
			spans++
			if strings.Contains(p.Name, listSeparator) {
				t.Errorf("%s: the name %q has the separator of lists in it", name, p.Name)
			}
			for port := int(p.Span.First); port <= int(p.Span.Last); port++ {
				want := (int(iana.TCP) << 16) + next
				if got := int(p.Transport)<<16 + port; got != want {
					t.Fatalf("%s: %d/%v follows after %d", name, port, p.Transport, next)
				}
				next++
				e := reg.Lookup(p.Transport, uint16(port))
				d, _ := e.Deassigned()
				if p.Status != e.Status || p.Listed != e.Listed || p.Name != e.Name() || !slices.Equal(p.Names, e.Names()) ||
					p.Description != e.Description() || p.Range != e.Range() || p.Registered != e.Registered() ||
					p.Modified != e.Modified() || p.ServiceCode != e.ServiceCode() || p.Unauthorized != e.Unauthorized() ||
					p.Deassigned != d || p.Siblings != e.Siblings() || p.Listed && p.Record != e.Span() {
					t.Fatalf("%s: %d/%v: %+v, want %+v", name, port, p.Transport, p, e)
				}
			}
		}
		if next != 4<<16 {
			t.Errorf("%s: %d ports", name, next)
		}
		if spans > 25_000 {
			t.Errorf("%s: %d spans: equal ones are not joined", name, spans)
		}
	}
}

// hostile is an edition whose text has what each form must escape.
func hostile(t *testing.T) *iana.Registry {
	t.Helper()
	reg, err := iana.NewRegistry(iana.Edition{Date: "20'26", Source: "a\nb", Form: "csv"}, []iana.Record{
		{Name: `a'b\c"d`, HasPort: true, Ports: iana.Span{First: 7, Last: 7}, Transport: iana.TCP, Description: "tab\there, 'quote' \\ and \"more\"\nline"},
		{Name: "-", HasPort: true, Ports: iana.Span{First: 8, Last: 8}, Transport: iana.TCP, Description: "(empty)"},
		{Name: "x,y", HasPort: true, Ports: iana.Span{First: 9, Last: 9}, Transport: iana.UDP, Description: "Snowman ☃"},
	}, iana.AllPorts())
	if err != nil {
		t.Fatal(err)
	}
	return reg
}

func written(t *testing.T, reg *iana.Registry, write func(io.Writer, *iana.Registry) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, reg); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Each form with rows is read back by an independent reader, and says of every
// port what the table says.
func TestEngineForms(t *testing.T) {
	for name, reg := range map[string]*iana.Registry{"embedded": iana.Embedded(), "hostile": hostile(t)} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name == "embedded" {
				t.Skip("long: not with -short")
			}
			want := map[string][]string{}
			for p := range Table(reg) {
				values := p.columns(reg.Edition().Date)
				for port := int(p.Span.First); port <= int(p.Span.Last); port++ {
					want[fmt.Sprintf("%v/%d", p.Transport, port)] = values[:]
				}
			}
			t.Run("ports", func(t *testing.T) {
				rows, err := csv.NewReader(bytes.NewReader(written(t, reg, WritePorts))).ReadAll()
				if err != nil || len(rows) != 4<<16+1 {
					t.Fatalf("%d rows, %v", len(rows), err)
				}
				if !slices.Equal(rows[0][2:], tableColumns[:]) {
					t.Errorf("header %q", rows[0])
				}
				for _, row := range rows[1:] {
					if w := want[row[0]+"/"+row[1]]; !slices.Equal(row[2:], w) {
						t.Fatalf("%q, want %q", row, w)
					}
				}
			})
			t.Run("spans", func(t *testing.T) {
				rows, err := csv.NewReader(bytes.NewReader(written(t, reg, WriteSpans))).ReadAll()
				if err != nil {
					t.Fatal(err)
				}
				n := 0
				for _, row := range rows[1:] {
					first, err1 := strconv.Atoi(row[1])
					last, err2 := strconv.Atoi(row[2])
					if err1 != nil || err2 != nil {
						t.Fatalf("%q", row)
					}
					for port := first; port <= last; port++ {
						n++
						if w := want[fmt.Sprintf("%s/%d", row[0], port)]; !slices.Equal(row[3:], w) {
							t.Fatalf("%q, want %q", row, w)
						}
					}
				}
				if n != 4<<16 {
					t.Errorf("%d ports", n)
				}
			})
			t.Run("logstash", func(t *testing.T) {
				var dictionary map[string]jsonPorts
				d := json.NewDecoder(bytes.NewReader(written(t, reg, WriteLogstash)))
				d.DisallowUnknownFields()
				if err := d.Decode(&dictionary); err != nil || len(dictionary) != 4<<16 {
					t.Fatalf("%d keys, %v", len(dictionary), err)
				}
				for key, value := range dictionary {
					value.check(t, key, want[key])
				}
			})
			t.Run("elasticsearch", func(t *testing.T) {
				d := json.NewDecoder(bytes.NewReader(written(t, reg, WriteElasticsearch)))
				d.DisallowUnknownFields()
				n := 0
				for {
					var action struct {
						Index struct {
							ID string `json:"_id"`
						} `json:"index"`
					}
					err := d.Decode(&action)
					if err == io.EOF {
						break
					}
					var doc struct {
						Key, Ports struct{ GTE, LTE int }
						Transport  iana.Transport
						jsonPorts
					}
					if err == nil {
						err = d.Decode(&doc)
					}
					if err != nil {
						t.Fatal(err)
					}
					base := map[iana.Transport]int{iana.TCP: 65536, iana.UDP: 131072, iana.SCTP: 196608, iana.DCCP: 262144}[doc.Transport]
					if doc.Key.GTE != base+doc.Ports.GTE || doc.Key.LTE != base+doc.Ports.LTE ||
						action.Index.ID != fmt.Sprintf("%v-%d", doc.Transport, doc.Ports.GTE) {
						t.Fatalf("%+v: %+v", action, doc)
					}
					for port := doc.Ports.GTE; port <= doc.Ports.LTE; port++ {
						n++
						key := fmt.Sprintf("%v/%d", doc.Transport, port)
						doc.check(t, key, want[key])
					}
				}
				if n != 4<<16 {
					t.Errorf("%d ports", n)
				}
			})
			t.Run("zeek", func(t *testing.T) { checkZeek(t, reg, want) })
		})
	}
}

// jsonPorts are the members of an object of Elasticsearch's and Logstash's.
type jsonPorts struct {
	Status       string   `json:"status"`
	Listed       bool     `json:"listed"`
	Name         string   `json:"name"`
	Names        []string `json:"names"`
	Description  string   `json:"description"`
	Range        string   `json:"range"`
	Span         string   `json:"span"`
	Registered   string   `json:"registration_date"`
	Modified     string   `json:"modification_date"`
	ServiceCode  string   `json:"service_code"`
	Unauthorized string   `json:"unauthorized_use"`
	Date         string   `json:"deassigned_date"`
	Former       string   `json:"deassigned_name"`
	Siblings     []string `json:"siblings"`
	Edition      string   `json:"edition"`
	Caveat       string   `json:"caveat"`
}

func (j *jsonPorts) check(t *testing.T, key string, want []string) {
	t.Helper()
	got := []string{
		j.Status, strconv.FormatBool(j.Listed), j.Name, strings.Join(j.Names, "|"), j.Description, j.Range, j.Span,
		j.Registered, j.Modified, j.ServiceCode, j.Unauthorized, j.Date, j.Former, strings.Join(j.Siblings, "|"), j.Edition, j.Caveat,
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%s: %q, want %q", key, got, want)
	}
}

// checkZeek reads the rows as Zeek's ASCII reader does: a column is cut into
// elements before \xNN is undone.
func checkZeek(t *testing.T, reg *iana.Registry, want map[string][]string) {
	unescape := func(s string) string {
		for i := 0; i+3 < len(s); i++ {
			if s[i] == '\\' && s[i+1] == 'x' {
				n, err := strconv.ParseUint(s[i+2:i+4], 16, 8)
				if err != nil {
					t.Fatal(err)
				}
				s = s[:i] + string([]byte{byte(n)}) + s[i+4:]
			}
		}
		return s
	}
	value := func(s string) string {
		if s == "-" {
			return ""
		}
		return unescape(s)
	}
	seen := map[string]bool{}
	var fields []string
	for line := range strings.Lines(string(written(t, reg, WriteZeek))) {
		cells := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if cells[0] == "#fields" {
			fields = cells[1:]
		}
		if line[0] == '#' {
			continue
		}
		if len(cells) != len(fields) {
			t.Fatalf("%q: %d columns, want %d", line, len(cells), len(fields))
		}
		key := cells[0] + "/" + cells[1]
		seen[key] = true
		for i, field := range fields[2:] {
			w := want[key][slices.Index(tableColumns[:], field)]
			got := value(cells[i+2])
			if field == "names" {
				got = ""
				if cells[i+2] != "(empty)" {
					var names []string
					for _, name := range strings.Split(cells[i+2], ",") {
						names = append(names, unescape(name))
					}
					got = strings.Join(names, "|")
				}
			}
			if got != w {
				t.Fatalf("%s: %s %q, want %q", key, field, got, w)
			}
		}
	}
	// A port without a row has its status by rule, and no name.
	for key, w := range want {
		_, number, _ := strings.Cut(key, "/")
		port, _ := strconv.Atoi(number)
		rule := "unassigned"
		if port >= iana.FirstDynamic {
			rule = "dynamic"
		}
		if !seen[key] && (w[0] != rule || w[2] != "") {
			t.Fatalf("%s has no row: %q", key, w)
		}
	}
}

// A failure to write is told.
func TestEngineFormsFail(t *testing.T) {
	reg := iana.Embedded()
	for name, write := range map[string]func(io.Writer, *iana.Registry) error{
		"duckdb": WriteDuckDB, "clickhouse": WriteClickHouse, "spans": WriteSpans, "ports": WritePorts,
		"elasticsearch": WriteElasticsearch, "logstash": WriteLogstash, "zeek": WriteZeek,
		"postgres": WritePostgres, "sqlite": WriteSQLite,
	} {
		if err := write(failingWriter{}, reg); err == nil || !strings.Contains(err.Error(), "write registry") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, os.ErrClosed }

// The post-dissector's tables, read back by the rules of Lua's literals, say of
// every port its status and name.
func TestWriteWireshark(t *testing.T) {
	for name, reg := range map[string]*iana.Registry{"embedded": iana.Embedded(), "hostile": hostile(t)} {
		script := string(written(t, reg, WriteWireshark))
		for _, transport := range []iana.Transport{iana.TCP, iana.UDP, iana.SCTP} {
			_, text, _ := strings.Cut(script, "\nregistry."+transport.String()+" = \"\\\n")
			text, _, ok := strings.Cut(text, "\n\"\n")
			if !ok {
				t.Fatalf("%s: no table of %v", name, transport)
			}
			next := 0
			var status, service string
			for line := range strings.Lines(text + "\n") {
				line = strings.TrimSuffix(line, "\\n\\\n")
				head, rest, _ := strings.Cut(line, " ")
				first, err := strconv.Atoi(head[1:])
				if err != nil {
					t.Fatalf("%s: %v: line %q", name, transport, line)
				}
				for ; next < first; next++ {
					checkSpan(t, reg, transport, next, status, service)
				}
				status = map[byte]string{'a': "assigned", 'r': "reserved", 'u': "unassigned", 'd': "dynamic", '?': "unknown"}[head[0]]
				service = strings.NewReplacer(`\034`, `"`, `\092`, `\`).Replace(rest)
			}
			for ; next < 1<<16; next++ {
				checkSpan(t, reg, transport, next, status, service)
			}
		}
	}
}

func checkSpan(t *testing.T, reg *iana.Registry, transport iana.Transport, port int, status, name string) {
	t.Helper()
	if e := reg.Lookup(transport, uint16(port)); status != e.Status.String() || name != e.Name() {
		t.Fatalf("%d/%v: %s %q, want %v %q", port, transport, status, name, e.Status, e.Name())
	}
}
