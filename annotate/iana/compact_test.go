package iana

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate/iana/internal/published"
)

// compactFile gives a registry in the compact form.
func compactFile(t testing.TB, r *Registry) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteCompact(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestCompactReadsBack: every answer of the embedded edition is that of its
// compact form, and so is every record.
func TestCompactReadsBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.compact")
	if err := os.WriteFile(path, compactFile(t, Embedded()), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := OpenCompact(path)
	if err != nil {
		t.Fatal(err)
	}
	want := Embedded().Edition()
	want.Form = "compact"
	if got.Edition() != want {
		t.Errorf("edition %+v, want %+v", got.Edition(), want)
	}
	a, b := slices.Collect(got.Records()), slices.Collect(Embedded().Records())
	if !slices.EqualFunc(a, b, func(x, y Record) bool { return reflect.DeepEqual(x, y) }) {
		t.Error("the records differ")
	}
	for _, tr := range append([]Transport{NoTransport}, slices.Collect(transportsOf())...) {
		for port := 0; port < 1<<16; port += published.Every(61) {
			x, y := got.Lookup(tr, uint16(port)), Embedded().Lookup(tr, uint16(port))
			if string(AppendJSON(nil, x)) != string(AppendJSON(nil, y)) {
				t.Fatalf("%d/%v: %s, want %s", port, tr, AppendJSON(nil, x), AppendJSON(nil, y))
			}
		}
	}
}

func transportsOf() func(func(Transport) bool) {
	all := Transports()
	return slices.Values(all[:])
}

// TestCompactDamaged: a changed byte, a cut file, another version and another
// kind of file are told apart from a whole one.
func TestCompactDamaged(t *testing.T) {
	whole := string(compactFile(t, smallRegistry(t)))
	for name, s := range map[string]string{
		"empty":          "",
		"other file":     "Service Name,Port Number\n",
		"heading only":   compactHeader,
		"cut":            whole[:len(whole)-1],
		"longer":         whole + "\n",
		"changed":        strings.Replace(whole, "http", "HTTP", 1),
		"changed number": strings.Replace(whole, "\t2\t", "\t3\t", 1),
	} {
		_, err := parseCompact([]byte(s), "f")
		var syntax *SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%s: %v, want a syntax error", name, err)
		}
	}
	if _, err := parseCompact([]byte(compactMagic+"0\n"), "f"); !errors.Is(err, ErrCompactVersion) {
		t.Errorf("another version: %v", err)
	}
	if err := smallExcerpt(t).WriteCompact(io.Discard); err == nil {
		t.Error("an excerpt was written: it would be taken for a whole edition")
	}
}

func smallRecords() []Record {
	return []Record{
		{Name: "http", Ports: Span{80, 80}, HasPort: true, Transport: TCP, References: []string{"RFC9110"}},
		{Ports: Span{81, 90}, HasPort: true, Description: "Unassigned"},
	}
}

func smallRegistry(t testing.TB) *Registry {
	t.Helper()
	r, err := NewRegistry(Edition{Date: "2026-01-01", Source: "test"}, smallRecords(), AllPorts())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func smallExcerpt(t testing.TB) *Registry {
	t.Helper()
	r, err := NewRegistry(Edition{}, smallRecords(), Coverage{Span{80, 90}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// FuzzIndexCheck: an index that passes the check answers any question without
// a panic. Behind the checksum it is the last line.
// FuzzCompact reads anything as an installed registry file, with a checksum that
// matches, so that what follows it is reached.
func FuzzCompact(f *testing.F) {
	var whole bytes.Buffer
	if err := smallRegistry(f).WriteCompact(&whole); err != nil {
		f.Fatal(err)
	}
	heading, body, _ := strings.Cut(strings.TrimPrefix(whole.String(), compactHeader), "\n")
	f.Add(heading, body)
	f.Add(strings.Replace(heading, "2", "3", 1), body)
	f.Add(heading, body[:len(body)-1])
	f.Fuzz(func(t *testing.T, heading, body string) {
		if fields := strings.Split(heading, "\t"); len(fields) == compactFields {
			fields[6] = fmt.Sprintf("%08x", crc32.Checksum([]byte(body), castagnoli))
			heading = strings.Join(fields, "\t")
		}
		r, err := parseCompact([]byte(compactHeader+heading+"\n"+body), "f")
		if (r == nil) == (err == nil) {
			t.Fatalf("registry %v, error %v", r, err)
		}
		if r == nil {
			return
		}
		for _, port := range []uint16{0, 80, 90, 49151, 65535} {
			for _, tr := range append([]Transport{NoTransport}, slices.Collect(transportsOf())...) {
				AppendJSON(nil, r.Lookup(tr, port))
			}
		}
		r.ByName("http")
		for range r.Records() {
		}
	})
}

func FuzzIndexCheck(f *testing.F) {
	c, err := smallRegistry(f).Compact()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(len(c.Index)-20, byte(1), string(c.Table))
	f.Add(indexHeader, byte(255), string(c.Table))
	f.Add(len(c.Index)-1, byte(0), "\n")
	f.Fuzz(func(t *testing.T, at int, value byte, table string) {
		blob := bytes.Clone(c.Index)
		if at < 0 || at >= len(blob) {
			return
		}
		blob[at] = value
		ix, err := openIndex(string(blob))
		if err != nil || ix.check(table, 2) != nil {
			return
		}
		r := &Registry{edition: Edition{Records: 2}, cover: AllPorts(), table: table, index: ix}
		for _, port := range []uint16{0, 79, 80, 81, 85, 90, 91, 49151} {
			for _, tr := range append([]Transport{NoTransport}, slices.Collect(transportsOf())...) {
				e := r.Lookup(tr, port)
				AppendJSON(nil, e)
				e.Records()
			}
		}
		r.ByName("http")
		r.WithoutPort("http")
		r.Near("htpt", 3)
		for range r.Records() {
		}
	})
}

func BenchmarkOpenCompact(b *testing.B) {
	path := filepath.Join(b.TempDir(), "registry.compact")
	if err := os.WriteFile(path, compactFile(b, Embedded()), 0o600); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := OpenCompact(path); err != nil {
			b.Fatal(err)
		}
	}
}
