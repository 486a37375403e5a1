package iana_test

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/iana/edition"
	"github.com/portannot/portannot/annotate/iana/internal/published"
)

// opened keeps the editions that tests opened: a registry never changes.
var opened sync.Map

func openEdition(t testing.TB, name string) *iana.Registry {
	t.Helper()
	if reg, ok := opened.Load(name); ok {
		return reg.(*iana.Registry)
	}
	reg, err := edition.Open(published.Path(t, name))
	if err != nil {
		t.Fatal(err)
	}
	opened.Store(name, reg)
	return reg
}

// The files in the repository are those that the published edition gives.
func TestCompactOfPublishedEdition(t *testing.T) {
	reg := openEdition(t, published.XML2026)
	c, err := reg.Compact()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]byte{"table.txt": c.Table, "index.bin": c.Index} {
		if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is out of date: run go generate (%v)", name, err)
		}
	}
	got, want := iana.Embedded().Edition(), reg.Edition()
	if got.Date != want.Date || got.SHA256 != want.SHA256 || got.Records != want.Records {
		t.Errorf("edition.go is out of date: %+v, want %+v", got, want)
	}
}

// What the notes tell of former assignments and historic names survives that
// they are left out.
func TestEmbeddedKeepsWhatNotesTell(t *testing.T) {
	file := openEdition(t, published.XML2026)
	for tr := range iana.Transport(iana.NumTransports) {
		for p := range 1 << 16 {
			a, b := file.Lookup(tr, uint16(p)), iana.Embedded().Lookup(tr, uint16(p))
			da, oka := a.Deassigned()
			db, okb := b.Deassigned()
			if da != db || oka != okb || a.Status != b.Status || a.Unauthorized() != b.Unauthorized() ||
				a.Precedence != b.Precedence || !slices.Equal(a.Names(), b.Names()) {
				t.Errorf("%d/%s: file %+v, embedded %+v", p, tr, a, b)
			}
		}
	}
	for rec := range iana.Embedded().Records() {
		if rec.Notes != "" || rec.Contact != "" || rec.Assignee != "" {
			t.Errorf("%s has notes or contacts", rec.Name)
		}
	}
}

// The keys of two editions that carry a name, by their text.
func namedKeys(r *iana.Registry) map[string]string {
	keys := map[string]string{}
	for rec := range r.Records() {
		if rec.Name != "" && rec.HasPort {
			keys[rec.Ports.String()+"/"+rec.Transport.String()] += rec.Name + " "
		}
	}
	return keys
}

func TestFactChangesSince2024(t *testing.T) {
	old, now := namedKeys(openEdition(t, published.XML2024)), namedKeys(iana.Embedded())
	added, removed, renamed := 0, 0, 0
	for k, names := range now {
		if before, ok := old[k]; !ok {
			added++
		} else if !sameWords(before, names) {
			renamed++
		}
	}
	for k := range old {
		if _, ok := now[k]; !ok {
			removed++
		}
	}
	if added != 33 || removed != 10 || renamed != 12 {
		t.Errorf("%d added, %d removed, %d renamed", added, removed, renamed)
	}
	if _, ok := old["11434/tcp"]; ok {
		t.Error("11434/tcp was there in 2024")
	}
}

func sameWords(a, b string) bool {
	x, y := strings.Fields(a), strings.Fields(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

// The window from which the project started.
func TestFactWindowUnchanged(t *testing.T) {
	old := openEdition(t, published.XML2024)
	for _, tr := range iana.Transports() {
		for port := uint16(4665); port <= 4740; port++ {
			a, b := old.Lookup(tr, port), iana.Embedded().Lookup(tr, port)
			if a.Status != b.Status || !slices.Equal(a.Names(), b.Names()) || a.Description() != b.Description() ||
				a.Registered() != b.Registered() || a.Modified() != b.Modified() {
				t.Errorf("%d/%s changed", port, tr)
			}
		}
	}
}
