package decode

import "github.com/portannot/portannot/capture/packet"

// contextCache remembers contexts seen, since nearly all packets repeat one:
// without it each would allocate its own.
type contextCache [512]*packet.Context

// context gives the context that the walk stands in, nil outside all.
func (f *front) context() *packet.Context {
	c := &f.ctx
	if c.NumVLANs == 0 && c.Depth == 0 {
		return nil
	}
	if c.NumVLANs == 1 && c.Depth == 0 {
		return packet.VLAN(c.VLANs[0])
	}
	h := c.Hash()
	known := &f.cache[(h^h>>32)%uint64(len(f.cache))]
	if *known == nil || **known != *c {
		fresh := *c
		*known = &fresh
	}
	return *known
}

// pushVLAN enters a VLAN, and says whether there was room for it. The
// priority bits are no part of the network. Identifier 0 is a priority tag,
// which is in no VLAN (IEEE 802.1Q table 9-2).
func (f *front) pushVLAN(tci uint16) bool {
	id := tci & 0xfff
	if id == 0 || f.ignore&IgnoreVLAN != 0 {
		return true
	}
	if f.ctx.NumVLANs == packet.MaxDepth {
		return false
	}
	f.ctx.VLANs[f.ctx.NumVLANs] = id
	f.ctx.NumVLANs++
	return true
}

// pushTunnel enters a tunnel that has an identifier, or needs none, and says
// whether the depth allowed it.
func (d *Decoder) pushTunnel(t packet.Tunnel, id uint32) bool {
	if int(d.ctx.Depth) >= d.opt.MaxDepth {
		return false
	}
	if id != 0 && d.ignore&ignoreID(t) != 0 {
		id = 0
	}
	d.ctx.Path[d.ctx.Depth] = t
	d.ctx.ID[d.ctx.Depth] = id
	d.ctx.Depth++
	return true
}

// pushEnds enters a tunnel that only its two ends tell from others.
func (d *Decoder) pushEnds(t packet.Tunnel, h *ipHeader) bool {
	if !d.pushTunnel(t, 0) {
		return false
	}
	if d.ignore&IgnoreEnds != 0 {
		return true
	}
	d.ctx.Outer = [2][16]byte{h.src, h.dst}
	if string(h.src[:]) > string(h.dst[:]) {
		d.ctx.Outer = [2][16]byte{h.dst, h.src}
	}
	d.ctx.OuterVersion = h.version
	return true
}
