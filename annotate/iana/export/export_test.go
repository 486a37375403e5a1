package export

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
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/iana/edition"
	"github.com/portannot/portannot/annotate/iana/internal/published"
)

func openEdition(t testing.TB, name string) *iana.Registry {
	t.Helper()
	reg, err := edition.Open(published.Path(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return reg
}

func TestWriteCSVReadsBack(t *testing.T) {
	for _, name := range []string{"", published.Excerpt24, published.XML2026, published.XML2024, published.CSV2025}[:5/published.Every(2)] {
		reg := iana.Embedded()
		if name != "" {
			reg = openEdition(t, name)
		}
		var b bytes.Buffer
		if err := WriteCSV(&b, reg); err != nil {
			t.Fatal(err)
		}
		back, err := edition.Read(&b, "export.csv")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, want := slices.Collect(back.Records()), slices.Collect(reg.Records())
		if !slices.EqualFunc(got, want, func(a, b iana.Record) bool {
			a.Line, b.Line = 0, 0
			return reflect.DeepEqual(a, b)
		}) {
			t.Errorf("%s: the records are others", name)
		}
		if back.Coverage() != reg.Coverage() {
			t.Errorf("%s: coverage %v, want %v", name, back.Coverage(), reg.Coverage())
		}
		if list := edition.Compare(reg, back); len(list) > 0 {
			t.Errorf("%s: %d changes, the first: %v", name, len(list), list[0])
		}
	}
}

// The official CSV, read and written, has the same heading and fields, but for
// white space within them and ranges of one port.
func TestWriteCSVIsOfficial(t *testing.T) {
	data := published.Bytes(t, published.CSV2025)
	reg, err := edition.Read(bytes.NewReader(data), "f")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := WriteCSV(&b, reg); err != nil {
		t.Fatal(err)
	}
	got, err1 := csv.NewReader(&b).ReadAll()
	want, err2 := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err1 != nil || err2 != nil || len(got) != len(want) {
		t.Fatalf("%d rows, %v, want %d rows, %v", len(got), err1, len(want), err2)
	}
	for i := range want {
		if last := []string{iana.Caveat, "Caveat"}[max(0, 1-i)]; len(got[i]) != len(want[i])+1 || got[i][len(want[i])] != last {
			t.Errorf("row %d: %q, want one more column %q", i, got[i], last)
		}
		for col := range want[i] {
			w := strings.Join(strings.Fields(want[i][col]), " ")
			if first, last, ok := strings.Cut(w, "-"); want[0][col] == "Port Number" && ok && first == last {
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
	Port         *uint16        `json:"port"`
	Transport    iana.Transport `json:"transport"`
	Unspecified  bool           `json:"transport_unspecified"`
	Status       iana.Status    `json:"status"`
	Listed       *bool          `json:"listed"`
	Name         string         `json:"name"`
	Names        []string       `json:"names"`
	Description  string         `json:"description"`
	Range        string         `json:"range"`
	Span         string         `json:"span"`
	Registered   string         `json:"registration_date"`
	Modified     string         `json:"modification_date"`
	References   []string       `json:"references"`
	ServiceCode  string         `json:"service_code"`
	Unauthorized string         `json:"unauthorized_use"`
	Deassigned   *struct {
		Date string `json:"date"`
		Name string `json:"name"`
	} `json:"deassigned"`
	Siblings []string `json:"siblings"`
	Edition  string   `json:"edition"`
	Caveat   string   `json:"caveat"`
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

func TestWriteJSON(t *testing.T) {
	reg := iana.Embedded()
	var b bytes.Buffer
	if err := WriteJSON(&b, reg); err != nil {
		t.Fatal(err)
	}
	assigned, names := 0, 0
	for line := range bytes.Lines(b.Bytes()) {
		j := parseJSON(t, line)
		if j.Caveat != iana.Caveat {
			t.Fatalf("caveat %q in %s", j.Caveat, line)
		}
		switch {
		case j.Port == nil:
			names++
			if j.Name == "" || len(reg.WithoutPort(j.Name)) == 0 {
				t.Errorf("name without port: %s", line)
			}
		case j.Status == iana.Assigned:
			assigned++
		}
	}
	want := 0
	counts := reg.Counts()
	for _, tr := range iana.Transports() {
		want += counts.Ports[tr][iana.Assigned]
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

func registryOf(t testing.TB, records ...iana.Record) *iana.Registry {
	t.Helper()
	reg, err := iana.NewRegistry(iana.Edition{Date: "2026-01-01", Source: "test", Form: "xml"}, records, iana.AllPorts())
	if err != nil {
		t.Fatal(err)
	}
	return reg
}

func TestWriteServices(t *testing.T) {
	for _, reg := range []*iana.Registry{iana.Embedded(), registryOf(t,
		iana.Record{Name: "a", HasPort: true, Ports: iana.Span{First: 1, Last: 1}, Transport: iana.TCP, Description: "# a\nb"},
		iana.Record{Name: "two words", HasPort: true, Ports: iana.Span{First: 1, Last: 1}, Transport: iana.TCP},
		iana.Record{Name: "c#d", HasPort: true, Ports: iana.Span{First: 2, Last: 2}, Transport: iana.TCP},
		iana.Record{Name: "range", HasPort: true, Ports: iana.Span{First: 7, Last: 9}})} {
		var b bytes.Buffer
		if err := WriteServices(&b, reg); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"edition " + reg.Edition().Date, iana.Caveat, iana.Warning} {
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
		for _, tr := range iana.Transports() {
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
	if err := WriteServices(f, iana.Embedded()); err != nil {
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
		func() error { return WriteCSV(fullDisk{}, iana.Embedded()) },
		func() error { return WriteJSON(fullDisk{}, iana.Embedded()) },
		func() error { return WriteServices(fullDisk{}, iana.Embedded()) },
	} {
		if err := write(); !errors.Is(err, errFull) {
			t.Errorf("%v", err)
		}
	}
}
