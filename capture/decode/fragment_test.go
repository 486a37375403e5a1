package decode

import (
	"slices"
	"strings"
	"testing"

	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/packet"
)

const more = 0x2000

// fragments6 builds an IPv6 fragment at an offset in units of 8 bytes.
func ip6frag(next, id, offset int, more bool, payload []byte) []byte {
	field := offset << 3
	if more {
		field |= 1
	}
	return ip6(44, cat([]byte{byte(next), 0}, u16(field), u32(uint32(id)), payload))
}

type feeder struct {
	d *Decoder
	n uint64
}

func newFeeder(opt Options) *feeder {
	return &feeder{d: New(opt)}
}

// at decodes a packet at a time in seconds and gives result, flows and the
// numbers of their packets.
func (f *feeder) at(seconds int64, b []byte) string {
	f.n++
	s, r := f.d.Decode(nil, &capture.Packet{Time: seconds * 1e9, Number: f.n, Link: 101, Length: uint32(len(b)), Data: b})
	parts := []string{r.String()}
	for _, s := range s {
		parts = append(parts, ports(uint16(s.Number))+": "+flow(s))
	}
	return strings.Join(parts, "; ")
}

func (f *feeder) check(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %s, want %s", what, got, want)
	}
}

func TestFragmentsInOrder(t *testing.T) {
	f := newFeeder(Options{})
	whole := udp(1000, 53, make([]byte, 40))
	f.check(t, "first", f.at(0, ip4frag(hostA, hostB, 17, 7, more, whole[:24])), "decoded; 1: udp 10.0.0.1:1000 10.0.0.2:53 -")
	f.check(t, "second", f.at(0, ip4frag(hostA, hostB, 17, 7, more|3, whole[24:32])), "decoded; 2: udp 10.0.0.1:1000 10.0.0.2:53 - fragment")
	f.check(t, "last", f.at(0, ip4frag(hostA, hostB, 17, 7, 4, whole[32:])), "decoded; 3: udp 10.0.0.1:1000 10.0.0.2:53 - fragment")
	for name, b := range map[string][]byte{
		"another identification": ip4frag(hostA, hostB, 17, 8, 4, whole[32:]),
		"another protocol":       ip4frag(hostA, hostB, 6, 7, 4, whole[32:]),
		"the other direction":    ip4frag(hostB, hostA, 17, 7, 4, whole[32:]),
	} {
		f.check(t, name, f.at(0, b), "fragment without its first")
	}
	if c := f.d.Counts(); c[Decoded] != 3 || c[NoFirst] != 3 || f.d.Pending() != 3 {
		t.Errorf("counts %v, pending %d", c, f.d.Pending())
	}
}

func TestFragmentsOutOfOrder(t *testing.T) {
	f := newFeeder(Options{})
	whole := udp(1000, 53, make([]byte, 40))
	f.check(t, "last", f.at(5, ip4frag(hostA, hostB, 17, 7, 4, whole[32:])), "fragment without its first")
	f.check(t, "second", f.at(6, ip4frag(hostA, hostB, 17, 7, more|3, whole[24:32])), "fragment without its first")
	if c := f.d.Counts(); c[NoFirst] != 2 || f.d.Pending() != 2 {
		t.Errorf("while waiting: counts %v, pending %d", c, f.d.Pending())
	}
	f.check(t, "first", f.at(7, ip4frag(hostA, hostB, 17, 7, more, whole[:24])),
		"decoded; 3: udp 10.0.0.1:1000 10.0.0.2:53 -; 1: udp 10.0.0.1:1000 10.0.0.2:53 - fragment; 2: udp 10.0.0.1:1000 10.0.0.2:53 - fragment")
	if c := f.d.Counts(); c[Decoded] != 3 || c[NoFirst] != 0 || f.d.Pending() != 0 {
		t.Errorf("at the end: counts %v, pending %d", c, f.d.Pending())
	}
}

// TestReleasedFragment: it has the time, number and lengths of its own packet,
// and no payload.
func TestReleasedFragment(t *testing.T) {
	d := New(Options{})
	late := ip4frag(hostA, hostB, 17, 7, 3, make([]byte, 11))
	d.Decode(nil, &capture.Packet{Time: 5, Number: 41, Link: 101, Length: 100, Data: late})
	for i := range late {
		late[i] = 0xff // the reader uses the memory again
	}
	first := ip4frag(hostA, hostB, 17, 7, more, udp(1000, 53, make([]byte, 16)))
	s, _ := d.Decode(nil, &capture.Packet{Time: 6, Number: 42, Link: 101, Data: first})
	if len(s) != 2 {
		t.Fatalf("%d summaries", len(s))
	}
	g := s[1]
	if g.Time != 5 || g.Number != 41 || g.FrameLen != 100 || g.IPLen != 31 || g.PayloadLen != 11 || g.Payload != nil || g.Kind != packet.Fragment ||
		g.Src != key(hostA) || g.Dst != key(hostB) {
		t.Errorf("%+v", g)
	}
}

func TestFragmentsIPv6(t *testing.T) {
	f := newFeeder(Options{})
	// The first fragment has another extension header before the ports, and so
	// another next header than the rest need have.
	first := cat(hx("1100 0104 00000000"), udp(1000, 53, make([]byte, 16)))
	f.check(t, "late", f.at(0, ip6frag(17, 7, 4, false, make([]byte, 8))), "fragment without its first")
	f.check(t, "first", f.at(0, ip6frag(60, 7, 0, true, first)),
		"decoded; 2: udp [2001:db8::1]:1000 [2001:db8::2]:53 -; 1: udp [2001:db8::1]:1000 [2001:db8::2]:53 - fragment")
	f.check(t, "later", f.at(0, ip6frag(60, 7, 5, false, make([]byte, 8))), "decoded; 3: udp [2001:db8::1]:1000 [2001:db8::2]:53 - fragment")
}

// TestFragmentsExpire: identifications are used again.
func TestFragmentsExpire(t *testing.T) {
	f := newFeeder(Options{})
	first, last := ip4frag(hostA, hostB, 17, 7, more, udp(1000, 53, nil)), ip4frag(hostA, hostB, 17, 7, 1, make([]byte, 8))
	f.at(0, first)
	f.check(t, "after 60 s", f.at(60, last), "decoded; 2: udp 10.0.0.1:1000 10.0.0.2:53 - fragment")
	f.check(t, "61 s after that", f.at(121, last), "fragment without its first")
	f.check(t, "a first much later", f.at(500, first), "decoded; 4: udp 10.0.0.1:1000 10.0.0.2:53 -")
	if c := f.d.Counts(); c[NoFirst] != 1 || f.d.Pending() != 0 {
		t.Errorf("counts %v, pending %d", c, f.d.Pending())
	}
}

// TestFragmentsWithoutPorts: the rest of an echo request waits for nothing.
func TestFragmentsWithoutPorts(t *testing.T) {
	f := newFeeder(Options{})
	f.check(t, "IPv4", f.at(0, ip4frag(hostA, hostB, 1, 7, 4, make([]byte, 8))), "IP protocol without ports")
	f.check(t, "IPv6, before the first", f.at(0, ip6frag(58, 7, 4, false, make([]byte, 8))), "fragment without its first")
	f.check(t, "IPv6, first", f.at(0, ip6frag(58, 7, 0, true, hx("8000000000010001"))), "IP protocol without ports")
	f.check(t, "IPv6, behind the first", f.at(0, ip6frag(58, 7, 4, false, make([]byte, 8))), "IP protocol without ports")
	if c := f.d.Counts(); c[NoPorts] != 4 || c.Read() != 4 || f.d.Pending() != 0 {
		t.Errorf("counts %v, pending %d", c, f.d.Pending())
	}
}

// TestFragmentedIPIP: the header that carries has no ports, so its later
// fragments have none.
func TestFragmentedIPIP(t *testing.T) {
	f := newFeeder(Options{})
	f.check(t, "first", f.at(0, ip6frag(4, 7, 0, true, inner)), "decoded; 1: "+innerFlow+"ipip")
	f.check(t, "later", f.at(0, ip6frag(4, 7, 5, false, make([]byte, 8))), "IP protocol without ports")
}

// TestFragmentedTunnel: the fragments of a datagram that carries another count
// to the outer flow, and none is held for the inner one.
func TestFragmentedTunnel(t *testing.T) {
	f := newFeeder(Options{})
	vx := udp(50000, 4789, cat(hx("08000000 00004d00"), ether(0x0800, inner), make([]byte, 5)))
	f.check(t, "first", f.at(0, ip4frag(hostA, hostB, 17, 7, more, vx[:64])),
		"decoded; 1: udp 10.0.0.1:50000 10.0.0.2:4789 -; 1: "+innerFlow+"vxlan:77")
	f.check(t, "last", f.at(0, ip4frag(hostA, hostB, 17, 7, 8, vx[64:])), "decoded; 2: udp 10.0.0.1:50000 10.0.0.2:4789 - fragment")
	// A fragment inside a tunnel: its packet counts by the outer header.
	frag := func(offset int, b []byte) []byte {
		return ip4(17, udp(50000, 4789, cat(hx("08000000 00004d00"), ether(0x0800, ip4frag("192.0.2.1", "192.0.2.2", 17, 9, offset, b)))))
	}
	f.check(t, "inner last", f.at(0, frag(1, make([]byte, 8))), "decoded; 3: udp 10.0.0.1:50000 10.0.0.2:4789 -")
	f.check(t, "inner first", f.at(0, frag(more, udp(2000, 53, nil))),
		"decoded; 4: udp 10.0.0.1:50000 10.0.0.2:4789 -; 4: "+innerFlow+"vxlan:77; 3: "+innerFlow+"vxlan:77 fragment")
	if c := f.d.Counts(); c[Decoded] != 4 || c.Read() != 4 {
		t.Errorf("counts %v", c)
	}
}

// TestFragmentsBounded: a flood of fragments costs bounded memory, forgets the
// oldest, and loses no packet from the counts.
func TestFragmentsBounded(t *testing.T) {
	const limit = 16
	f := newFeeder(Options{MaxFragments: limit})
	for id := range 1000 {
		f.at(0, ip4frag(hostA, hostB, 17, id, 1, make([]byte, 8)))
		f.at(0, ip4frag(hostA, hostB, 17, id, 2, make([]byte, 8)))
	}
	if n := len(f.d.frags.held); n > limit {
		t.Errorf("%d held", n)
	}
	if n := len(f.d.frags.ring); n > limit {
		t.Errorf("%d datagrams", n)
	}
	if n := len(f.d.frags.index); n > limit {
		t.Errorf("%d in the index", n)
	}
	if n := f.d.Pending(); n > limit || n == 0 {
		t.Errorf("%d pending", n)
	}
	if c := f.d.Counts(); c[NoFirst] != 2000 {
		t.Errorf("counts %v", c)
	}
	pending := f.d.Pending()
	got := f.at(0, ip4frag(hostA, hostB, 17, 999, more, udp(1000, 53, nil)))
	if n := strings.Count(got, "fragment"); n == 0 || f.d.Pending() != pending-n || f.d.Counts()[NoFirst] != uint64(2000-n) {
		t.Errorf("%s; %v", got, f.d.Counts())
	}
	f.check(t, "an old one", f.at(0, ip4frag(hostA, hostB, 17, 1, more, udp(1000, 53, nil))), "decoded; 2002: udp 10.0.0.1:1000 10.0.0.2:53 -")
}

// TestAggregatedFragments: a wireless frame with two fragments of datagrams
// whose first are missing is one packet, and moves once.
func TestAggregatedFragments(t *testing.T) {
	part := func(id int) []byte {
		b := snap(0x0800, ip4frag(hostA, hostB, 17, id, 1, make([]byte, 8)))
		return cat(make([]byte, 12), u16(len(b)), b, make([]byte, -(14+len(b))&3))
	}
	d := New(Options{})
	frame := cat(hx("8801 0000"), make([]byte, 20), hx("8000"), part(1), part(2))
	if _, r := d.Decode(nil, &capture.Packet{Number: 1, Link: 105, Data: frame}); r != NoFirst || d.Pending() != 2 {
		t.Fatalf("%v, %d pending", r, d.Pending())
	}
	for id := 1; id <= 2; id++ {
		d.Decode(nil, &capture.Packet{Number: uint64(1 + id), Link: 101, Data: ip4frag(hostA, hostB, 17, id, more, udp(1, 2, nil))})
	}
	if c := d.Counts(); c[Decoded] != 3 || c[NoFirst] != 0 || c.Read() != 3 {
		t.Errorf("counts %v", c)
	}
}

// TestFragmentsOracle compares with a slow tracker: every fragment of a
// datagram whose first comes within the time counts once to its flow.
func TestFragmentsOracle(t *testing.T) {
	f := newFeeder(Options{})
	got := map[string]int{}
	want := map[string]int{}
	seed := uint32(1)
	random := func(n int) int {
		seed = seed*1664525 + 1013904223
		return int(seed>>8) % n
	}
	type piece struct {
		id, offset int
		last       bool
	}
	var pieces []piece
	for id := range 200 {
		n := 2 + random(4)
		for i := range n {
			if i == 0 && id%5 == 0 {
				continue // its first is lost
			}
			pieces = append(pieces, piece{id, i, i == n-1})
			if id%5 != 0 {
				want[ports(uint16(1000+id))]++
			}
		}
	}
	for i := range pieces {
		j := random(len(pieces))
		pieces[i], pieces[j] = pieces[j], pieces[i]
	}
	var numbers []uint64
	for _, p := range pieces {
		field := p.offset
		if !p.last {
			field |= more
		}
		b := make([]byte, 8)
		if p.offset == 0 {
			b = udp(1000+p.id, 53, nil)
		}
		f.n++
		s, _ := f.d.Decode(nil, &capture.Packet{Number: f.n, Link: 101, Data: ip4frag(hostA, hostB, 17, p.id, field, b)})
		for _, s := range s {
			got[ports(s.SrcPort)]++
			numbers = append(numbers, s.Number)
		}
	}
	for k := range want {
		if got[k] != want[k] {
			t.Errorf("port %s: %d fragments, want %d", k, got[k], want[k])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d flows, want %d", len(got), len(want))
	}
	slices.Sort(numbers)
	if len(slices.Compact(numbers)) != len(numbers) {
		t.Error("a fragment counted twice")
	}
	if c := f.d.Counts(); c[Decoded] != uint64(len(numbers)) || c.Read() != f.n || int(c[NoFirst]) != f.d.Pending() {
		t.Errorf("counts %v, pending %d", c, f.d.Pending())
	}
}
