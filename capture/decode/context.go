package decode

import "github.com/portannot/portannot/capture/packet"

// contextCache remembers the numbers of contexts seen, since nearly all
// packets repeat one: without it each would take a lock and hash 140 octets.
type contextCache [64]struct {
	ctx packet.Context
	id  uint32
}

// context gives the number of the context that the walk stands in.
func (d *Decoder) context() uint32 {
	id, _ := d.lookup()
	return id
}

// lookup is context; ok is false for one that has no number yet and may not be
// given one here.
func (f *front) lookup() (id uint32, ok bool) {
	c := &f.ctx
	if c.NumVLANs == 0 && c.Depth == 0 {
		return 0, true
	}
	if c.NumVLANs == 1 && c.Depth == 0 {
		if id = f.contexts.VLAN(c.VLANs[0]); id == 0 {
			return f.number()
		}
		return id, true
	}
	h := uint32(c.NumVLANs)<<8 | uint32(c.Depth)
	for _, v := range c.VLANs[:c.NumVLANs] {
		h = h*31 + uint32(v)
	}
	for i := range c.Depth {
		h = h*31 + c.ID[i] + uint32(c.Path[i])
	}
	if c.OuterVersion != 0 {
		for _, b := range c.Outer[0] {
			h = h*31 + uint32(b)
		}
		for _, b := range c.Outer[1] {
			h = h*31 + uint32(b)
		}
	}
	s := &f.cache[(h^h>>16)%uint32(len(f.cache))]
	if s.id == 0 || s.ctx != *c {
		if id, ok = f.number(); !ok {
			return 0, false
		}
		s.ctx, s.id = *c, id
	}
	return s.id, true
}

// number asks for the number of the context.
func (f *front) number() (id uint32, ok bool) {
	if f.sealed {
		return f.contexts.Find(f.ctx)
	}
	return f.contexts.Intern(f.ctx), true
}

// pushVLAN enters a VLAN, and says whether there was room for it. The
// priority bits are no part of the network. Identifier 0 is a priority tag,
// which is in no VLAN (IEEE 802.1Q table 9-2).
func (f *front) pushVLAN(tci uint16) bool {
	id := tci & 0xfff
	if id == 0 {
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
	d.ctx.Outer = [2][16]byte{h.src, h.dst}
	if string(h.src[:]) > string(h.dst[:]) {
		d.ctx.Outer = [2][16]byte{h.dst, h.src}
	}
	d.ctx.OuterVersion = h.version
	return true
}
