package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"

	"github.com/portannot/portannot/capture"
)

// hostileText has what a terminal, a spreadsheet, a browser, Markdown or a reader's eyes
// would take for something else: escape sequences, ends of lines, characters that change
// the direction of writing or are invisible, tags, links and code.
const hostileText = "1+1\x1b]0;pwn\x07\x1b[2J\r\nINJECTED \u202egpj.exe\u2066\u200b<img src=x onerror=alert(1)><script>alert(1)</script>" +
	"[link](javascript:alert(1)) `code` | @team \u0085\u2028\U000e0041\x7fend"

// hostileWord is one without white space, for places that hold a word.
const hostileWord = "x\x1b]0;pwn\x07\u202egpj\u2066\u200b<img/src=x/onerror=alert(1)>[l](javascript:1)`|\U000e0041\x7fend"

// hostilePlaces puts hostile text wherever text comes from outside, and gives the words
// of a command line that read it. {} in the arguments is the folder of the files.
var hostilePlaces = []struct {
	name string
	make func(t *testing.T, dir, text, word string)
	runs []string // without formats
}{
	{"registry", func(t *testing.T, dir, text, word string) {
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		w.Write(strings.Split("Service Name,Port Number,Transport Protocol,Description,Assignee,Contact,Registration Date,Modification Date,Reference,Service Code,Unauthorized Use Reported,Assignment Notes", ","))
		for port := 440; port < 460; port++ {
			w.Write([]string{word, fmt.Sprint(port), "tcp", text, text, text, "2020-01-02", "2020-01-02", text, text, text, text})
		}
		w.Flush()
		writeFile(t, filepath.Join(dir, "registry.csv"), b.Bytes())
	}, []string{"flows -r {}/demo.pcap --registry {}/registry.csv", "enrich conn.json --registry {}/registry.csv", "review -r {}/demo.pcap --registry {}/registry.csv",
		"lookup 443/tcp --registry {}/registry.csv", "lookup --explain 443/tcp --registry {}/registry.csv", "registry info --registry {}/registry.csv",
		"registry check --registry {}/registry.csv", "registry diff embedded {}/registry.csv"}},
	{"services", func(t *testing.T, dir, text, word string) {
		writeFile(t, filepath.Join(dir, "services"), []byte(word+" 443/tcp\n"+word+"2 80/tcp\n"))
	}, []string{"flows -r {}/demo.pcap --names {}/services", "enrich conn.json --names {}/services", "review -r {}/demo.pcap --names {}/services"}},
	{"policy", func(t *testing.T, dir, text, word string) {
		quoted, _ := json.Marshal(text) // JSON is YAML
		writeFile(t, filepath.Join(dir, "policy.yaml"), fmt.Appendf(nil, "version: 1\nexpected:\n- name: %s\n  ports: [443/tcp, 22/tcp]\n  owner: %[1]s\n  reason: %[1]s\n  ticket: %[1]s\n- name: %[1]s\n  ports: [1/tcp]\n  servers: [192.0.2.77]\n  owner: %[1]s\n  reason: %[1]s\n  ticket: %[1]s\n- name: %[1]s\n  ports: [53/udp]\n  expires: 2020-01-01\n  ticket: %[1]s\n", quoted))
	}, []string{"review -r {}/demo.pcap --policy {}/policy.yaml"}},
	{"rules", func(t *testing.T, dir, text, word string) {
		line := strings.NewReplacer("\r", "", "\n", " ", `"`, "").Replace(text)
		writeFile(t, filepath.Join(dir, "rules"), fmt.Appendf(nil, "*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n-A FORWARD -p tcp --dport 443 -m comment --comment \"%s\" -j ACCEPT\n-A FORWARD -p tcp --dport 23 -m comment --comment \"%[1]s\" -j DROP\n-A FORWARD -m string --string \"%[1]s\" --algo bm -j ACCEPT\nCOMMIT\n", line))
	}, []string{"review -r {}/demo.pcap --rules {}/rules"}},
	{"name of a capture", func(t *testing.T, dir, text, word string) {
		copyFile(t, filepath.Join(dir, "demo.pcap"), filepath.Join(dir, fileName(text)+".pcap"))
	}, []string{"flows -r {}/NAME.pcap", "review -r {}/NAME.pcap"}},
	{"name of an interface", func(t *testing.T, dir, text, word string) {
		var b bytes.Buffer
		w := capture.NewWriter(&b, capture.WriterOptions{Application: text, Comment: text})
		r, err := capture.Open(filepath.Join(dir, "demo.pcap"), capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var p [1]capture.Packet
		for first := true; ; first = false {
			if n, err := r.Next(p[:]); n == 0 || err != nil {
				break
			}
			if first {
				if err := w.AddInterface(p[0].Link, p[0].Interface, text, 0); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.WritePacket(&p[0], text); err != nil {
				t.Fatal(err)
			}
		}
		w.Flush()
		writeFile(t, filepath.Join(dir, "named.pcapng"), b.Bytes())
	}, []string{"flows -r {}/named.pcapng", "review -r {}/named.pcapng"}},
	{"name of a log, and its lines", func(t *testing.T, dir, text, word string) {
		quoted, _ := json.Marshal(text)
		log := fmt.Appendf(nil, `{"ts":1789376400.1,"id.orig_h":"192.0.2.1","id.orig_p":50000,"id.resp_h":"192.0.2.2","id.resp_p":443,"proto":"tcp","service":%s}`+"\n", quoted)
		log = fmt.Appendf(log, `{"ts":1789376400.1,"id.orig_h":%s,"id.orig_p":%[1]s,"id.resp_h":"192.0.2.2","id.resp_p":443,"proto":%[1]s}`+"\n", quoted)
		writeFile(t, filepath.Join(dir, fileName(text)+".log"), log)
	}, []string{"review {}/NAME.log"}},
	{"baseline", func(t *testing.T, dir, text, word string) {
		var b, stderr bytes.Buffer
		if code := run(t.Context(), []string{"review", "-q", "-r", filepath.Join(dir, "demo.pcap"), "-o", "json"}, nil, &b, &stderr); code != 0 {
			t.Fatal(stderr.String())
		}
		var report map[string]any
		if err := json.Unmarshal(b.Bytes(), &report); err != nil {
			t.Fatal(err)
		}
		spoil(report, text)
		out, err := json.Marshal(report)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(dir, "baseline.json"), out)
	}, []string{"review -r {}/demo.pcap --baseline {}/baseline.json"}},
}

// spoil puts text into the names of a report that are anybody's.
func spoil(v any, text string) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if _, ok := x.(string); ok && slices.Contains([]string{"local", "name", "outcome", "policy", "description", "why", "value"}, k) {
				v[k] = text
				continue
			}
			spoil(x, text)
		}
	case []any:
		for _, x := range v {
			spoil(x, text)
		}
	}
}

// fileName makes text a name that a file can have.
func fileName(text string) string { return strings.ReplaceAll(text, "/", "\u2215") }

func writeFile(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Skip(err) // a name that this system does not have
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, to, b)
}

// hostileFormats says how each kind of command prints, and what must hold of it.
var hostileFormats = map[string][]string{
	"flows":    {"-o text", "-o text --wide", "-o text --by name", "-o csv", "-o csv --by name", "-o json", "-o json --by name"},
	"enrich":   {"-o same", "-o csv", "-o json"},
	"review":   {"-o text", "-o csv", "-o csv-findings", "-o csv-rules", "-o json", "-o html", "-o sarif", "-o markdown"},
	"lookup":   {"-o text", "-o json"},
	"registry": {"", "-o text", "-o json", "-o csv"},
}

// TestHostileText puts hostile text into every place and prints it in every format: it
// is shown, and does nothing.
func TestHostileText(t *testing.T) {
	long(t)
	ownData(t)
	testdata := filepath.Join(repoRoot(t), "testdata")
	for _, lead := range []string{"=", "@", "+", "-", "\t"} {
		text, word := lead+hostileText, strings.TrimSpace(lead)+hostileWord
		for _, place := range hostilePlaces {
			dir := t.TempDir()
			copyFile(t, filepath.Join(testdata, "captures", "demo.pcap"), filepath.Join(dir, "demo.pcap"))
			writeFile(t, filepath.Join(dir, "conn.json"), []byte(`{"ts":1789376400.1,"id.orig_h":"192.0.2.1","id.orig_p":50000,"id.resp_h":"192.0.2.2","id.resp_p":443,"proto":"tcp"}`+"\n"))
			place.make(t, dir, text, word)
			for _, line := range place.runs {
				words := strings.Fields(line)
				for i, w := range words {
					w = strings.ReplaceAll(w, "{}", dir)
					w = strings.ReplaceAll(w, "NAME", fileName(text))
					if w == "conn.json" {
						w = filepath.Join(dir, w)
					}
					words[i] = w
				}
				formats := hostileFormats[words[0]]
				if words[0] == "flows" {
					words = words[1:]
				}
				for _, format := range formats {
					name := fmt.Sprintf("%q %s: %s %s", lead, place.name, line, format)
					var stdout, stderr bytes.Buffer
					code := run(t.Context(), append(slices.Clone(words), strings.Fields(format)...), strings.NewReader(""), &stdout, &stderr)
					if code == exitUsage && words[0] == "registry" {
						continue // not a format of this command
					}
					if code == exitUsage || stdout.Len() == 0 {
						t.Errorf("%s: code %d: %s", name, code, stderr.String())
						continue
					}
					checkShown(t, name+": messages", stderr.Bytes())
					checkFormat(t, name, format, stdout.Bytes())
				}
			}
		}
	}
}

func checkFormat(t *testing.T, name, format string, out []byte) {
	t.Helper()
	checkShown(t, name, out)
	switch {
	case strings.Contains(format, "json"), strings.Contains(format, "same"), strings.Contains(format, "sarif"):
		whole := false
		for d := json.NewDecoder(bytes.NewReader(out)); ; {
			var v any
			if err := d.Decode(&v); err == io.EOF {
				break
			} else if err != nil {
				t.Errorf("%s: %v: %.200s", name, err, out)
				break
			}
			whole = whole || holds(v, "\u202egpj") && holds(v, "\U000e0041") ||
				holds(v, "%E2%80%AEgpj") || holds(v, `\u202egpj`) // in a URI, and in a message of registry check
		}
		if !whole && bytes.Contains(out, []byte("gpj")) {
			t.Errorf("%s: the text is not what it was: %.3000s", name, out)
		}
	case strings.Contains(format, "csv"):
		rows, err := csv.NewReader(bytes.NewReader(out)).ReadAll()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, row := range rows {
			for _, cell := range row {
				if len(cell) > 1 && cell != "@timestamp" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) && strings.Trim(cell[1:], "0123456789.") != "" {
					t.Errorf("%s: the cell %q begins a formula", name, cell)
				}
			}
		}
	case strings.Contains(format, "html"):
		doc, err := html.Parse(bytes.NewReader(out))
		if err != nil {
			t.Fatal(err)
		}
		scripts := 0
		for n := range doc.Descendants() {
			switch {
			case n.Type != html.ElementNode:
			case n.Data == "img":
				t.Errorf("%s: an image", name)
			case n.Data == "script":
				scripts++
			}
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") || strings.HasPrefix(strings.TrimSpace(a.Val), "javascript:") {
					t.Errorf("%s: attribute %s=%q", name, a.Key, a.Val)
				}
			}
		}
		if scripts != 1 {
			t.Errorf("%s: %d scripts", name, scripts)
		}
	case strings.Contains(format, "markdown"):
		outside := strings.NewReplacer(`\\`, "", `\[`, "", `\]`, "").Replace(withoutCode(string(out)))
		for _, raw := range []string{"<img", "<script", "[link](", "](java", " @team"} {
			if strings.Contains(outside, raw) {
				t.Errorf("%s: %q in %.2000s", name, raw, outside)
			}
		}
	}
}

// holds reports that a value of JSON has a text in it.
func holds(v any, text string) bool {
	switch v := v.(type) {
	case string:
		return strings.Contains(v, text)
	case []any:
		return slices.ContainsFunc(v, func(x any) bool { return holds(x, text) })
	case map[string]any:
		for k, x := range v {
			if strings.Contains(k, text) || holds(x, text) {
				return true
			}
		}
	}
	return false
}

// withoutCode leaves code spans out of Markdown.
func withoutCode(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		for line != "" {
			at := strings.IndexByte(line, '`')
			if at < 0 || at > 0 && line[at-1] == '\\' && !strings.HasSuffix(line[:at], `\\`) {
				if at < 0 {
					b.WriteString(line)
					break
				}
				b.WriteString(line[:at+1])
				line = line[at+1:]
				continue
			}
			b.WriteString(line[:at])
			rest := strings.TrimLeft(line[at:], "`")
			fence := line[at : len(line)-len(rest)]
			_, after, closed := strings.Cut(rest, fence)
			if !closed {
				b.WriteString(rest)
				break
			}
			line = after
		}
	}
	return b.String()
}

// checkShown finds what must not be written as it is, in any format.
func checkShown(t *testing.T, name string, out []byte) {
	t.Helper()
	for i, line := range strings.Split(string(out), "\n") {
		if strings.HasPrefix(line, "INJECTED") && !strings.Contains(name, "-o csv") && !strings.Contains(name, "-o html") { // there it is white space
			t.Errorf("%s: a line of its own: %q", name, line)
		}
		for at, r := range line {
			_, size := utf8.DecodeRuneInString(line[at:])
			if r != '\t' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) || r == utf8.RuneError && size == 1 {
				t.Errorf("%s: line %d: %q in %q", name, i+1, r, line[max(0, at-60):min(len(line), at+30)])
				break
			}
		}
	}
}
