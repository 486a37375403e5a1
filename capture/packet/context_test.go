package packet

import (
	"sync"
	"testing"
)

func vlan(ids ...uint16) (c Context) {
	c.NumVLANs = uint8(copy(c.VLANs[:], ids))
	return c
}

// TestContexts: several goroutines number contexts, and each has one number.
func TestContexts(t *testing.T) {
	all := []Context{vlan(1), vlan(4095), vlan(1, 2), vlan(2, 1),
		{Depth: 1, Path: [MaxDepth]Tunnel{VXLAN}, ID: [MaxDepth]uint32{7}}}
	for i := range uint16(500) {
		tunnel := vlan(i + 2)
		tunnel.Depth, tunnel.Path[0] = 1, GRE
		all = append(all, vlan(i+2), tunnel)
	}
	var cs Contexts
	if _, ok := cs.Find(all[0]); ok || cs.VLAN(1) != 0 {
		t.Error("found before there was one")
	}
	var wait sync.WaitGroup
	for g := range 4 {
		wait.Go(func() {
			for i := range all {
				c := all[(i*7+g*100)%len(all)]
				id := cs.Intern(c)
				if got, ok := cs.Find(c); !ok || got != id || *cs.Get(id) != c {
					t.Errorf("%+v: number %d, found %d %v, which is %+v", c, id, got, ok, *cs.Get(id))
				}
			}
		})
	}
	wait.Wait()
	seen := map[uint32]Context{}
	for _, c := range all {
		id := cs.Intern(c)
		if other, ok := seen[id]; ok && other != c || id == 0 || int(id) > len(all) {
			t.Errorf("%+v has the number %d of %+v", c, id, other)
		}
		seen[id] = c
	}
	if id := cs.VLAN(0x2000 | 4095); id != cs.Intern(vlan(4095)) {
		t.Errorf("VLAN gives %d", id)
	}
	if zero := cs.Intern(Context{}); zero != 0 || *cs.Get(0) != (Context{}) || *cs.Get(1 << 30) != (Context{}) {
		t.Error("the zero context has a number")
	}
}
