package iana

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestWriteCSVReadsBack(t *testing.T) {
	for _, name := range []string{"", excerpt24, xml2026, xml2024, csv2025}[:5/every(2)] {
		reg := Embedded()
		if name != "" {
			reg = openEdition(t, name)
		}
		var b bytes.Buffer
		if err := reg.WriteCSV(&b); err != nil {
			t.Fatal(err)
		}
		back, err := Read(&b, "export.csv")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		diffRecords(t, name, back, reg)
		if back.Coverage() != reg.Coverage() {
			t.Errorf("%s: coverage %v, want %v", name, back.Coverage(), reg.Coverage())
		}
		if list := Compare(reg, back); len(list) > 0 {
			t.Errorf("%s: %d changes, the first: %v", name, len(list), list[0])
		}
	}
}

// The official CSV, read and written, has the same heading and fields, but for
// white space within them and ranges of one port.
func TestWriteCSVIsOfficial(t *testing.T) {
	data := editionBytes(t, csv2025)
	reg, err := Read(bytes.NewReader(data), "f")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := reg.WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	got, err1 := csv.NewReader(&b).ReadAll()
	want, err2 := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err1 != nil || err2 != nil || len(got) != len(want) {
		t.Fatalf("%d rows, %v, want %d rows, %v", len(got), err1, len(want), err2)
	}
	for i := range want {
		for col := range want[i] {
			w := strings.Join(strings.Fields(want[i][col]), " ")
			if first, last, ok := strings.Cut(w, "-"); col == cellPort && ok && first == last {
				w = first // a few free ports are listed as "4748-4748"
			}
			if got[i][col] != w {
				t.Errorf("row %d: %q, want %q", i, got[i][col], w)
			}
		}
	}
}

// jsonEntry is what encoding/json makes of an entry, as an independent reader.
type jsonEntry struct {
	Port         *uint16   `json:"port"`
	Transport    Transport `json:"transport"`
	Unspecified  bool      `json:"transport_unspecified"`
	Status       Status    `json:"status"`
	Listed       *bool     `json:"listed"`
	Name         string    `json:"name"`
	Names        []string  `json:"names"`
	Description  string    `json:"description"`
	Range        string    `json:"range"`
	Span         string    `json:"span"`
	Registered   string    `json:"registration_date"`
	Modified     string    `json:"modification_date"`
	References   []string  `json:"references"`
	ServiceCode  string    `json:"service_code"`
	Unauthorized string    `json:"unauthorized_use"`
	Deassigned   *struct {
		Date string `json:"date"`
		Name string `json:"name"`
	} `json:"deassigned"`
	Siblings []string `json:"siblings"`
	Edition  string   `json:"edition"`
}

func parseJSON(t *testing.T, line []byte) jsonEntry {
	t.Helper()
	var j jsonEntry
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&j); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return j
}

func TestAppendJSON(t *testing.T) {
	for _, c := range []struct {
		t    Transport
		port uint16
		want string
	}{
		{TCP, 11434, `{"port":11434,"transport":"tcp","status":"assigned","listed":true,"name":"ollama","names":["ollama"],"description":"Ollama","range":"user","registration_date":"2025-09-26","edition":"2026-08-17"}`},
		{SCTP, 11434, `{"port":11434,"transport":"sctp","status":"unassigned","listed":false,"range":"user","siblings":["tcp"],"edition":"2026-08-17"}`},
		{UDP, 50000, `{"port":50000,"transport":"udp","status":"dynamic","listed":false,"range":"dynamic","edition":"2026-08-17"}`},
		{TCP, 2, `{"port":2,"transport":"tcp","status":"reserved","listed":true,"description":"Reserved","range":"system","modification_date":"2025-02-13","deassigned":{"date":"2025-02-13","name":"compressnet"},"edition":"2026-08-17"}`},
		{TCP, 6003, `{"port":6003,"transport":"tcp","status":"assigned","listed":true,"name":"x11","names":["x11"],"description":"X Window System","range":"user","span":"6000-6063","unauthorized_use":"Known Unauthorized Use on port 6003","siblings":["udp"],"edition":"2026-08-17"}`},
		{DCCP, 9, `{"port":9,"transport":"dccp","status":"assigned","listed":true,"name":"discard","names":["discard"],"description":"Discard","range":"system","references":["RFC4340"],"service_code":"1145656131","siblings":["tcp","udp","sctp"],"edition":"2026-08-17"}`},
	} {
		e := Embedded().Lookup(c.t, c.port)
		if got := string(AppendJSON(nil, e)); got != c.want {
			t.Errorf("%d/%v:\n got %s\nwant %s", c.port, c.t, got, c.want)
		}
	}
	if got := string(AppendJSON(nil, Entry{})); got != `{"port":0,"status":"unknown","listed":false,"range":"system"}` {
		t.Errorf("zero entry: %s", got)
	}
	prefix := []byte("x")
	if got := AppendJSON(prefix, Entry{}); got[0] != 'x' {
		t.Errorf("does not append: %s", got)
	}
}

// Every answer, decoded by encoding/json, holds what the entry says.
func TestAppendJSONOfAllEntries(t *testing.T) {
	reg := Embedded()
	var line []byte
	for tr := range allTransports {
		for port := 0; port < 1<<16; port += every(7) {
			e := reg.Lookup(tr, uint16(port))
			line = AppendJSON(line[:0], e)
			// Most entries say next to nothing: a sample of those will do.
			if !tellsMore(e) && port%16 != 0 {
				if !json.Valid(line) {
					t.Fatalf("%s", line)
				}
				continue
			}
			j := parseJSON(t, line)
			span := ""
			if s := e.Span(); s.First != s.Last {
				span = s.String()
			}
			d, was := e.Deassigned()
			bad := j.Port == nil || *j.Port != e.Port || j.Listed == nil || *j.Listed != e.Listed ||
				j.Transport != tr || j.Unspecified != e.TransportUnspecified || j.Status != e.Status ||
				j.Name != e.Name() || !slices.Equal(j.Names, e.Names()) || j.Description != e.Description() ||
				j.Range != e.Range().String() || j.Span != span || j.Registered != e.Registered() || j.Modified != e.Modified() ||
				!slices.Equal(j.References, e.References()) || j.ServiceCode != e.ServiceCode() || j.Unauthorized != e.Unauthorized() ||
				(j.Deassigned != nil) != was || was && (j.Deassigned.Date != d.Date || j.Deassigned.Name != d.FormerName) ||
				strings.Join(j.Siblings, ",") != e.Siblings().String() || j.Edition != reg.Edition().Date
			if bad {
				t.Fatalf("%d/%v: %s", port, tr, line)
			}
		}
	}
}

func TestAppendJSONString(t *testing.T) {
	for _, s := range []string{"", "plain", `"\`, "\x00\x1f\x7f\n\r\t", "é\u2028\u2029\U0001F600", "a\xffb\xc3", "</script>&"} {
		got := AppendJSONString(nil, s)
		var back string
		if err := json.Unmarshal(got, &back); err != nil {
			t.Errorf("%q: %s: %v", s, got, err)
		}
		if want := strings.ToValidUTF8(strings.ReplaceAll(s, "\xff", "\uFFFD"), "\uFFFD"); back != want {
			t.Errorf("%q: %s", s, got)
		}
		for _, b := range got {
			if b < ' ' || b == 0x7f {
				t.Errorf("%q: control character in %s", s, got)
			}
		}
	}
}

func FuzzAppendJSONString(f *testing.F) {
	f.Add("a\"\\\x00\xff\u2028é")
	f.Fuzz(func(t *testing.T, s string) {
		got := AppendJSONString(nil, s)
		var a, b string
		if err := json.Unmarshal(got, &a); err != nil {
			t.Fatalf("%q: %s: %v", s, got, err)
		}
		want, _ := json.Marshal(s)
		if err := json.Unmarshal(want, &b); err != nil || a != b {
			t.Fatalf("%q: %q, want %q", s, a, b)
		}
	})
}

func TestWriteJSON(t *testing.T) {
	reg := Embedded()
	var b bytes.Buffer
	if err := reg.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	assigned, names := 0, 0
	for line := range bytes.Lines(b.Bytes()) {
		j := parseJSON(t, line)
		switch {
		case j.Port == nil:
			names++
			if j.Name == "" || len(reg.WithoutPort(j.Name)) == 0 {
				t.Errorf("name without port: %s", line)
			}
		case j.Status == Assigned:
			assigned++
		}
	}
	want := 0
	counts := reg.Counts()
	for tr := range allTransports {
		want += counts.Ports[tr][Assigned]
	}
	if assigned != want || names != counts.WithoutPort {
		t.Errorf("%d assigned and %d names without port, want %d and %d", assigned, names, want, counts.WithoutPort)
	}
}

// service is a line of /etc/services as glibc reads it: fields at white space,
// "#" ends the line.
type service struct {
	name    string
	port    uint16
	proto   string
	aliases []string
}

func readServices(t *testing.T, data []byte) []service {
	t.Helper()
	var list []service
	sc := bufio.NewScanner(bytes.NewReader(data))
	for sc.Scan() {
		text, _, _ := strings.Cut(sc.Text(), "#")
		f := strings.Fields(text)
		if len(f) == 0 {
			continue
		}
		if len(f) < 2 {
			t.Fatalf("%q", sc.Text())
		}
		port, proto, ok := strings.Cut(f[1], "/")
		n, err := strconv.ParseUint(port, 10, 16)
		if !ok || err != nil {
			t.Fatalf("%q", sc.Text())
		}
		list = append(list, service{f[0], uint16(n), proto, f[2:]})
	}
	return list
}

func TestWriteServices(t *testing.T) {
	for _, reg := range []*Registry{Embedded(), makeRegistry(t,
		Record{Name: "a", HasPort: true, Ports: Span{1, 1}, Transport: TCP, Description: "# a\nb"},
		Record{Name: "two words", HasPort: true, Ports: Span{1, 1}, Transport: TCP},
		Record{Name: "c#d", HasPort: true, Ports: Span{2, 2}, Transport: TCP},
		Record{Name: "range", HasPort: true, Ports: Span{7, 9}})} {
		var b bytes.Buffer
		if err := reg.WriteServices(&b); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"edition " + reg.Edition().Date, Caveat, Warning} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("no %q in the heading", want)
			}
		}
		have := map[string]service{}
		for _, s := range readServices(t, b.Bytes()) {
			key := fmt.Sprintf("%d/%s", s.port, s.proto)
			if _, ok := have[key]; ok {
				t.Errorf("two lines for %s", key)
			}
			have[key] = s
		}
		n := 0
		for tr := range allTransports {
			for port := range 1 << 16 {
				e := reg.Lookup(tr, uint16(port))
				names := slices.DeleteFunc(e.Names(), func(s string) bool { return strings.ContainsAny(s, " #") })
				if len(names) == 0 {
					continue
				}
				n++
				s := have[fmt.Sprintf("%d/%v", port, tr)]
				if got := append([]string{s.name}, s.aliases...); !slices.Equal(got, names) {
					t.Errorf("%d/%v: %q, want %q", port, tr, got, names)
				}
			}
		}
		if n != len(have) {
			t.Errorf("%d lines, want %d", len(have), n)
		}
	}
}

// getent(1), and so glibc, reads the file that we write. It looks nowhere but in
// /etc/services, so the file is put there in a mount namespace of its own.
func TestWriteServicesGetent(t *testing.T) {
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		t.Skip("no unshare(1)")
	}
	path := filepath.Join(t.TempDir(), "services")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := Embedded().WriteServices(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	getent := func(query string) (string, error) {
		out, err := exec.Command(unshare, "-rm", "sh", "-c", `mount --bind "$1" /etc/services && getent services "$2"`, "sh", path, query).Output()
		return strings.Join(strings.Fields(string(out)), " "), err
	}
	if _, err := getent("443/tcp"); err != nil {
		t.Skipf("no mount namespace, /etc/services or getent(1) here: %v", err)
	}
	for query, want := range map[string]string{
		"443/tcp":      "https 443/tcp",
		"www/tcp":      "http 80/tcp www www-http",
		"11434/tcp":    "ollama 11434/tcp",
		"4739/sctp":    "ipfix 4739/sctp",
		"discard/dccp": "discard 9/dccp",
		"6003/udp":     "x11 6003/udp",
		"x11/tcp":      "x11 6000/tcp",
	} {
		if got, err := getent(query); err != nil || got != want {
			t.Errorf("getent services %s: %q %v, want %q", query, got, err, want)
		}
	}
}

type fullDisk struct{}

var errFull = errors.New("no space left")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestWriteFailure(t *testing.T) {
	for _, write := range []func() error{
		func() error { return Embedded().WriteCSV(fullDisk{}) },
		func() error { return Embedded().WriteJSON(fullDisk{}) },
		func() error { return Embedded().WriteServices(fullDisk{}) },
	} {
		if err := write(); !errors.Is(err, errFull) {
			t.Errorf("%v", err)
		}
	}
}

// References and the like are cut from the text of the edition, and are all that
// may allocate.
func TestAppendJSONAllocations(t *testing.T) {
	buf := make([]byte, 0, 1024)
	e := Embedded().Lookup(TCP, 80)
	if n := testing.AllocsPerRun(100, func() { buf = AppendJSON(buf[:0], e) }); n > 2 {
		t.Errorf("%v allocations for %s", n, buf)
	}
}
