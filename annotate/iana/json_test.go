package iana

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate/iana/internal/published"
)

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
	for _, tr := range Transports() {
		for port := 0; port < 1<<16; port += published.Every(7) {
			e := reg.Lookup(tr, uint16(port))
			line = AppendJSON(line[:0], e)
			// Most entries say next to nothing: a sample of those will do.
			if !e.Listed && port%16 != 0 {
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

// References and the like are cut from the text of the edition, and are all that
// may allocate.
func TestAppendJSONAllocations(t *testing.T) {
	buf := make([]byte, 0, 1024)
	e := Embedded().Lookup(TCP, 80)
	if n := testing.AllocsPerRun(100, func() { buf = AppendJSON(buf[:0], e) }); n > 2 {
		t.Errorf("%v allocations for %s", n, buf)
	}
}
