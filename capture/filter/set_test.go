package filter

import (
	"errors"
	"strings"
	"testing"

	"github.com/portannot/portannot/capture"
)

// setPackets are one TCP and one UDP packet to port 53 on several link types, in
// turn.
func setPackets(t *testing.T) []capture.Packet {
	ip := map[string]string{
		"tcp": "45000028000000004006 0000 0a000001 0a000002 c0000035 00000001 00000000 50020000 00000000",
		"udp": "4500001c000000004011 0000 0a000001 0a000002 c0000035 00080000",
	}
	var list []capture.Packet
	for _, link := range []struct {
		link   capture.LinkType
		header string
	}{{capture.LinkEthernet, "020000000001 020000000002 0800"}, {capture.LinkRaw, ""}, {capture.LinkLinuxSLL, "0000 0001 0006 020000000001 0000 0800"}} {
		for _, proto := range []string{"tcp", "udp"} {
			p := *packet(t, link.header, ip[proto])
			p.Link, p.Number = link.link, uint64(len(list)+1)
			list = append(list, p)
		}
	}
	return list
}

func TestSetOnSeveralLinkTypes(t *testing.T) {
	set, err := NewSet("udp dst port 53", Options{})
	if err != nil {
		t.Fatal(err)
	}
	packets := setPackets(t)
	for _, s := range []*Set{set, set.Clone(), set} { // programs are made, and found again
		for i := range packets {
			if ok, err := s.Match(&packets[i]); err != nil || ok != (i%2 == 1) {
				t.Errorf("packet %d, %v: %v, %v", i+1, packets[i].Link, ok, err)
			}
		}
	}
	if (*Set)(nil).Clone() != nil {
		t.Error("the clone of nil is a Set")
	}
}

func TestSetSelect(t *testing.T) {
	set, err := NewSet("udp", Options{})
	if err != nil {
		t.Fatal(err)
	}
	accepted, refused, err := set.Select(setPackets(t))
	if err != nil || refused != 3 || len(accepted) != 3 {
		t.Fatalf("%d accepted, %d refused, %v", len(accepted), refused, err)
	}
	for i, want := range []uint64{2, 4, 6} {
		if accepted[i].Number != want {
			t.Errorf("accepted %d is packet %d, want %d", i, accepted[i].Number, want)
		}
	}

	packets := setPackets(t)
	packets[4].Link = capture.LinkNFLOG
	accepted, refused, err = set.Select(packets)
	if !errors.Is(err, ErrLinkType) || !strings.Contains(err.Error(), "packet 5 of link type") {
		t.Errorf("error %v", err)
	}
	if len(accepted) != 2 || refused != 2 {
		t.Errorf("before the error %d accepted and %d refused, want 2 and 2", len(accepted), refused)
	}
}

// An expression that means something on one link type is no mistake; what is wrong
// on each says where.
func TestNewSet(t *testing.T) {
	for expr, wrong := range map[string]bool{
		"":                 false,
		"vlan 5 and tcp":   false, // on Ethernet
		"inbound":          false, // where the link layer records it
		"tcp prt 80":       true,
		"port nosuch":      true,
		"(tcp":             true,
		"host example.com": true,
	} {
		set, err := NewSet(expr, Options{})
		var syntax *SyntaxError
		if wrong != (err != nil) || wrong != errors.As(err, &syntax) || wrong != (set == nil) {
			t.Errorf("%q: %v", expr, err)
		}
	}
}

func TestSetServices(t *testing.T) {
	opt := Options{Services: func(name string) []Service {
		if name == "domain" {
			return []Service{{17, 53}}
		}
		return nil
	}}
	set, err := NewSet("port domain", opt)
	if err != nil {
		t.Fatal(err)
	}
	if accepted, _, err := set.Clone().Select(setPackets(t)); err != nil || len(accepted) != 3 {
		t.Errorf("%d accepted, %v", len(accepted), err)
	}
}

// A live capture gets the programs for the packet socket, and none for the link
// types on which the expression has no meaning.
func TestSetLive(t *testing.T) {
	set, err := NewSet("vlan 7", Options{})
	if err != nil {
		t.Fatal(err)
	}
	programs, err := set.Live(96)
	if err != nil {
		t.Fatal(err)
	}
	live, err := CompileLive("vlan 7", capture.LinkEthernet, 96)
	if err != nil {
		t.Fatal(err)
	}
	want, err := live.Raw()
	if err != nil {
		t.Fatal(err)
	}
	got := programs[capture.LinkEthernet]
	if len(got) != len(want) {
		t.Fatalf("%d instructions, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("instruction %d is %v, want %v", i, got[i], want[i])
		}
	}
	if _, ok := programs[capture.LinkPPP]; ok {
		t.Error("PPP has a program for vlan")
	}
}
