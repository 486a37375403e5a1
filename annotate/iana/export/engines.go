package export

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/portannot/portannot/annotate/iana"
)

// The forms below are for engines that join or look up rows. All of them hold
// every port of the four transports. SQL engines take spans and expand them
// while they load, so that the join is one of equality; Elasticsearch keeps
// spans; engines whose lookups know equality alone get a row for each port.

// comments are the lines that a script begins with.
func comments(r *iana.Registry, prefix string) string {
	ed := r.Edition()
	return fmt.Sprintf("%[1]sIANA Service Name and Transport Protocol Port Number Registry (RFC 6335), edition %[2]s.\n%[1]sSource: %[3]s\n%[1]s%[4]s: %[5]s\n",
		prefix, orUnknown(ed.Date), orUnknown(ed.Source), iana.Caveat, iana.Warning)
}

// engineWriter keeps the first error until the end, as bufio.Writer does.
func engineWriter(w io.Writer, what string, write func(w *bufio.Writer)) error {
	bw := bufio.NewWriterSize(w, 1<<16)
	write(bw)
	if err := bw.Flush(); err != nil {
		return fmt.Errorf("write registry for %s: %w", what, err)
	}
	return nil
}

// WriteDuckDB writes an SQL script for DuckDB that creates or replaces the table
// portannot. It has a row for each port and transport. Names and siblings are
// lists, empty if there are none; other missing values are NULL.
func WriteDuckDB(w io.Writer, r *iana.Registry) error {
	return engineWriter(w, "DuckDB", func(w *bufio.Writer) {
		// The data is one literal with a line for each span, which DuckDB reads
		// in an eighth of the time that it takes for as many rows of VALUES.
		w.WriteString(comments(r, "-- "))
		w.WriteString("CREATE OR REPLACE TABLE portannot AS\nSELECT v[1] AS transport, unnest(range(v[2]::INTEGER, v[3]::INTEGER + 1))::USMALLINT AS port,\n")
		for i, name := range tableColumns[:numSaid] {
			v := fmt.Sprintf("v[%d]", i+4) // lists begin at 1, and three columns come before
			switch name {
			case "listed":
				v += "::BOOLEAN"
			case "names", "siblings":
				v = fmt.Sprintf("CASE WHEN %[1]s = '' THEN [] ELSE string_split(%[1]s, '%[2]s') END::VARCHAR[]", v, listSeparator)
			default:
				v = "nullif(" + v + ", '')"
			}
			fmt.Fprintf(w, "  %s AS \"%s\",\n", v, name)
		}
		fmt.Fprintf(w, "  nullif('%s', '') AS edition, '%s' AS caveat\nFROM (SELECT string_split(unnest(string_split('", duckDBText.Replace(r.Edition().Date), iana.Caveat)
		sep := ""
		for p := range Table(r) {
			fmt.Fprintf(w, "%s%s\t%d\t%d", sep, p.Transport, p.Span.First, p.Span.Last)
			values := p.columns("")
			for _, v := range values[:numSaid] {
				w.WriteByte('\t')
				duckDBText.WriteString(w, v) // errors stay until Flush
			}
			sep = "\n"
		}
		w.WriteString("', chr(10))), chr(9)) AS v)\nORDER BY transport, port;\n")
	})
}

// duckDBText makes text part of a literal with lines and columns.
var duckDBText = strings.NewReplacer("'", "''", "\t", " ", "\n", " ", "\r", " ")

// insertRows is how many rows stand in one INSERT: few enough for any limit on
// a statement's length.
const insertRows = 1000

// WriteClickHouse writes an SQL script for clickhouse-client --multiquery that
// drops and creates the table portannot. It has a row for each port and transport.
// Names and siblings are arrays; a missing value is the empty string. ClickHouse
// 18.16 and later understand the script.
func WriteClickHouse(w io.Writer, r *iana.Registry) error {
	return engineWriter(w, "ClickHouse", func(w *bufio.Writer) {
		w.WriteString(comments(r, "-- "))
		const columns = "status String, listed UInt8, name String, names Array(String),\n" +
			"  description String, range String, span String, registration_date String, modification_date String,\n" +
			"  service_code String, unauthorized_use String, deassigned_date String, deassigned_name String,\n" +
			"  siblings Array(String)"
		w.WriteString("DROP TABLE IF EXISTS portannot;\nDROP TABLE IF EXISTS portannot_spans;\n" +
			"CREATE TABLE portannot_spans (transport String, first_port UInt32, last_port UInt32,\n  " + columns + ")\n" +
			"ENGINE = Memory;\n" +
			"CREATE TABLE portannot (transport String, port UInt16,\n  " + columns + ", edition String, caveat String)\n" +
			"ENGINE = MergeTree() ORDER BY (transport, port);\n")
		insertSpans(w, r, clickHouseValue)
		fmt.Fprintf(w, "INSERT INTO portannot SELECT transport, toUInt16(first_port + step) AS port, %s, %s AS edition, '%s' AS caveat"+
			" FROM portannot_spans ARRAY JOIN range(toUInt64(last_port - first_port + 1)) AS step;\nDROP TABLE portannot_spans;\n",
			strings.Join(tableColumns[:numSaid], ", "), clickHouseLiteral(nil, r.Edition().Date), iana.Caveat)
	})
}

var clickHouseText = strings.NewReplacer(`\`, `\\`, "'", `\'`, "\n", `\n`, "\r", `\r`)

func clickHouseLiteral(dst []byte, s string) []byte {
	return append(append(append(dst, '\''), clickHouseText.Replace(s)...), '\'')
}

func clickHouseArray(dst []byte, list []string) []byte {
	dst = append(dst, '[')
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = clickHouseLiteral(dst, s)
	}
	return append(dst, ']')
}

// insertSpans writes the statements that fill portannot_spans, each on one line, which
// is where clickhouse-client looks for their ends. value appends a column as a literal;
// v is its text.
func insertSpans(w *bufio.Writer, r *iana.Registry, value func(dst []byte, p *Ports, column, v string) []byte) {
	var line []byte
	n := 0
	for p := range Table(r) {
		switch {
		case n%insertRows != 0:
			w.WriteByte(',')
		case n > 0:
			w.WriteString(";\n")
			fallthrough
		default:
			w.WriteString("INSERT INTO portannot_spans VALUES ")
		}
		n++
		line = fmt.Appendf(line[:0], "('%v',%d,%d", p.Transport, p.Span.First, p.Span.Last)
		values := p.columns("")
		for i, v := range values[:numSaid] {
			line = value(append(line, ','), p, tableColumns[i], v)
		}
		w.Write(append(line, ')'))
	}
	w.WriteString(";\n")
}

func clickHouseValue(dst []byte, p *Ports, column, v string) []byte {
	switch column {
	case "listed":
		return appendBit(dst, p.Listed)
	case "names":
		return clickHouseArray(dst, p.Names)
	case "siblings":
		return clickHouseArray(dst, p.siblingNames())
	}
	return clickHouseLiteral(dst, v)
}

func appendBit(dst []byte, b bool) []byte {
	if b {
		return append(dst, '1')
	}
	return append(dst, '0')
}

// WriteSpans writes the values of [Table] as CSV, one a row, with the columns
// first_port and last_port. The elements of lists are joined by "|". Spark reads
// this form.
func WriteSpans(w io.Writer, r *iana.Registry) error {
	return writeTableCSV(w, r, []string{"transport", "first_port", "last_port"}, func(cw *csv.Writer, p *Ports, rest []string) {
		cw.Write(append([]string{p.Transport.String(), strconv.Itoa(int(p.Span.First)), strconv.Itoa(int(p.Span.Last))}, rest...))
	})
}

// WritePorts writes CSV with a row for each port and transport, 262,144 in all. The
// elements of lists are joined by "|". It is for tools whose lookups test for
// equality only, such as Splunk and Vector.
func WritePorts(w io.Writer, r *iana.Registry) error {
	return writeTableCSV(w, r, []string{"transport", "port"}, func(cw *csv.Writer, p *Ports, rest []string) {
		row := append([]string{p.Transport.String(), ""}, rest...)
		for port := int(p.Span.First); port <= int(p.Span.Last); port++ {
			row[1] = strconv.Itoa(port)
			cw.Write(row)
		}
	})
}

func writeTableCSV(w io.Writer, r *iana.Registry, keys []string, write func(*csv.Writer, *Ports, []string)) error {
	cw := csv.NewWriter(w)
	cw.Write(append(keys, tableColumns[:]...)) // errors stay until Error
	for p := range Table(r) {
		rest := p.columns(r.Edition().Date)
		write(cw, p, rest[:])
	}
	cw.Flush()
	if err := cw.Error(); err != nil {
		return fmt.Errorf("write registry as a table: %w", err)
	}
	return nil
}

// WriteElasticsearch writes NDJSON for the bulk API: a document for each value of
// [Table]. The field key has transport and port as one range of integers, because
// an enrich policy matches a single field: the key of a port is 65536 times the
// number of the transport (tcp 1, udp 2, sctp 3, dccp 4) plus the port.
func WriteElasticsearch(w io.Writer, r *iana.Registry) error {
	return engineWriter(w, "Elasticsearch", func(w *bufio.Writer) {
		var line []byte
		for p := range Table(r) {
			line = fmt.Appendf(line[:0], `{"index":{"_id":"%s-%d"}}`+"\n", p.Transport, p.Span.First)
			base := int(p.Transport) << 16
			line = fmt.Appendf(line, `{"key":{"gte":%d,"lte":%d}`, base+int(p.Span.First), base+int(p.Span.Last))
			line = fmt.Appendf(line, `,"transport":"%s","ports":{"gte":%d,"lte":%d},`, p.Transport, p.Span.First, p.Span.Last)
			line = append(p.appendObject(line, r.Edition().Date), "}\n"...)
			w.Write(line)
		}
	})
}

// WriteLogstash writes a dictionary for the translate filter of Logstash: one JSON
// object with a member "tcp/443" for each transport and port. Its value is an
// object with the columns of [WritePorts] as members.
func WriteLogstash(w io.Writer, r *iana.Registry) error {
	return engineWriter(w, "Logstash", func(w *bufio.Writer) {
		sep := "{\n"
		var value []byte
		for p := range Table(r) {
			value = append(p.appendObject(append(value[:0], '{'), r.Edition().Date), '}')
			for port := int(p.Span.First); port <= int(p.Span.Last); port++ {
				fmt.Fprintf(w, `%s"%s/%d":`, sep, p.Transport, port)
				w.Write(value)
				sep = ",\n"
			}
		}
		w.WriteString("\n}\n")
	})
}

// appendObject appends the columns as members of a JSON object, without its
// braces; those without a value are left out.
func (p *Ports) appendObject(dst []byte, edition string) []byte {
	dst = iana.AppendJSONString(append(dst, `"status":`...), p.Status.String())
	dst = strconv.AppendBool(append(dst, `,"listed":`...), p.Listed)
	for i, v := range p.columns(edition) {
		switch name := tableColumns[i]; name {
		case "status", "listed":
		case "names":
			dst = iana.AppendJSONList(dst, name, p.Names)
		case "siblings":
			dst = iana.AppendJSONList(dst, name, p.siblingNames())
		default:
			dst = iana.AppendJSONMember(dst, name, v)
		}
	}
	return dst
}

// WriteZeek writes a table for the input framework of Zeek: columns separated by
// tabs, "-" for a missing value, names as a vector. Zeek keeps the table in memory,
// so dynamic ports have no row, nor have unassigned ports about which the registry
// says nothing else. A script has to treat ports without a row as unassigned or
// dynamic.
func WriteZeek(w io.Writer, r *iana.Registry) error {
	return engineWriter(w, "Zeek", func(w *bufio.Writer) {
		w.WriteString("#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tportannot\n" +
			"#fields\ttransport\tnum\tstatus\tname\tnames\tdescription\tregistration_date\tunauthorized_use\tdeassigned_date\tdeassigned_name\tedition\tcaveat\n" +
			"#types\tstring\tcount\tstring\tstring\tvector[string]\tstring\tstring\tstring\tstring\tstring\tstring\tstring\n")
		for e := range r.Entries() {
			if !tellsMore(e) && e.Status != iana.Unknown {
				continue
			}
			p := portsOf(e)
			fmt.Fprintf(w, "%s\t%d\t%s\t%s\t", p.Transport, e.Port, p.Status, zeekText(p.Name))
			if len(p.Names) == 0 {
				w.WriteString("(empty)")
			}
			for i, name := range p.Names {
				if i > 0 {
					w.WriteByte(',')
				}
				w.WriteString(zeekText(name))
			}
			for _, v := range [...]string{p.Description, p.Registered, p.Unauthorized, p.Deassigned.Date, p.Deassigned.FormerName, r.Edition().Date, iana.Caveat} {
				w.WriteByte('\t')
				w.WriteString(zeekText(v))
			}
			w.WriteByte('\n')
		}
	})
}

// zeekText escapes a value as Zeek's ASCII logs are: \xNN for what would end a
// column or an element, and for control characters.
func zeekText(s string) string {
	if s == "" {
		return "-"
	}
	if s == "-" || s == "(empty)" {
		return fmt.Sprintf("\\x%02x%s", s[0], s[1:])
	}
	if !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == ',' || r == '\\' }) {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ' || c == 0x7f || c == ',' || c == '\\':
			fmt.Fprintf(&b, "\\x%02x", c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
