package edition

import (
	"slices"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate/iana"
)

// rec makes a record for a range of ports.
func rec(t iana.Transport, first, last uint16, name, description string) iana.Record {
	return iana.Record{Name: name, Ports: iana.Span{First: first, Last: last}, HasPort: true, Transport: t, Description: description}
}

func TestCheck(t *testing.T) {
	reg := makeRegistry(t,
		rec(iana.TCP, 1, 1, "a_b", "x"),
		rec(iana.TCP, 1, 1, "", "Reserved"),
		rec(iana.UDP, 2, 2, "", "what is this"),
		rec(iana.UDP, 3, 3, "", ""),
		rec(iana.NoTransport, 10, 20, "", "Unassigned"),
		rec(iana.NoTransport, 15, 15, "a", ""),
		rec(iana.SCTP, 15, 15, "b", ""),
		rec(iana.SCTP, 15, 15, "c", ""),
		rec(iana.TCP, 50000, 50000, "x", ""),
		rec(iana.TCP, 49000, 65535, "y", ""),
	)
	var got []string
	for _, p := range Check(reg) {
		got = append(got, p.String())
	}
	want := []string{
		"15: overlap: 15 a hides 10-20 Unassigned",
		"15/sctp: overlap: 15/sctp b hides 15 a, 10-20 Unassigned",
		"1/tcp: conflict: 1/tcp a_b and 1/tcp Reserved",
		"49000-65535/tcp: dynamic-record: ports from 49152 up are never assigned",
		"50000/tcp: dynamic-record: ports from 49152 up are never assigned",
		`2/udp: unclassified: description "what is this" without a name`,
		"3/udp: unclassified: neither name nor description",
		`1/tcp: malformed-name: name "a_b": a character that is not a letter, digit or hyphen`,
		"15/sctp: several-names: b, c",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

func TestCheckNothing(t *testing.T) {
	if list := Check(new(iana.Registry)); list != nil {
		t.Errorf("%v", list)
	}
}

// The overlaps of the embedded edition.
func TestCheckOverlaps(t *testing.T) {
	var got []string
	for _, p := range Check(iana.Embedded()) {
		if p.Kind == Overlap {
			got = append(got, p.String())
		}
	}
	want := []string{
		"7775/tcp: overlap: 7775/tcp inetfs hides 7748-7776 Unassigned",
		"7775/udp: overlap: 7775/udp Reserved hides 7748-7776 Unassigned",
		"7776: overlap: 7776 Unassigned hides 7748-7776 Unassigned",
		"7997/tcp: overlap: 7997/tcp pushns hides 7983-7997 Unassigned",
		"7997/udp: overlap: 7997/udp Reserved hides 7983-7997 Unassigned",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
}
