package decode

import (
	"testing"

	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/packet"
)

// TestIgnore: a mirror writes something else for each direction. Only where that is
// ignored do an answer, an ICMP error and a later fragment have the context of what
// they belong to.
func TestIgnore(t *testing.T) {
	question := ip4frag("192.0.2.1", "192.0.2.2", packet.UDP, 7, more, udp(2000, 53, make([]byte, 16)))
	rest := ip4frag("192.0.2.1", "192.0.2.2", packet.UDP, 7, 3, make([]byte, 8))
	answer := ip4frag("192.0.2.2", "192.0.2.1", packet.UDP, 0, 0, udp(53, 2000, nil))
	refusal := ip4frag("192.0.2.2", "192.0.2.1", 1, 0, 0, cat(hx("0303 0000 00000000"), question[:28]))
	vlan := func(id int) func([]byte) []byte {
		return func(p []byte) []byte { return ether(0x8100, cat(u16(id), hx("0800"), p)) }
	}
	qinq := func(id int) func([]byte) []byte {
		return func(p []byte) []byte { return ether(0x88a8, cat(hx("0005 8100"), u16(id), hx("0800"), p)) }
	}
	vxlan := func(vni int) func([]byte) []byte {
		return func(p []byte) []byte {
			return ether(0x0800, ip4(17, udp(50000, 4789, cat(hx("08000000"), u32(uint32(vni)<<8), ether(0x0800, p)))))
		}
	}
	geneve := func(vni int) func([]byte) []byte {
		return func(p []byte) []byte {
			return ether(0x0800, ip4(17, udp(50000, 6081, cat(hx("0000 0800"), u32(uint32(vni)<<8), p))))
		}
	}
	gre := func(key int) func([]byte) []byte {
		return func(p []byte) []byte { return ether(0x0800, ip4(47, cat(hx("2000 0800"), u32(uint32(key)), p))) }
	}
	pppoe := func(session int) func([]byte) []byte {
		return func(p []byte) []byte {
			return ether(0x8864, cat(hx("1100"), u16(session), u16(len(p)+2), hx("0021"), p))
		}
	}
	ipip := func(from string) func([]byte) []byte {
		return func(p []byte) []byte { return ether(0x0800, ip4frag(from, hostB, 4, 0, 0, p)) }
	}
	for _, c := range []struct {
		name     string
		ignore   Ignore
		out, way func([]byte) []byte // back
	}{
		{"vlan", IgnoreVLAN, vlan(10), vlan(11)},
		{"stacked vlan", IgnoreVLAN, qinq(10), qinq(11)},
		{"a tag one way", IgnoreVLAN, vlan(10), func(p []byte) []byte { return ether(0x0800, p) }},
		{"vxlan", IgnoreVNI, vxlan(10), vxlan(11)},
		{"geneve", IgnoreVNI, geneve(10), geneve(11)},
		{"gre", IgnoreKey, gre(10), gre(11)},
		{"pppoe", IgnorePPPoE, pppoe(10), pppoe(11)},
		{"ends", IgnoreEnds, ipip(hostA), ipip("10.0.0.9")},
	} {
		for _, ignore := range []Ignore{0, c.ignore, IgnoreAll &^ c.ignore, IgnoreAll} {
			d := New(Options{Tunnels: Inner, Ignore: ignore})
			n := uint64(0)
			decode := func(b []byte) (s packet.Summary, ok bool) {
				n++
				list, _ := d.Decode(nil, &capture.Packet{Number: n, Link: 1, Length: uint32(len(b)), Data: b})
				for _, s := range list {
					if s.DstPort == 53 || s.SrcPort == 53 {
						return s, true
					}
				}
				return s, false
			}
			first, _ := decode(c.out(question))
			back, _ := decode(c.way(answer))
			quoted, _ := decode(c.way(refusal))
			_, found := decode(c.way(rest))
			want := ignore&c.ignore != 0
			same := func(s packet.Summary) bool { return s.Context.Hash() == first.Context.Hash() }
			if same(back) != want || same(quoted) != want || found != want || quoted.Kind != packet.Quoted {
				t.Errorf("%s, ignoring %q: answer %v, error %v, fragment %v, want %v", c.name, ignore, same(back), same(quoted), found, want)
			}
		}
	}
}

func TestIgnoreNames(t *testing.T) {
	var all Ignore
	for _, name := range IgnoreNames() {
		i, err := ParseIgnore(name)
		if err != nil || name != "all" && i.String() != name {
			t.Errorf("%q: %q, %v", name, i, err)
		}
		all |= i
	}
	if all != IgnoreAll || all.String() != "vlan,vni,gre-key,pppoe,ends" {
		t.Errorf("all is %q", all)
	}
	if _, err := ParseIgnore("vlans"); err == nil {
		t.Error("an unknown name is accepted")
	}
}
