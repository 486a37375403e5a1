package practice

import (
	"cmp"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portannot/portannot/annotate/iana"
)

// Every entry has a document that can be read, and the registry does not have the port
// for that very software.
func TestTable(t *testing.T) {
	if len(table) < 40 {
		t.Errorf("%d entries", len(table))
	}
	if !slices.IsSortedFunc(table, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Ports.First, b.Ports.First), cmp.Compare(a.Transport, b.Transport))
	}) {
		t.Error("the table is not in order")
	}
	seen := map[string]bool{}
	for e := range All() {
		where := e.Ports.String() + "/" + e.Transport.String() + " " + e.Software
		if seen[where] {
			t.Errorf("%s: twice", where)
		}
		seen[where] = true
		if e.Transport == iana.NoTransport || e.Ports.First > e.Ports.Last || e.Software == "" || e.Use == "" {
			t.Errorf("%s: %+v is not whole", where, e)
		}
		d := e.Document
		if d == nil || d.Title == "" {
			t.Errorf("%s: no document", where)
			continue
		}
		if u, err := url.Parse(d.URL); err != nil || u.Scheme != "https" || u.Host == "" || len(u.Path) < 2 {
			t.Errorf("%s: address %q: %v", where, d.URL, err)
		}
		if read, err := time.Parse(time.DateOnly, d.Read); err != nil || read.Year() < 2026 {
			t.Errorf("%s: read on %q", where, d.Read)
		}
		for port := int(e.Ports.First); port <= int(e.Ports.Last); port++ {
			if r := iana.Embedded().Lookup(e.Transport, uint16(port)); isRegisteredFor(r, e.Software) {
				t.Errorf("%s: %d is registered for %q, %q", where, port, r.Names(), r.Description())
			}
		}
	}
}

// isRegisteredFor reports whether a port's registration is for some software: one of
// its names or its description has the first word of the software's name.
func isRegisteredFor(e iana.Entry, software string) bool {
	if e.Status != iana.Assigned {
		return false
	}
	word, _, _ := strings.Cut(strings.ToLower(software), " ")
	if word == "go" || word == "docker" || word == "home" || word == "cloudflare" {
		word = strings.ToLower(software[strings.LastIndexByte(software, ' ')+1:])
	}
	for _, text := range append(e.Names(), e.Description()) {
		if strings.Contains(strings.ToLower(text), word) {
			return true
		}
	}
	return false
}

// The test above would find such an entry.
func TestIsRegisteredFor(t *testing.T) {
	for _, c := range []struct {
		port     uint16
		software string
		want     bool
	}{
		{11434, "Ollama", true}, {2377, "Docker Swarm", true}, {32400, "Plex", true}, {9345, "Rancher", true},
		{22000, "Syncthing", false}, {11435, "Ollama", false},
	} {
		if got := isRegisteredFor(iana.Embedded().Lookup(iana.TCP, c.port), c.software); got != c.want {
			t.Errorf("%d for %s: %v", c.port, c.software, got)
		}
	}
}

func TestAt(t *testing.T) {
	for _, c := range []struct {
		transport iana.Transport
		port      uint16
		software  string
	}{
		{iana.UDP, 41641, "Tailscale"}, {iana.TCP, 41641, ""}, {iana.UDP, 2408, "Cloudflare WARP"},
		{iana.UDP, 8472, "Cilium, K3s"}, {iana.TCP, 30000, "Kubernetes"}, {iana.TCP, 32767, "Kubernetes"},
		{iana.TCP, 30303, "Kubernetes, Go Ethereum"}, {iana.TCP, 29999, ""}, {iana.TCP, 32768, ""},
		{iana.TCP, 0, ""}, {iana.TCP, 65535, ""}, {iana.NoTransport, 22000, ""},
	} {
		if got := Software(c.transport, c.port); got != c.software || Has(c.transport, c.port) != (got != "") {
			t.Errorf("%d/%s: %q, want %q", c.port, c.transport, got, c.software)
		}
		text := AppendJSON(nil, c.transport, c.port)
		if c.software == "" {
			if len(text) != 0 {
				t.Errorf("%d/%s: %s", c.port, c.transport, text)
			}
			continue
		}
		var list []struct{ Software, Use, Ports, Document, URL, Read string }
		if err := json.Unmarshal(text, &list); err != nil || len(list) == 0 || list[0].URL == "" || list[0].Read == "" || list[0].Use == "" {
			t.Errorf("%d/%s: %s: %v", c.port, c.transport, text, err)
		}
	}
}

func TestAtDoesNotAllocate(t *testing.T) {
	n := 0
	if allocs := testing.AllocsPerRun(10, func() {
		for e := range At(iana.UDP, 41641) {
			n += len(e.Software)
		}
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
