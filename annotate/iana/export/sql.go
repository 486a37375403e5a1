package export

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/portannot/portannot/annotate/iana"
)

// WritePostgres writes a script for psql that drops and creates the table portannot of
// PostgreSQL, in one transaction. It has a row for each port and transport. Names and
// siblings are arrays, empty if there are none; other missing values are NULL.
func WritePostgres(w io.Writer, r *iana.Registry) error {
	return engineWriter(w, "PostgreSQL", func(w *bufio.Writer) {
		w.WriteString(comments(r, "-- "))
		columns := sqlColumns(func(name string) string {
			switch name {
			case "listed":
				return "boolean NOT NULL"
			case "names", "siblings":
				return "text[] NOT NULL"
			case "status":
				return "text NOT NULL"
			}
			return "text"
		})
		w.WriteString("BEGIN;\nDROP TABLE IF EXISTS portannot;\n" +
			"CREATE TEMPORARY TABLE portannot_spans (transport text, first_port integer, last_port integer,\n" + columns + ") ON COMMIT DROP;\n" +
			"COPY portannot_spans FROM stdin;\n")
		for p := range Table(r) {
			fmt.Fprintf(w, "%v\t%d\t%d", p.Transport, p.Span.First, p.Span.Last)
			values := p.columns("")
			for i, v := range values[:numSaid] {
				w.WriteByte('\t')
				switch tableColumns[i] {
				case "names":
					v = postgresArray(p.Names)
				case "siblings":
					v = postgresArray(p.siblingNames())
				default:
					if v == "" {
						w.WriteString(`\N`)
						continue
					}
				}
				postgresCopy.WriteString(w, v) // errors stay until Flush
			}
			w.WriteByte('\n')
		}
		fmt.Fprintf(w, "\\.\nCREATE TABLE portannot (transport text, port integer,\n%s,\n  edition text, caveat text NOT NULL, PRIMARY KEY (transport, port));\n", columns)
		fmt.Fprintf(w, "INSERT INTO portannot SELECT transport, generate_series(first_port, last_port), %s, nullif(%s, ''), '%s' FROM portannot_spans;\nCOMMIT;\nANALYZE portannot;\n",
			quotedColumns(), sqlText(r.Edition().Date), iana.Caveat)
	})
}

// postgresCopy makes text a value of COPY in its text format.
var postgresCopy = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`)

func postgresArray(list []string) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, s := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"` + postgresElement.Replace(s) + `"`)
	}
	b.WriteByte('}')
	return b.String()
}

var postgresElement = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// WriteSQLite writes a script for sqlite3 that drops and creates the table portannot, in
// one transaction. It has a row for each port and transport. Names and siblings are
// JSON arrays, for json_each, empty if there are none; other missing values are NULL.
func WriteSQLite(w io.Writer, r *iana.Registry) error {
	return engineWriter(w, "SQLite", func(w *bufio.Writer) {
		w.WriteString(comments(r, "-- "))
		columns := sqlColumns(func(name string) string {
			switch name {
			case "listed":
				return "INTEGER NOT NULL"
			case "names", "siblings", "status":
				return "TEXT NOT NULL"
			}
			return "TEXT"
		})
		w.WriteString("BEGIN;\nDROP TABLE IF EXISTS portannot;\nDROP TABLE IF EXISTS temp.portannot_spans;\n" +
			"CREATE TEMPORARY TABLE portannot_spans (transport TEXT, first_port INTEGER, last_port INTEGER,\n" + columns + ");\n")
		insertSpans(w, r, sqliteValue)
		fmt.Fprintf(w, "CREATE TABLE portannot (transport TEXT NOT NULL, port INTEGER NOT NULL,\n%s,\n  edition TEXT, caveat TEXT NOT NULL, PRIMARY KEY (transport, port)) WITHOUT ROWID;\n", columns)
		fmt.Fprintf(w, "WITH RECURSIVE ports (id, port, last_port) AS (\n  SELECT rowid, first_port, last_port FROM portannot_spans\n"+
			"  UNION ALL SELECT id, port + 1, last_port FROM ports WHERE port < last_port)\n"+
			"INSERT INTO portannot SELECT transport, port, %s, nullif(%s, ''), '%s'\n  FROM ports JOIN portannot_spans ON portannot_spans.rowid = id;\n"+
			"DROP TABLE temp.portannot_spans;\nCOMMIT;\nANALYZE portannot;\n", quotedColumns(), sqlText(r.Edition().Date), iana.Caveat)
	})
}

func sqliteValue(dst []byte, p *Ports, column, v string) []byte {
	switch column {
	case "listed":
		return appendBit(dst, p.Listed)
	case "names":
		v = jsonArray(p.Names)
	case "siblings":
		v = jsonArray(p.siblingNames())
	default:
		if v == "" {
			return append(dst, "NULL"...)
		}
	}
	return append(dst, sqlText(v)...)
}

// sqlColumns declares the columns that say something of a port.
func sqlColumns(kind func(name string) string) string {
	var b strings.Builder
	for i, name := range tableColumns[:numSaid] {
		if i > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(&b, "  %q %s", name, kind(name))
	}
	return b.String()
}

func quotedColumns() string {
	return `"` + strings.Join(tableColumns[:numSaid], `", "`) + `"`
}

// sqlText makes text a literal of standard SQL, on one line.
func sqlText(s string) string { return "'" + sqlEscape.Replace(s) + "'" }

var sqlEscape = strings.NewReplacer("'", "''", "\n", " ", "\r", " ", "\x00", " ")

func jsonArray(list []string) string {
	dst := []byte{'['}
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = iana.AppendJSONString(dst, s)
	}
	return string(append(dst, ']'))
}
