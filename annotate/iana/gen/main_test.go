package main

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate/iana/edition/update"
)

const doc = `<registry xmlns="http://www.iana.org/assignments" id="service-names-port-numbers">
<updated>2026-08-17</updated>
<record><name>http</name><protocol>tcp</protocol><description>World Wide Web HTTP</description><number>80</number><xref type="rfc" data="rfc9110"/></record>
<record><name>www</name><protocol>tcp</protocol><description>World Wide Web HTTP</description><number>80</number><note>This is a duplicate of the "http" service</note></record>
<record><description>Unassigned [was netstat]</description><number>15</number></record>
</registry>`

const wantTable = "15\t\tU\t\t\tUnassigned [was netstat]\t\t\t\t\t\t|netstat\n" +
	"80\ttcp\tA\t\thttp\tWorld Wide Web HTTP\t\t\t[RFC9110]\n" +
	"80\ttcp\tA\thistoric\twww\tWorld Wide Web HTTP\n"

func zipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	zw.Write([]byte(text))
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGenerate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "edition")
	if err := os.WriteFile(file, zipped(t, doc), 0o600); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(doc)) }))
	defer server.Close()

	for _, from := range []string{file, server.URL} {
		dir := t.TempDir()
		var out strings.Builder
		if err := generate(from, update.DefaultURL, dir, "", &out); err != nil {
			t.Fatal(err)
		}
		table, err := os.ReadFile(filepath.Join(dir, "table.txt"))
		if err != nil || string(table) != wantTable {
			t.Errorf("%s: %v\n%s", from, err, table)
		}
		constants, err := os.ReadFile(filepath.Join(dir, "edition.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`"2026-08-17"`, `"` + update.DefaultURL + `"`, "embeddedRecords = 3"} {
			if !strings.Contains(string(constants), want) {
				t.Errorf("%s: edition.go has no %s:\n%s", from, want, constants)
			}
		}
		if !strings.Contains(out.String(), "records 3, names without port 0, ports with several names 1\n") {
			t.Errorf("%s: report:\n%s", from, out.String())
		}
	}
}

// What cannot be read or understood changes nothing.
func TestGenerateFails(t *testing.T) {
	dir := t.TempDir()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	for name, text := range map[string]string{
		"unclassified": strings.Replace(doc, "Unassigned [was netstat]", "what is this", 1),
		"cut short":    doc[:len(doc)-20],
		"excerpt":      "Service Name,Port Number,Transport Protocol,Description\nhttp,80,tcp,x\n",
	} {
		file := filepath.Join(dir, "edition")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := generate(file, update.DefaultURL, dir, "", &strings.Builder{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := generate(server.URL, update.DefaultURL, dir, "", &strings.Builder{}); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("not found: %v", err)
	}
	if err := generate(filepath.Join(dir, "none"), update.DefaultURL, dir, "", &strings.Builder{}); err == nil {
		t.Error("no file: no error")
	}
	if list, _ := filepath.Glob(filepath.Join(dir, "*.*")); len(list) != 0 {
		t.Errorf("written: %v", list)
	}
}
