package main

import (
	"embed"
	"io"

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
	if o.file == "" || o.file == "-" {
		_, err = e.stdout.Write(text)
		return err
	}
	return outfile.WriteFile(o.file, func(w *outfile.File) error {
		_, err := w.Write(text)
		return err
	})
}
