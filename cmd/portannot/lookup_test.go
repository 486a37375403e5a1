package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate/iana"
)

// runProgram runs the program in this process and gives what it printed.
func runProgram(t testing.TB, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

// ownData gives the test a data folder of its own, so that an edition that the
// user installed is not met.
func ownData(t testing.TB) string {
	dir := t.TempDir()
	switch tt := t.(type) {
	case *testing.T:
		tt.Setenv("XDG_DATA_HOME", dir)
	case *testing.B:
		tt.Setenv("XDG_DATA_HOME", dir)
	}
	return filepath.Join(dir, "portannot")
}

// answerObject is an object of lookup -o json.
type answerObject struct {
	Port         *int                `json:"port"`
	Transport    string              `json:"transport"`
	Unspecified  bool                `json:"transport_unspecified"`
	Status       string              `json:"status"`
	Listed       *bool               `json:"listed"`
	Name         string              `json:"name"`
	Names        []string            `json:"names"`
	Description  string              `json:"description"`
	Range        string              `json:"range"`
	Span         string              `json:"span"`
	Registered   string              `json:"registration_date"`
	Modified     string              `json:"modification_date"`
	References   []string            `json:"references"`
	ServiceCode  string              `json:"service_code"`
	Unauthorized string              `json:"unauthorized_use"`
	Deassigned   map[string]string   `json:"deassigned"`
	Siblings     []string            `json:"siblings"`
	Edition      string              `json:"edition"`
	Source       string              `json:"source"`
	NotKnown     []string            `json:"not_known"`
	Practice     []map[string]string `json:"practice"`
	Caveat       string              `json:"caveat"`
}

// lookupJSON runs lookup and reads its objects. It knows all their members.
func lookupJSON(t testing.TB, args ...string) []answerObject {
	t.Helper()
	code, stdout, stderr := runProgram(t, "", append([]string{"lookup", "-o", "json"}, args...)...)
	if code != exitDone || stderr != "" {
		t.Fatalf("lookup %q: exit code %d, standard error %q", args, code, stderr)
	}
	var list []answerObject
	d := json.NewDecoder(strings.NewReader(stdout))
	d.DisallowUnknownFields()
	for {
		var o answerObject
		if err := d.Decode(&o); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatalf("lookup %q: object %d: %v", args, len(list), err)
		}
		if o.Caveat != iana.Caveat {
			t.Fatalf("lookup %q: object %d has the caveat %q", args, len(list), o.Caveat)
		}
		list = append(list, o)
	}
}

// registryFile gives a published edition, which are not part of the repository.
func registryFile(t testing.TB, name string) string {
	t.Helper()
	shared := sharedFolder(repoRoot(t))
	if shared == "" {
		t.Skip("the published editions are not here")
	}
	return filepath.Join(shared, "registry", name)
}

// The published editions.
const (
	excerptFile = "iana-excerpt-4665-4740.txt"
	xml2026     = "service-names-port-numbers-2026-08-17.xml.gz"
	xml2024     = "service-names-port-numbers-2024-03-18.xml.gz"
	csv2025     = "service-names-port-numbers-2025-03-28.csv.gz"
)

// told is what a record of the oracle says of its ports.
type told struct {
	first, last int
	transport   string
	name        string
	description string
	status      string
}

var (
	saysReserved   = regexp.MustCompile(`(?i)^(iana )?reserved\b`)
	saysUnassigned = regexp.MustCompile(`(?i)^(\(?unassigned|de-?registered|removed|deprecated|de-?com+is+ioned|possibly used)\b`)
)

func (r *told) setStatus() {
	switch {
	case saysUnassigned.MatchString(r.description):
		r.status = "unassigned" // also 14001/udp, de-registered with its name
	case r.name != "":
		r.status = "assigned"
	case saysReserved.MatchString(r.description):
		r.status = "reserved"
	case r.description == "":
		r.status = "unassigned"
	default:
		r.status = "assigned"
	}
}

// answerFrom goes through all records, keeps those of the closest fit, and among
// these the strongest status: the rules of RFC 6335 and of precedence, written
// down once more and plainly.
func answerFrom(records []told, port int, transport string) (status string, listed bool, names []string, span string) {
	if port >= 49152 {
		return "dynamic", false, nil, ""
	}
	best := 5
	var decided []told
	for _, r := range records {
		if port < r.first || port > r.last || r.transport != "" && r.transport != transport {
			continue
		}
		step := 1
		if r.first != r.last {
			step += 2
		}
		if r.transport == "" {
			step++
		}
		if step < best {
			best, decided = step, nil
		}
		if step == best {
			decided = append(decided, r)
		}
	}
	if len(decided) == 0 {
		return "unassigned", false, nil, ""
	}
	for _, s := range []string{"assigned", "reserved", "unassigned"} {
		for _, r := range decided {
			if r.status != s {
				continue
			}
			if status == "" {
				status = s
				if r.first != r.last {
					span = strconv.Itoa(r.first) + "-" + strconv.Itoa(r.last)
				}
			}
			if s == "assigned" && r.name != "" && !slices.Contains(names, r.name) {
				names = append(names, r.name)
			}
		}
		if status != "" {
			break
		}
	}
	slices.Sort(names)
	return status, true, names, span
}

// compareAnswers checks each object against the records.
func compareAnswers(t *testing.T, objects []answerObject, records []told, edition string) {
	t.Helper()
	// Records that touch a port are found once for 64 ports: with all of them
	// for each port, the test would take minutes.
	var near []told
	block := -1
	wrong := 0
	for i := range objects {
		o := &objects[i]
		if *o.Port/64 != block {
			block, near = *o.Port/64, nil
			for _, r := range records {
				if r.last >= block*64 && r.first < block*64+64 {
					near = append(near, r)
				}
			}
		}
		status, listed, names, span := answerFrom(near, *o.Port, o.Transport)
		got := slices.Sorted(slices.Values(o.Names))
		ok := o.Status == status && *o.Listed == listed && slices.Equal(got, names) && o.Span == span && o.Edition == edition
		if len(o.Names) > 0 && o.Name != o.Names[0] || len(o.Names) == 0 && o.Name != "" {
			ok = false
		}
		if !ok {
			t.Errorf("%d/%s: %+v: want %s, listed %v, names %q, span %q", *o.Port, o.Transport, *o, status, listed, names, span)
			if wrong++; wrong > 20 {
				t.Fatal("and so on")
			}
		}
	}
}

// TestLookupAgreesWithExcerpt: `lookup 4665-4740 -o json` says of every port
// and transport what the page says from which the project started.
func TestLookupAgreesWithExcerpt(t *testing.T) {
	path := registryFile(t, excerptFile)
	ownData(t)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// name port transport description [assignee] ..., or port description:
	// only the columns up to the transport are needed.
	row := regexp.MustCompile(`^(?:([A-Za-z0-9][A-Za-z0-9-]*) )?(4[67]\d\d)(?:-(4[67]\d\d))?(?: (tcp|udp|sctp|dccp))?(?: (.*))?$`)
	var records []told
	for line := range strings.Lines(string(data)) {
		m := row.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		r := told{name: m[1], transport: m[4], description: m[5]}
		r.first, _ = strconv.Atoi(m[2])
		if r.last = r.first; m[3] != "" {
			r.last, _ = strconv.Atoi(m[3])
		}
		r.setStatus()
		records = append(records, r)
	}
	const first, last = 4665, 4740
	if len(records) != 101 {
		t.Fatalf("read %d records of the page", len(records))
	}
	objects := lookupJSON(t, "4665-4740")
	if want := (last - first + 1) * 4; len(objects) != want {
		t.Fatalf("%d objects, want %d", len(objects), want)
	}
	compareAnswers(t, objects, records, iana.Embedded().Edition().Date)
	// The page itself, given as the registry, says the same of its ports.
	compareAnswers(t, lookupJSON(t, "--registry", path, "4665-4740"), records, "2024-03-18")
	// And it says nothing of others.
	for _, o := range lookupJSON(t, "--registry", path, "4664", "4741-4743") {
		if o.Status != "unknown" || o.Name != "" {
			t.Errorf("%+v: the page does not cover the port", o)
		}
	}
}

// xmlRecords reads an edition's XML by other means than the program's.
func xmlRecords(t testing.TB, path string) (records []told, edition string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zr, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Updated string `xml:"updated"`
		Records []struct {
			Name        string `xml:"name"`
			Number      string `xml:"number"`
			Protocol    string `xml:"protocol"`
			Description string `xml:"description"`
		} `xml:"record"`
	}
	if err := xml.NewDecoder(zr).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	for _, x := range doc.Records {
		if x.Number == "" {
			continue
		}
		r := told{name: x.Name, transport: x.Protocol, description: strings.TrimSpace(x.Description)}
		first, last, isRange := strings.Cut(x.Number, "-")
		if !isRange {
			last = first
		}
		var err1, err2 error
		r.first, err1 = strconv.Atoi(first)
		r.last, err2 = strconv.Atoi(last)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		r.setStatus()
		records = append(records, r)
	}
	return records, doc.Updated
}

// TestLookupAgreesWithXML: `lookup 0-65535/T -o json` says of every port what a
// slow reader finds in the XML of the embedded edition.
func TestLookupAgreesWithXML(t *testing.T) {
	long(t)
	records, edition := xmlRecords(t, registryFile(t, xml2026))
	ownData(t)
	for _, transport := range iana.Transports() {
		t.Run(transport.String(), func(t *testing.T) {
			objects := lookupJSON(t, "0-65535/"+transport.String())
			if len(objects) != 1<<16 {
				t.Fatalf("%d objects, want %d", len(objects), 1<<16)
			}
			for port, o := range objects {
				if *o.Port != port || o.Transport != transport.String() {
					t.Fatalf("object %d is of %d/%s", port, *o.Port, o.Transport)
				}
			}
			compareAnswers(t, objects, records, edition)
		})
	}
}

// TestLookupOlderEditions: an edition that is named with --registry answers, in
// each form in which there is one.
func TestLookupOlderEditions(t *testing.T) {
	long(t)
	for _, c := range []struct {
		file, edition string
		ollama        string // status of 11434/tcp
	}{
		{xml2024, "2024-03-18", "unassigned"},
		{csv2025, "2025-03-28", "unassigned"},
		{xml2026, "2026-08-17", "assigned"},
		{"service-names-port-numbers-2026-08-17.html.gz", "2026-08-17", "assigned"},
		{"service-names-port-numbers-2026-08-17.txt.gz", "2026-08-17", "assigned"},
	} {
		t.Run(c.file, func(t *testing.T) {
			path := registryFile(t, c.file)
			ownData(t)
			objects := lookupJSON(t, "--registry", path, "4739/sctp", "11434/tcp", "49152/udp")
			if len(objects) != 3 {
				t.Fatalf("%d objects", len(objects))
			}
			if o := objects[0]; o.Name != "ipfix" || o.Status != "assigned" || o.Source != path {
				t.Errorf("4739/sctp: %+v", o)
			}
			if o := objects[1]; o.Status != c.ollama {
				t.Errorf("11434/tcp: %+v, want %s", o, c.ollama)
			}
			if o := objects[2]; o.Status != "dynamic" {
				t.Errorf("49152/udp: %+v", o)
			}
			if objects[0].Edition != c.edition {
				t.Errorf("edition %q, want %q", objects[0].Edition, c.edition)
			}
		})
	}
}

// TestLookupOldEditionWhole: the answers of the edition of 2024 too, for every
// port of two transports.
func TestLookupOldEditionWhole(t *testing.T) {
	long(t)
	path := registryFile(t, xml2024)
	ownData(t)
	records, edition := xmlRecords(t, path)
	for _, transport := range []string{"tcp", "sctp"} {
		compareAnswers(t, lookupJSON(t, "--registry", path, "0-65535/"+transport), records, edition)
	}
}

// TestGroupsCover: the lines of text, taken apart again, give each port and
// transport once, with its own answer.
func TestGroupsCover(t *testing.T) {
	reg := iana.Embedded()
	var seen [iana.NumTransports][1 << 16]bool
	err := groups(reg, iana.Span{First: 0, Last: 65535}, allTransports(), true, func(g group) error {
		for tr := range g.transports.All() {
			for port := int(g.span.First); port <= int(g.span.Last); port++ {
				if seen[tr][port] {
					t.Errorf("%d/%v twice", port, tr)
				}
				seen[tr][port] = true
				if a := answerOf(reg.Lookup(tr, uint16(port)), true); a != g.answer {
					t.Errorf("%d/%v: %+v stands with %+v", port, tr, a, g.answer)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tr := range iana.Transports() {
		for port := range seen[tr] {
			if !seen[tr][port] {
				t.Errorf("%d/%v is in no line", port, tr)
			}
		}
	}
}

func TestParseQuery(t *testing.T) {
	known := func(name string) bool { return name == "cl/1" }
	all := allTransports()
	tcp := iana.TransportSet(0).With(iana.TCP)
	for text, want := range map[string]query{
		"443":            {span: iana.Span{First: 443, Last: 443}, transports: all},
		"0-65535":        {span: iana.Span{First: 0, Last: 65535}, transports: all},
		"443/TCP":        {span: iana.Span{First: 443, Last: 443}, transports: tcp},
		"443/tcp,tcp":    {span: iana.Span{First: 443, Last: 443}, transports: tcp},
		"443/udplite":    {span: iana.Span{First: 443, Last: 443}, transports: iana.TransportSet(0).With(iana.UDP)},
		"443/tcp,sctp":   {span: iana.Span{First: 443, Last: 443}, transports: tcp.With(iana.SCTP)},
		"ipfix":          {name: "ipfix"},
		"ipfix/tcp":      {name: "ipfix", transports: tcp},
		"cl/1":           {name: "cl/1"},
		"3com-tsmux":     {name: "3com-tsmux"},
		"whois++/tcp":    {name: "whois++", transports: tcp},
		"no such name":   {name: "no such name"},
		"\xff\x00 bytes": {name: "\xff\x00 bytes"},
	} {
		got, err := parseQuery(text, known)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v; want %+v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{ // text, and part of the reason
		"":          "neither port nor name",
		"/tcp":      "neither port nor name",
		"70000":     `"70000": want a number from 0 to 65535`,
		"65536/tcp": "want a number",
		"80/foo":    `unknown transport "foo"`,
		"80/":       `unknown transport ""`,
		"80/tcp,":   `unknown transport ""`,
		"90-80/tcp": "ends before it begins",
		"80-":       "want a number",
		"-80":       "want a number",
		"1-2-3":     "want a number",
		"+80":       "want a number",
		"tcp/80":    `unknown transport "80"`,
		"ipfix/x":   `unknown transport "x"`,
	} {
		got, err := parseQuery(text, known)
		if err == nil || !strings.Contains(err.Msg, want) || err.Hint == "" {
			t.Errorf("%q: %+v, %v; want an error with %q, and a hint", text, got, err, want)
		}
	}
}

// FuzzParseQuery: any query is a usage error or a span and transports that make
// sense.
func FuzzParseQuery(f *testing.F) {
	for _, s := range []string{"443/tcp", "4690-4700", "ipfix", "90-80/tcp", "cl/1", "80/", "/", "-", "1-2-3", "80/tcp,udp"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := parseQuery(text, func(string) bool { return false })
		switch {
		case err != nil && (err.Msg == "" || err.Hint == ""):
			t.Fatalf("%q: %+v says too little", text, *err)
		case err == nil && q.name == "" && (q.transports == 0 || q.span.First > q.span.Last):
			t.Fatalf("%q: %+v", text, q)
		}
	})
}

// TestLookupManyLines: queries that come one by one are answered in order, and
// more of them than text holds back for its columns.
func TestLookupManyLines(t *testing.T) {
	ownData(t)
	const n = tableRows + 100
	code, stdout, stderr := runProgram(t, strings.Repeat("443/tcp\n", n), "lookup", "-")
	if code != exitDone || stderr != "" || strings.Count(stdout, "\n443/tcp ") != n {
		t.Errorf("exit code %d, %d answers, standard error %q", code, strings.Count(stdout, "\n443/tcp "), stderr)
	}
	code, stdout, stderr = runProgram(t, "443/tcp\n"+strings.Repeat("x", maxQueryLine+1)+"\n", "lookup", "-")
	if code != exitFailure || !strings.Contains(stderr, "standard input:2: line longer than 4096 bytes") || !strings.Contains(stdout, "443/tcp") {
		t.Errorf("a long line: exit code %d, %q, %q", code, stdout, stderr)
	}
}

// TestLookupInterrupted: an interrupt ends the wait for queries, and what was
// answered until then is written.
func TestLookupInterrupted(t *testing.T) {
	ownData(t)
	ctx, interrupt := context.WithCancel(t.Context())
	stdin, queries := io.Pipe()
	defer queries.Close()
	var stdout, stderr bytes.Buffer
	ended := make(chan int)
	go func() { ended <- run(ctx, []string{"lookup", "443/tcp", "-"}, stdin, &stdout, &stderr) }()
	io.WriteString(queries, "22/tcp\n")
	io.WriteString(queries, "80/") // read when the query before has been sent
	interrupt()
	if code := <-ended; code != exitDone || stderr.Len() > 0 || !strings.Contains(stdout.String(), "443/tcp ") {
		t.Errorf("exit code %d, %q, %q", code, stdout.String(), stderr.String())
	}
}
