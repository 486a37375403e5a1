package portcache

import (
	"fmt"
	"testing"

	"github.com/portannot/portannot/annotate/iana"
)

// A cache gives what Write gives, on the first call and on later ones.
func TestCache(t *testing.T) {
	reg := iana.Embedded()
	for _, different := range []bool{false, true} {
		writes := 0
		write := func(dst []byte, e iana.Entry) []byte {
			if different {
				dst = fmt.Appendf(dst, "%d ", e.Port)
			}
			return fmt.Appendf(dst, "%s %s", e.Status, e.Name())
		}
		c := Cache{Different: different, Write: func(dst []byte, e iana.Entry) []byte { writes++; return write(dst, e) }}
		for range 2 {
			for _, transport := range []iana.Transport{iana.TCP, iana.DCCP, iana.NoTransport} {
				for _, port := range []uint16{0, 4, 80, 443, 8080, 49152, 65535} {
					e := reg.Lookup(transport, port)
					if got, want := string(c.Append([]byte("x"), &e)), "x"+string(write(nil, e)); got != want {
						t.Errorf("%s/%d: %q, want %q", transport, port, got, want)
					}
				}
			}
		}
		if writes != 3*7 {
			t.Errorf("%d texts were written for %d ports", writes, 3*7)
		}
	}
	var c Cache
	c.Write = func(dst []byte, e iana.Entry) []byte { return append(dst, e.Status.String()...) }
	for _, port := range []uint16{49152, 65535, 443} {
		e := reg.Lookup(iana.TCP, port)
		c.Append(nil, &e)
	}
	ids := c.IDs(iana.TCP)
	if ids[49152] == 0 || ids[49152] != ids[65535] || ids[443] == ids[49152] || ids[80] != 0 {
		t.Errorf("numbers of texts: %d %d %d %d", ids[49152], ids[65535], ids[443], ids[80])
	}
	if c.IDs(iana.UDP) != nil {
		t.Error("numbers of texts that were not asked for")
	}
}

// Editions keep what was made for a registry while it is among those used last.
func TestEditions(t *testing.T) {
	made := 0
	e := Editions[int]{New: func(*iana.Registry) *int { made++; n := made; return &n }}
	var regs []*iana.Registry
	for range maxEditions {
		regs = append(regs, new(iana.Registry))
	}
	for range 3 {
		for i, r := range regs {
			if got := *e.Of(r); got != i+1 || *e.Of(r) != got {
				t.Fatalf("registry %d: %d", i, got)
			}
		}
	}
	if got := *e.Of(nil); got != maxEditions+1 {
		t.Errorf("no registry: %d", got)
	}
	if got := *e.Of(regs[1]); got != 2 {
		t.Errorf("a registry that was in use: %d", got)
	}
	if got := *e.Of(regs[0]); got != maxEditions+2 {
		t.Errorf("the registry that was not used for longest: %d", got)
	}
}
