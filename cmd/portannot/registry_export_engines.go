package main

import (
	"embed"
	"io"
	"strings"

	"github.com/portannot/portannot/annotate/iana"
)

// setups are the configurations of --setup. They are files of their own so that
// the engines' tools can check them.
//
//go:embed registry_export_setup
var setups embed.FS

// exportFormat is a form in which registry export writes.
type exportFormat struct {
	name  string
	write func(*iana.Registry, io.Writer) error
	setup string // file among the setups, "" where the engine needs none
}

var exportFormats = []exportFormat{
	{"csv", (*iana.Registry).WriteCSV, ""},
	{"json", (*iana.Registry).WriteJSON, ""},
	{"services", (*iana.Registry).WriteServices, ""},
	{"table", (*iana.Registry).WritePorts, ""},
	{"duckdb", (*iana.Registry).WriteDuckDB, ""},
	{"clickhouse", (*iana.Registry).WriteClickHouse, ""},
	{"spark", (*iana.Registry).WriteSpans, "spark.sql"},
	{"splunk", (*iana.Registry).WritePorts, "splunk.conf"},
	{"elasticsearch", (*iana.Registry).WriteElasticsearch, "elasticsearch.txt"},
	{"logstash", (*iana.Registry).WriteLogstash, "logstash.conf"},
	{"vector", (*iana.Registry).WritePorts, "vector.yaml"},
	{"zeek", (*iana.Registry).WriteZeek, "zeek.zeek"},
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
	names := exportFormatNames()
	last := len(names) - 1
	hint := ""
	switch name {
	case "text", "xml":
		hint = "this form can be read, not written"
	case "parquet":
		// Its library would add 13 MB to this program's 16.
		hint = "portannot registry export --format table | portannot-parquet -o portannot.parquet"
	}
	return nil, usagef(hint, "unknown --format %q: want %s or %s", name, strings.Join(names[:last], ", "), names[last])
}

// writeSetup writes what an engine needs beside the table.
func (o *exportOptions) writeSetup(e *env, f *exportFormat) error {
	if f.setup == "" {
		return usagef("", "--format %s needs no --setup", f.name)
	}
	text, err := setups.ReadFile("registry_export_setup/" + f.setup)
	if err != nil {
		return err
	}
	if o.output == "" || o.output == "-" {
		_, err = e.stdout.Write(text)
		return err
	}
	return writeWhole(o.output, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}
