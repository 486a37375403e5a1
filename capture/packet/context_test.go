package packet

import "testing"

func tagged(ids ...uint16) (c Context) {
	c.NumVLANs = uint8(copy(c.VLANs[:], ids))
	return c
}

func TestVLAN(t *testing.T) {
	for _, tci := range []uint16{1, 4095, 0xe001, 0x2000 | 4095} {
		c := VLAN(tci)
		if *c != tagged(tci&0xfff) {
			t.Errorf("VLAN(%#x): %+v", tci, *c)
		}
		if VLAN(tci) != c {
			t.Errorf("VLAN(%#x): another pointer the second time", tci)
		}
	}
	if c := VLAN(0xe000); c != nil {
		t.Errorf("a priority tag is in VLAN %+v", *c)
	}
}

func TestHash(t *testing.T) {
	a, b := [16]byte{1}, [16]byte{2}
	all := []Context{tagged(1), tagged(4095), tagged(1, 2), tagged(2, 1), tagged(1, 0),
		{Depth: 1, Path: [MaxDepth]Tunnel{VXLAN}, ID: [MaxDepth]uint32{7}},
		{Depth: 1, Path: [MaxDepth]Tunnel{GENEVE}, ID: [MaxDepth]uint32{7}},
		{Depth: 1, Path: [MaxDepth]Tunnel{GRE}, Outer: [2][16]byte{a, b}, OuterVersion: 4},
		{Depth: 1, Path: [MaxDepth]Tunnel{GRE}, Outer: [2][16]byte{a, b}, OuterVersion: 6},
		{Depth: 1, Path: [MaxDepth]Tunnel{GRE}, Outer: [2][16]byte{a, a}, OuterVersion: 4},
		{Depth: 2, Path: [MaxDepth]Tunnel{GRE}, Outer: [2][16]byte{a, b}, OuterVersion: 4}}
	for i := range uint16(2000) {
		all = append(all, tagged(i+2), tagged(7, i, 3))
	}
	seen := map[uint64]Context{0: {}}
	for _, c := range all {
		d := c
		if c.Hash() != d.Hash() {
			t.Errorf("%+v: two hashes", c)
		}
		if other, ok := seen[c.Hash()]; ok && other != c {
			t.Errorf("%+v and %+v have one hash", c, other)
		}
		seen[c.Hash()] = c
	}
	var none *Context
	if none.Hash() != 0 || new(Context).Hash() != 0 {
		t.Error("the zero Context has a hash")
	}
}

func TestContextString(t *testing.T) {
	gre := Context{Depth: 2, Path: [MaxDepth]Tunnel{VXLAN, GRE}, ID: [MaxDepth]uint32{42}, Outer: [2][16]byte{{192, 0, 2, 1}, {192, 0, 2, 2}}, OuterVersion: 4}
	both := gre
	both.NumVLANs, both.VLANs[0], both.VLANs[1] = 2, 30, 31
	for want, c := range map[string]*Context{
		"":                                 nil,
		"vlan 7":                           VLAN(7),
		"vxlan:42/gre 192.0.2.1 192.0.2.2": &gre,
		"vlan 30, vlan 31, vxlan:42/gre 192.0.2.1 192.0.2.2": &both,
	} {
		if got := c.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
