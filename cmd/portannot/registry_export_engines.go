package main

import (
	"embed"
	"io"
	"strings"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/iana/export"
	"github.com/portannot/portannot/cmd/internal/outfile"
	"github.com/portannot/portannot/cmd/portannot/internal/cli"
)

// setups are the configurations of --setup. They are files of their own so that
// the engines' tools can check them.
//
//go:embed registry_export_setup
var setups embed.FS

// queries annotate a table of flows as enrich does.
//
//go:embed registry_export_query
var queries embed.FS

// queryOf gives the query of an engine.
func queryOf(name string) (string, error) {
	file := ""
	switch name = strings.ToLower(name); name {
	case "duckdb", "spark", "postgres", "sqlite":
		file = "standard.sql"
	case "clickhouse":
		file = "clickhouse.sql"
	case "splunk":
		file = "splunk.spl"
	default:
		return "", cli.UnknownWord("--query", name, queryNames)
	}
	text, err := queries.ReadFile("registry_export_query/" + file)
	if name == "sqlite" {
		return strings.ReplaceAll(string(text), "least(", "min("), err
	}
	return string(text), err
}

var queryNames = []string{"clickhouse", "duckdb", "postgres", "spark", "splunk", "sqlite"}

// exportFormat is a form in which registry export writes.
type exportFormat struct {
	name  string
	write func(io.Writer, *iana.Registry) error
	setup string // file among the setups, "" where the engine needs none
}

var exportFormats = []exportFormat{
	{"csv", export.WriteCSV, ""},
	{"json", export.WriteJSON, ""},
	{"services", export.WriteServices, ""},
	{"table", export.WritePorts, ""},
	{"duckdb", export.WriteDuckDB, ""},
	{"postgres", export.WritePostgres, ""},
	{"sqlite", export.WriteSQLite, ""},
	{"clickhouse", export.WriteClickHouse, ""},
	{"spark", export.WriteSpans, "spark.sql"},
	{"splunk", export.WritePorts, "splunk.conf"},
	{"elasticsearch", export.WriteElasticsearch, "elasticsearch.txt"},
	{"logstash", export.WriteLogstash, "logstash.conf"},
	{"vector", export.WritePorts, "vector.yaml"},
	{"zeek", export.WriteZeek, "zeek.zeek"},
	{"wireshark", export.WriteWireshark, ""},
}

func exportFormatNames() []string {
	var names []string
	for _, f := range exportFormats {
		names = append(names, f.name)
	}
	return names
}

func exportFormatNamed(name string) (*exportFormat, error) {
	for i := range exportFormats {
		if exportFormats[i].name == name {
			return &exportFormats[i], nil
		}
	}
	hint := ""
	switch name {
	case "text", "xml":
		hint = "this form can be read, not written"
	case "parquet":
		// Its library would add 13 MB to this program's 16.
		hint = "portannot registry export -o table | portannot-parquet -w portannot.parquet"
	}
	if hint == "" {
		return nil, cli.UnknownWord("-o", name, exportFormatNames())
	}
	return nil, usagef(hint, "unknown -o %q: want %s", name, cli.Or(exportFormatNames()...))
}

// writeSetup writes what an engine needs beside the table.
func (o *exportOptions) writeSetup(e *env, f *exportFormat) error {
	if f.setup == "" {
		return usagef("", "-o %s needs no --setup", f.name)
	}
	text, err := setups.ReadFile("registry_export_setup/" + f.setup)
	if err != nil {
		return err
	}
	return o.writeText(e, text)
}

func (o *exportOptions) writeText(e *env, text []byte) error {
	if o.file == "" || o.file == "-" {
		_, err := e.stdout.Write(text)
		return err
	}
	return outfile.WriteFile(o.file, func(w *outfile.File) error {
		_, err := w.Write(text)
		return err
	})
}
