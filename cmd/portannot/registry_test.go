package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/iana/export"
)

// newerEdition gives an edition as CSV that is newer than the embedded one: it
// has a name for 49151/tcp, which is reserved.
func newerEdition(t testing.TB) []byte {
	t.Helper()
	data, err := newerOnce()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

var newerOnce = sync.OnceValues(func() ([]byte, error) {
	var b bytes.Buffer
	err := export.WriteCSV(&b, iana.Embedded())
	header, rows, _ := strings.Cut(b.String(), "\n")
	row := "new-service,49151,tcp,A new service,,," + newerDate() + ",,,,,,\n"
	return []byte(header + "\n" + row + rows), err
})

// newerDate is the day after the embedded edition's, which does not lie ahead.
func newerDate() string {
	day, err := time.Parse(time.DateOnly, iana.Embedded().Edition().Date)
	if err != nil {
		panic(err)
	}
	return day.AddDate(0, 0, 1).Format(time.DateOnly)
}

func newerFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "newer.csv")
	if err := os.WriteFile(path, newerEdition(t), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// expect runs the program and checks its exit code, and that parts of text
// stand in what it prints.
func expect(t *testing.T, code int, parts []string, args ...string) (stdout, stderr string) {
	t.Helper()
	got, stdout, stderr := runProgram(t, "", args...)
	if got != code {
		t.Fatalf("%q: exit code %d, want %d; %s", args, got, code, stderr)
	}
	for _, p := range parts {
		if !strings.Contains(stdout+"\x00"+stderr, p) {
			t.Errorf("%q: no %q in %q, %q", args, p, stdout, stderr)
		}
	}
	return stdout, stderr
}

// TestUpdate: an edition that a server has is installed, shown as a change,
// used by later runs, which name it, and given up for --registry embedded.
func TestUpdate(t *testing.T) {
	data := ownData(t)
	edition := newerEdition(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(edition) }))
	defer server.Close()

	stdout, stderr := expect(t, exitDone, nil, "registry", "update", "--from", server.URL)
	if want := "added    49151/tcp  new-service \"A new service\", was reserved\n"; !strings.HasPrefix(stdout, want) {
		t.Errorf("changes %q, want %q", stdout, want)
	}
	if want := "portannot: installed edition " + newerDate() + " in " + data + "\n"; stderr != want {
		t.Errorf("standard error %q, want %q", stderr, want)
	}
	names := filesIn(t, data)
	if !slices.Equal(names, []string{publishedName, compactName}) {
		t.Errorf("the data folder has %q", names)
	}

	in := []string{"new-service", "edition " + newerDate() + " from " + server.URL}
	expect(t, exitDone, in, "lookup", "49151/tcp")
	expect(t, exitDone, []string{"updated edition, in " + filepath.Join(data, compactName), "--registry embedded goes back"}, "registry", "info")
	expect(t, exitDone, []string{`"updated":true`, `"form":"compact"`}, "registry", "info", "-o", "json")
	expect(t, exitDone, []string{"edition " + newerDate() + ", updated"}, "version")
	stdout, _ = expect(t, exitDone, []string{"reserved"}, "lookup", "--registry", "embedded", "49151/tcp")
	if strings.Contains(stdout, "new-service") {
		t.Errorf("--registry embedded: %q", stdout)
	}

	// The same again changes nothing and says so.
	_, stderr = expect(t, exitDone, []string{"# no change"}, "registry", "update", "--from", server.URL)
	if !strings.Contains(stderr, "was installed already") {
		t.Errorf("standard error %q", stderr)
	}
	// Changes from another edition.
	expect(t, exitDone, []string{"new-service"}, "registry", "update", "--from", server.URL, "--registry", "embedded")
}

func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestUpdateFromFile: a file can be installed too, and what is installed
// survives damage to the form that opens at once.
func TestUpdateFromFile(t *testing.T) {
	data := ownData(t)
	expect(t, exitDone, []string{"installed edition " + newerDate()}, "registry", "update", "--from", newerFile(t))
	compact := filepath.Join(data, compactName)

	if err := os.Truncate(compact, 1000); err != nil {
		t.Fatal(err)
	}
	expect(t, exitDone, []string{"new-service", filepath.Join(data, publishedName)}, "lookup", "49151/tcp")

	if err := os.Truncate(filepath.Join(data, publishedName), 1000); err != nil {
		t.Fatal(err)
	}
	expect(t, exitFailure, []string{"portannot: updated registry: ", "registry update", "--registry embedded"}, "lookup", "49151/tcp")
	expect(t, exitDone, nil, "lookup", "--registry", "embedded", "49151/tcp")

	// An update repairs both.
	expect(t, exitDone, []string{"installed edition " + newerDate()}, "registry", "update", "--from", newerFile(t))
	expect(t, exitDone, []string{"new-service"}, "lookup", "49151/tcp")
	if err := os.Remove(compact); err != nil {
		t.Fatal(err)
	}
	expect(t, exitDone, []string{"was installed already"}, "registry", "update", "--from", newerFile(t))
	if _, err := os.Stat(compact); err != nil {
		t.Errorf("the compact form was not made again: %v", err)
	}
}

// TestUpdateOlder: an older edition is installed on purpose and used, and one command
// goes back to the embedded one.
func TestUpdateOlder(t *testing.T) {
	data := ownData(t)
	path := filepath.Join(t.TempDir(), "older.csv")
	if err := os.WriteFile(path, bytes.ReplaceAll(olderEdition(t), []byte("2026-"), []byte("2020-")), 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, exitFailure, []string{"--allow-older installs it"}, "registry", "update", "--from", path)
	expect(t, exitDone, []string{"installed edition 202"}, "registry", "update", "--allow-older", "--from", path)
	expect(t, exitDone, []string{"updated edition, in "}, "registry", "info")
	expect(t, exitDone, []string{"installed edition " + newerDate()}, "registry", "update", "--from", newerFile(t))
	expect(t, exitDone, []string{"edition " + newerDate()}, "version")
	expect(t, exitDone, []string{"removed the installed edition: the embedded edition " + iana.Embedded().Edition().Date + " is in use"}, "registry", "update", "--embedded")
	if names := filesIn(t, data); len(names) > 0 {
		t.Errorf("left %q", names)
	}
	expect(t, exitDone, []string{"edition " + iana.Embedded().Edition().Date + ", embedded"}, "version")
	expect(t, exitDone, []string{"no edition was installed"}, "registry", "update", "--embedded")
}

// TestInstalledAhead: an edition whose date lies ahead, which earlier versions
// installed, is not used and does not keep others out.
func TestInstalledAhead(t *testing.T) {
	data := ownData(t)
	if err := os.MkdirAll(data, 0o755); err != nil {
		t.Fatal(err)
	}
	ahead := bytes.ReplaceAll(newerEdition(t), []byte(newerDate()), []byte("9999-12-31"))
	if err := os.WriteFile(filepath.Join(data, publishedName), ahead, 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, exitFailure, []string{"the edition is of 9999-12-31", "`portannot registry update` repairs it"}, "lookup", "80/tcp")
	expect(t, exitDone, []string{"installed edition " + newerDate()}, "registry", "update", "--from", newerFile(t))
	expect(t, exitDone, nil, "lookup", "80/tcp")
}

// TestUpdateFromDevice: what never ends is not read for ever.
func TestUpdateFromDevice(t *testing.T) {
	if _, err := os.Stat("/dev/zero"); err != nil {
		t.Skip(err)
	}
	ownData(t)
	expect(t, exitFailure, []string{"larger than 64 MiB"}, "registry", "update", "--from", "/dev/zero")
}

// TestUpdateRefused: what cannot be the newest edition is not installed.
func TestUpdateRefused(t *testing.T) {
	data := ownData(t)
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	whole := newerEdition(t)
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	for name, c := range map[string]struct{ from, want string }{
		"cut":        {file("cut.csv", whole[:len(whole)/2]), "cut.csv:"},
		"other kind": {file("other", []byte("hello\n")), "not the port number registry"},
		"ahead":      {file("ahead.csv", bytes.ReplaceAll(whole, []byte(newerDate()), []byte("9999-12-31"))), "the edition is of 9999-12-31, and today is "},
		"older":      {file("older.csv", bytes.ReplaceAll(olderEdition(t), []byte("2026-"), []byte("2020-"))), "older edition than the one in use"},
		"no file":    {filepath.Join(dir, "nosuch"), "nosuch"},
		"no page":    {server.URL, "404"},
		"plain http": {"http://example.com/registry.xml", "use https"},
		"ftp":        {"ftp://example.com/registry.xml", "not an https address"},
	} {
		t.Run(name, func(t *testing.T) {
			stdout, _ := expect(t, exitFailure, []string{"portannot: ", c.want}, "registry", "update", "--from", c.from)
			if stdout != "" {
				t.Errorf("standard output %q", stdout)
			}
			if _, err := os.Stat(data); err == nil {
				t.Errorf("the data folder has %q", filesIn(t, data))
			}
		})
	}
}

// olderEdition gives the embedded edition, all of whose dates a test may set
// back.
func olderEdition(t testing.TB) []byte {
	var b bytes.Buffer
	if err := export.WriteCSV(&b, iana.Embedded()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestUpdatedOlderThanEmbedded: a program with a newer edition of its own does
// not go back to what was installed before it.
func TestUpdatedOlderThanEmbedded(t *testing.T) {
	data := ownData(t)
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	old := bytes.ReplaceAll(olderEdition(t), []byte("2026-"), []byte("2020-"))
	if err := os.WriteFile(filepath.Join(data, publishedName), old, 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, exitDone, []string{"in use    the embedded edition"}, "registry", "info")
}

func TestDataFolder(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", "relative") // to be ignored, by the specification
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	t.Setenv("LocalAppData", "")
	want := filepath.Join(home, ".local", "share", "portannot")
	switch runtime.GOOS {
	case "darwin":
		want = filepath.Join(home, "Library", "Application Support", "portannot")
	case "windows":
		want = filepath.Join(home, "AppData", "Local", "portannot")
	}
	if got, err := dataFolder(); err != nil || got != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	abs := t.TempDir()
	t.Setenv("XDG_DATA_HOME", abs)
	if got, err := dataFolder(); err != nil || got != filepath.Join(abs, "portannot") {
		t.Errorf("%q, %v", got, err)
	}
}

// diffObject is an object of registry diff -o json.
type diffObject struct {
	Change    string
	Port      *int
	Transport string
	Name      string
	Old, New  *answerObject
}

func diffJSON(t *testing.T, args ...string) []diffObject {
	t.Helper()
	stdout, _ := expect(t, exitDone, nil, append([]string{"registry", "diff", "-o", "json"}, args...)...)
	var list []diffObject
	for line := range strings.Lines(stdout) {
		var o diffObject
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		list = append(list, o)
	}
	return list
}

// TestDiffIsExact: the changes between two editions, applied to the old one,
// give the new one; for every port and transport, read by other means.
func TestDiffIsExact(t *testing.T) {
	long(t)
	oldPath, newPath := registryFile(t, xml2024), registryFile(t, xml2026)
	ownData(t)
	before, _ := xmlRecords(t, oldPath)
	after, _ := xmlRecords(t, newPath)
	want := map[string]string{}
	beforeBlocks, afterBlocks := blocksOf(before), blocksOf(after)
	for _, tr := range []string{"tcp", "udp", "sctp", "dccp"} {
		for port := range 49152 {
			s1, _, n1, _ := answerFrom(beforeBlocks[port/64], port, tr)
			s2, _, n2, _ := answerFrom(afterBlocks[port/64], port, tr)
			key := fmt.Sprintf("%d/%s", port, tr)
			switch {
			case s1 != "assigned" && s2 == "assigned":
				want[key] = "added"
			case s1 == "assigned" && s2 != "assigned":
				want[key] = "removed"
			case s1 != s2:
				want[key] = "status"
			case !slices.Equal(n1, n2):
				want[key] = "renamed"
			}
		}
	}
	got := map[string]string{}
	for _, o := range diffJSON(t, oldPath, newPath) {
		if o.Port != nil {
			got[fmt.Sprintf("%d/%s", *o.Port, o.Transport)] = o.Change
		}
	}
	for key, change := range want {
		if got[key] != change {
			t.Errorf("%s: %q, want %q", key, got[key], change)
		}
	}
	for key, change := range got {
		// The preferred of several names may change while they stay the same.
		if want[key] == "" && change != "renamed" {
			t.Errorf("%s: %q, want no change", key, change)
		}
	}
	if len(want) < 50 {
		t.Errorf("%d changes in all: too few to be right", len(want))
	}
}

// blocksOf sorts records by the blocks of 64 ports that they touch.
func blocksOf(records []told) [1024][]told {
	var blocks [1024][]told
	for _, r := range records {
		for b := r.first / 64; b <= r.last/64; b++ {
			blocks[b] = append(blocks[b], r)
		}
	}
	return blocks
}

// TestDiffKinds: each kind of change, made by hand.
func TestDiffKinds(t *testing.T) {
	ownData(t)
	var b bytes.Buffer
	if err := export.WriteCSV(&b, iana.Embedded()); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	edit := func(row []string) []string {
		switch row[0] + " " + row[1] + "/" + row[2] {
		case "ipfix 4739/sctp":
			return nil // removed: no record is left
		case "ipfix 4739/udp":
			row[0] = "ipfix-new"
		case "ipfix 4739/tcp":
			row[3] = "Another description"
		case " 4731/udp":
			row[3] = "Unassigned"
		case "argus /":
			return nil
		}
		return row
	}
	out := filepath.Join(t.TempDir(), "edited.csv")
	var edited bytes.Buffer
	w := csv.NewWriter(&edited)
	for _, row := range rows {
		if row = edit(row); row != nil {
			w.Write(row)
		}
	}
	w.Flush()
	if err := os.WriteFile(out, edited.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	stdout, _ := expect(t, exitDone, nil, "registry", "diff", "embedded", out, "--revised")
	stdout, _, _ = strings.Cut(stdout, "# ")
	const want = `status   4731/udp   unassigned, was reserved
revised  4739/tcp   ipfix "Another description"; description "Another description", was "IP Flow Info Export"
renamed  4739/udp   ipfix-new "IP Flow Info Export", was ipfix
removed  4739/sctp  ipfix "IP Flow Info Export", is unassigned
removed  no port    argus
`
	if stdout != want {
		t.Errorf("got\n%swant\n%s", stdout, want)
	}
	// The other way round.
	stdout, _ = expect(t, exitDone, []string{"(--revised shows them)"}, "registry", "diff", out, "embedded")
	stdout, _, _ = strings.Cut(stdout, "# ")
	const back = `status   4731/udp   reserved, was unassigned
renamed  4739/udp   ipfix "IP Flow Info Export", was ipfix-new
added    4739/sctp  ipfix "IP Flow Info Export", was unassigned
added    no port    argus
`
	if stdout != back {
		t.Errorf("got\n%swant\n%s", stdout, back)
	}
	var kinds []string
	for _, o := range diffJSON(t, "embedded", out, "--revised") {
		kinds = append(kinds, o.Change)
		if o.Port != nil && (o.Old == nil || o.New == nil || *o.Old.Port != *o.Port) {
			t.Errorf("%+v lacks the answers", o)
		}
	}
	if want := []string{"status", "revised", "renamed", "removed", "removed"}; !slices.Equal(kinds, want) {
		t.Errorf("kinds %q, want %q", kinds, want)
	}
}

// TestExportReadsBack: the exported CSV, as a registry, answers as the embedded
// edition does.
func TestExportReadsBack(t *testing.T) {
	ownData(t)
	path := filepath.Join(t.TempDir(), "out.csv")
	if stdout, stderr := expect(t, exitDone, nil, "registry", "export", "-w", path); stdout+stderr != "" {
		t.Errorf("printed %q, %q", stdout, stderr)
	}
	expect(t, exitDone, []string{"# no change"}, "registry", "diff", "embedded", path)
}

// TestExportFile: a file is written whole or not at all, and never over the
// registry that is read.
func TestExportFile(t *testing.T) {
	ownData(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "out.csv")
	expect(t, exitDone, nil, "registry", "export", "-w", path)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link.csv")
	if err := os.Symlink(path, link); err == nil {
		expect(t, exitUsage, []string{"this file is an input"}, "registry", "export", "--registry", path, "-w", link)
	}
	expect(t, exitUsage, []string{"this file is an input"}, "registry", "export", "--registry", path, "-w", path)
	expect(t, exitFailure, []string{"is a directory"}, "registry", "export", "-w", dir)
	expect(t, exitFailure, []string{"portannot: write ", "folder: no such file or directory"}, "registry", "export", "-w", filepath.Join(dir, "no", "folder"))
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was changed (%v)", err)
	}
	for _, name := range filesIn(t, dir) {
		if strings.HasPrefix(name, ".") {
			t.Errorf("%s was left", name)
		}
	}
}

// TestCheckDoubts: an edition whose records contradict one another fails the
// check.
func TestCheckDoubts(t *testing.T) {
	ownData(t)
	path := filepath.Join(t.TempDir(), "doubtful.csv")
	const edition = `Service Name,Port Number,Transport Protocol,Description
http,80,tcp,World Wide Web HTTP
,80,tcp,Reserved
`
	if err := os.WriteFile(path, []byte(edition), 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, exitFailure, []string{"conflict  80/tcp", "portannot: check registry " + path + ": 1 doubtful record\n"}, "registry", "check", "--registry", path)
	expect(t, exitDone, []string{"overlap", "7775/tcp"}, "registry", "check", "--registry", "embedded")
}
