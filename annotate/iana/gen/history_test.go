package main

import (
	"compress/flate"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate/iana/edition/update"
)

// readHistory gives the text of the history in a folder, and checks that the
// compressed form is the same.
func readHistory(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "history.txt"))
	if err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile(filepath.Join(dir, "table.txt"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := pack(text, table)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, "history.bin"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got, err := io.ReadAll(flate.NewReader(f)); err != nil || string(got) != string(want) {
		t.Errorf("history.bin is not made of history.txt: %v\n%s", err, got)
	}
	return string(text)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A refresh appends what changed; without a change it appends nothing.
func TestExtendHistory(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(t.TempDir(), "edition")
	generateFrom := func(text string) error {
		write(t, file, text)
		return generate(file, update.DefaultURL, dir, "", &strings.Builder{})
	}
	if err := generateFrom(doc); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "history.txt")); err == nil {
		t.Error("a history was made from nothing")
	}
	head := historyMagic + "\t2026-08-11\t" + firstComplete + "\n2026-08-17\n+80\ttcp\tA\t\thttp\tWorld Wide Web HTTP\t\t\t[RFC9110]\n"
	table, err := os.ReadFile(filepath.Join(dir, "table.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if err := writeHistory(dir, []byte(head), table); err != nil {
		t.Fatal(err)
	}
	if err := generateFrom(doc); err != nil {
		t.Fatal(err)
	}
	if got := readHistory(t, dir); got != head {
		t.Errorf("the same edition changes the history:\n%s", got)
	}

	next := strings.NewReplacer("2026-08-17", "2026-09-01", "rfc9110", "rfc9999").Replace(doc)
	if err := generateFrom(next); err != nil {
		t.Fatal(err)
	}
	want := head + "2026-09-01\n-80\ttcp\tA\t\thttp\tWorld Wide Web HTTP\t\t\t[RFC9110]\n+80\ttcp\tA\t\thttp\tWorld Wide Web HTTP\t\t\t[RFC9999]\n"
	if got := readHistory(t, dir); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}

	// An edition with nothing new but its date is an edition.
	if err := generateFrom(strings.Replace(next, "2026-09-01", "2026-09-02", 1)); err != nil {
		t.Fatal(err)
	}
	want += "2026-09-02\n"
	if got := readHistory(t, dir); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}

	if table, err = os.ReadFile(filepath.Join(dir, "table.txt")); err != nil {
		t.Fatal(err)
	}
	if err := generateFrom(doc); err == nil || !strings.Contains(err.Error(), "older than its last") {
		t.Errorf("an older edition: %v", err)
	}
	if now, err := os.ReadFile(filepath.Join(dir, "table.txt")); err != nil || string(now) != string(table) || readHistory(t, dir) != want {
		t.Error("an older edition changes the files")
	}
}

const (
	pastCounts = "edition\trecords\tadded\tremoved\n2020-01-01\t2\t2\t0\n2020-02-01\t2\t0\t0\n2026-08-17\t3\t2\t1\n"
	pastLines  = `{"edition":"2020-01-01","op":"+","record":{"name": "http", "number": "80", "protocol": "tcp", "description": "World Wide Web HTTP", "refs": ["rfc:rfc9110", "text:None"]}}
{"edition":"2020-01-01","op":"+","record":{"name": "netstat", "number": "15-15", "protocol": "tcp", "refs": ["text:None", "uri:http://x/"]}}
{"edition":"2026-08-17","op":"-","record":{"name": "netstat", "number": "15-15", "protocol": "tcp", "refs": ["text:None", "uri:http://x/"]}}
{"edition":"2026-08-17","op":"+","record":{"number": "15", "description": "Unassigned [was netstat]"}}
{"edition":"2026-08-17","op":"+","record":{"name": "www", "number": "80", "protocol": "tcp", "description": "World Wide Web HTTP (see )", "note": "This is a duplicate of the \"http\" service"}}
`
)

func TestMakeHistory(t *testing.T) {
	file, dir, past := filepath.Join(t.TempDir(), "edition"), t.TempDir(), t.TempDir()
	write(t, file, doc)
	for _, c := range []struct{ name, counts, lines, err string }{
		{"whole", pastCounts, pastLines, ""},
		{"wrong count", strings.Replace(pastCounts, "\t3\t", "\t4\t", 1), pastLines, "edition 2026-08-17 has 3 records by its changes, 4 by history.tsv"},
		{"another end", strings.Replace(pastCounts, "2026-08-17", "2026-08-18", 1), pastLines, "does not end with the edition of 2026-08-17"},
		{"unknown edition", strings.Replace(pastCounts, "2020-01-01", "2020-01-02", 1), pastLines, "edition 2020-01-02 has 0 records"},
		{"removed twice", pastCounts, pastLines + strings.SplitAfter(pastLines, "\n")[2], "removes a record that is not there"},
		{"added twice", pastCounts, strings.SplitAfter(pastLines, "\n")[0] + pastLines, "adds a record twice"},
		{"more than the table", pastCounts, pastLines + `{"edition":"2026-08-17","op":"+","record":{"name":"x","number":"7"}}`, "the table does not have"},
		{"less than the table", pastCounts, pastLines[:strings.LastIndex(pastLines[:len(pastLines)-1], "\n")+1], "does not have a record of the table"},
		{"not classified", pastCounts, strings.Replace(pastLines, "Unassigned [was netstat]", "what is this", 1), "fits no known form"},
		{"bad port", pastCounts, strings.Replace(pastLines, `"80"`, `"x"`, 1), "bad port number"},
		{"cut short", pastCounts, pastLines[:100], "unexpected EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			write(t, filepath.Join(past, "history.tsv"), c.counts)
			write(t, filepath.Join(past, "history.jsonl"), c.lines)
			err := generate(file, update.DefaultURL, dir, past, &strings.Builder{})
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("%v: want %q", err, c.err)
			}
		})
	}
	const want = historyMagic + "\t2020-01-01\t" + firstComplete + "\n2020-02-01\n2026-08-17\n" +
		"-15\ttcp\tA\t\tnetstat\t\t\t\t[http://x/]\n" +
		"+15\t\tU\t\t\tUnassigned [was netstat]\t\t\t\t\t\t|netstat\n" +
		"+80\ttcp\tA\thistoric\twww\tWorld Wide Web HTTP\n" // the table's, not the one of the past
	if got := readHistory(t, dir); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// A history that does not lead to the table is refused.
func TestPackFails(t *testing.T) {
	const head = historyMagic + "\t2020-01-01\t" + firstComplete + "\n2020-02-01\n"
	if _, err := pack([]byte(head+"+80\ttcp\n+80\ttcp\n"), []byte("80\ttcp\n")); err == nil || err.Error() != "history.txt:3: the record is not in the next edition" {
		t.Errorf("%v", err)
	}
	packed, err := pack([]byte(head+"-80\ttcp\n+80\tudp\n2020-03-01\n-80\tudp\n+80\tdccp\n"), []byte("79\n80\tdccp\n"))
	if want := head + "-80\ttcp\n+2\n2020-03-01\n-80\tudp\n+1\n"; err != nil || string(packed) != want {
		t.Errorf("%v\n%s", err, packed)
	}
}
