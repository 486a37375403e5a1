package review

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/review/rules"
)

// A capture at the edge of a network may have a service for every second flow,
// and then nearly all of the time goes into waiting for memory. So services lie
// in slabs, in the order in which they came, and are found by an index of one
// word each, which holds a part of the hash. That is one wait for the index and
// one for the service, and AddAll lets those of many flows go on at once.

// place is a key without pointers.
type place struct {
	hi, lo   uint64
	port     uint16
	protocol uint8
	bits     uint8 // of the address: 32 or 128
	zone     uint32
}

func (c *Collector) place(k Key) place {
	p := place{port: k.Port, protocol: k.Protocol, bits: 32}
	if k.Server.Is4() {
		a := k.Server.As4()
		p.lo = uint64(binary.BigEndian.Uint32(a[:]))
		return p
	}
	a := k.Server.As16()
	p.hi, p.lo, p.bits = binary.BigEndian.Uint64(a[:8]), binary.BigEndian.Uint64(a[8:]), 128
	if z := k.Server.Zone(); z != "" {
		id, ok := c.zones[z]
		if !ok {
			id = uint32(len(c.zones) + 1)
			c.zones[z] = id
		}
		p.zone = id
	}
	return p
}

// index finds services by their places, by open addressing.
type index struct {
	slots []uint64 // the hash's upper half, and the service's number plus one; 0 is free
	used  int
	seed  uint64 // of this collector alone, so that nobody can choose what collides
}

func newIndex() index { return index{slots: make([]uint64, 1<<10), seed: rand.Uint64() | 1} }

func (x *index) hash(p *place) uint64 {
	const a, b = 0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f
	h := (p.lo ^ x.seed) * a
	h ^= h>>32 ^ p.hi*b
	h = (h ^ uint64(p.port)<<16 ^ uint64(p.protocol)<<8 ^ uint64(p.bits) ^ uint64(p.zone)<<32) * (x.seed | 1)
	h ^= h >> 29
	h *= b
	return h ^ h>>32
}

// find gives the service of a place, nil when there is none.
func (c *Collector) find(p *place) *service {
	x := &c.index
	h := x.hash(p)
	mask := uint64(len(x.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		v := x.slots[i]
		if v == 0 {
			return nil
		}
		if v>>32 == h>>32 {
			if s := c.numbered(uint32(v) - 1); s.place == *p {
				return s
			}
		}
	}
}

// enter puts a service into the index, in which it is not yet.
func (c *Collector) enter(s *service, number uint32) {
	x := &c.index
	if x.used >= len(x.slots)/2 {
		c.reindex(2 * len(x.slots))
		return // of all, this one too
	}
	x.put(x.hash(&s.place), number)
}

func (x *index) put(h uint64, number uint32) {
	mask := uint64(len(x.slots) - 1)
	i := h & mask
	for x.slots[i] != 0 {
		i = (i + 1) & mask
	}
	x.slots[i] = h>>32<<32 | uint64(number+1)
	x.used++
}

// reindex makes the index anew, with so many slots.
func (c *Collector) reindex(slots int) {
	x := &c.index
	x.slots, x.used = make([]uint64, slots), 0
	c.each(func(s *service) { x.put(x.hash(&s.place), s.number) })
}

// Slabs have room for slabSize services each.
const (
	slabBits = 8
	slabSize = 1 << slabBits
)

func (c *Collector) numbered(n uint32) *service { return &c.slabs[n>>slabBits][n&(slabSize-1)] }

// each goes through the services in the order in which they came, but for those
// that have the room of one that was folded.
func (c *Collector) each(f func(*service)) {
	for i := range c.slabs {
		slab := c.slabs[i]
		for j := range slab {
			if s := &slab[j]; s.taken() {
				f(s)
			}
		}
	}
}

// taken reports a service, and not the room for one.
func (s *service) taken() bool { return s.place.bits != 0 }

// newRoom gives an empty service, which stays where it is.
func (c *Collector) newRoom() *service {
	if n := len(c.free); n > 0 {
		number := c.free[n-1]
		c.free = c.free[:n-1]
		s := c.numbered(number)
		*s = service{number: number, expect: s.expect, ruled: s.ruled}
		if c.opt.Policy != nil {
			*s.expect = expectations{}
		}
		if c.firewall != nil {
			*s.ruled = ruled{}
		}
		return s
	}
	if c.laid == len(c.slabs)*slabSize {
		c.slabs = append(c.slabs, c.newSlab())
	}
	s := c.numbered(uint32(c.laid))
	s.number = uint32(c.laid)
	c.laid++
	return s
}

// newSlab makes room for services, with what the policy and the rules say of them.
func (c *Collector) newSlab() []service {
	slab := make([]service, slabSize)
	for i := range slab {
		slab[i].expect, slab[i].ruled = &unasked, &unruled
	}
	if c.opt.Policy != nil {
		all := make([]expectations, slabSize)
		for i := range slab {
			slab[i].expect = &all[i]
		}
	}
	if c.firewall != nil {
		all := make([]ruled, slabSize)
		for i := range slab {
			slab[i].ruled = &all[i]
		}
	}
	return slab
}

// Expect reserves memory for the services of this many further flows.
func (c *Collector) Expect(flows int) {
	want := min(flows/2, c.opt.MaxServices)
	slots := len(c.index.slots)
	for slots < 2*want {
		slots *= 2
	}
	if slots > len(c.index.slots) {
		c.reindex(slots)
	}
}

// warmed is how many flows AddAll looks up together.
const warmed = 64

// AddAll adds flows as Add does, but faster. If refs is not nil, it must be as long
// as flows, and the Ref of each flow is stored in it.
func (c *Collector) AddAll(flows []Flow, annotations []annotate.Annotation, refs []Ref) {
	for from := 0; from < len(flows); from += warmed {
		to := min(from+warmed, len(flows))
		c.warm(flows[from:to], annotations[from:to])
		for i := from; i < to; i++ {
			ref := c.Add(&flows[i], &annotations[i])
			if refs != nil {
				refs[i] = ref
			}
		}
	}
}

// warm reads what adding will need, all of it at once.
func (c *Collector) warm(flows []Flow, annotations []annotate.Annotation) {
	var slots [warmed]uint64
	mask := uint64(len(c.index.slots) - 1)
	for i := range flows {
		f := &flows[i]
		server := f.Destination
		if annotations[i].Service.Side == annotate.Source {
			server = f.Source
		}
		p := c.place(Key{server.Addr(), f.Protocol, server.Port()})
		slots[i] = c.index.slots[c.index.hash(&p)&mask]
	}
	sum := uint64(0)
	for _, v := range slots[:len(flows)] {
		if v != 0 {
			s := c.numbered(uint32(v) - 1)
			sum += s.flows + uint64(s.states[0]) + uint64(s.clients.buf[0].flows) + s.expect.flows[expected] + s.ruled.flows[rules.Allow]
		}
	}
	c.warmth += sum // so that it is not left out
}
