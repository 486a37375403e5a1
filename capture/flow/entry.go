package flow

import (
	"encoding/binary"
	"math/bits"
	"net/netip"

	"github.com/portannot/portannot/capture/packet"
)

// A key names a flow's two endpoints in numeric order, so that both directions
// give the same key. Ports, protocol and the number of the context, see contexts,
// share the last words: the number has 24 bits.

// key4 is 16 bytes: address, port and protocol of end 0, address and port of
// end 1, the context split over the rest. It is a struct and not an array, for
// only then the compiler keeps it in registers.
type key4 struct{ lo, hi uint64 }

// key6 is 40 bytes: the address words of both ends, then the rest.
type key6 [5]uint64

// seeds make the hash of a run its own, so that nobody can prepare packets
// whose flows all fall into one place of the index.
type seeds [4]uint64

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// locate4 makes the keys of those summaries of a batch that are of IPv4. The
// direction is 0 when the source is end 0; it does not branch on the order of the
// ends, which nobody can predict.
func (t *Table) locate4(sums []packet.Summary, which []uint8) []located[key4] {
	tb, sd := &t.v4, &t.seeds
	for n, i := range which {
		s, l := &sums[i], &tb.batch[n%batchSize]
		a := uint64(binary.BigEndian.Uint32(s.Src[:4]))<<16 | uint64(s.SrcPort)
		b := uint64(binary.BigEndian.Uint32(s.Dst[:4]))<<16 | uint64(s.DstPort)
		_, greater := bits.Sub64(b, a, 0)
		c := t.contexts.number(s.Context)
		lo := min(a, b) | uint64(s.Protocol)<<48 | uint64(c>>16&0xff)<<56
		hi := max(a, b) | uint64(c&0xffff)<<48
		h := uint32(mix(lo^sd[0], hi^sd[1]))
		l.key = key4{lo, hi}
		l.hash, l.sum, l.dir = h, i, uint8(greater)
	}
	return tb.batch[:len(which)]
}

// locate6 does the same for IPv6.
func (t *Table) locate6(sums []packet.Summary, which []uint8) []located[key6] {
	tb, sd := &t.v6, &t.seeds
	for n, i := range which {
		s, l := &sums[i], &tb.batch[n%batchSize]
		a0, a1 := binary.BigEndian.Uint64(s.Src[:8]), binary.BigEndian.Uint64(s.Src[8:])
		b0, b1 := binary.BigEndian.Uint64(s.Dst[:8]), binary.BigEndian.Uint64(s.Dst[8:])
		sp, dp := uint64(s.SrcPort), uint64(s.DstPort)
		_, c := bits.Sub64(dp, sp, 0)
		_, c = bits.Sub64(b1, a1, c)
		_, greater := bits.Sub64(b0, a0, c)
		swap := -greater // all ones or none
		x0, x1, xp := (a0^b0)&swap, (a1^b1)&swap, (sp^dp)&swap
		a0, a1, b0, b1 = a0^x0, a1^x1, b0^x0, b1^x1
		p := (sp^xp)<<48 | (dp^xp)<<32 | uint64(s.Protocol)<<24 | uint64(t.contexts.number(s.Context)&0xffffff)
		h := uint32(mix(mix(a0^sd[0], a1^sd[1])^p^sd[3], mix(b0^sd[1], b1^sd[2])^sd[0]))
		l.key = key6{a0, a1, b0, b1, p}
		l.hash, l.sum, l.dir = h, i, uint8(greater)
	}
	return tb.batch[:len(which)]
}

func (k *key4) ends() (a, b netip.AddrPort, protocol uint8, context uint32) {
	var x, y [4]byte
	binary.BigEndian.PutUint32(x[:], uint32(k.lo>>16))
	binary.BigEndian.PutUint32(y[:], uint32(k.hi>>16))
	return netip.AddrPortFrom(netip.AddrFrom4(x), uint16(k.lo)), netip.AddrPortFrom(netip.AddrFrom4(y), uint16(k.hi)),
		uint8(k.lo >> 48), contextOf(k)
}

func (k *key6) ends() (a, b netip.AddrPort, protocol uint8, context uint32) {
	var x, y [16]byte
	binary.BigEndian.PutUint64(x[:8], k[0])
	binary.BigEndian.PutUint64(x[8:], k[1])
	binary.BigEndian.PutUint64(y[:8], k[2])
	binary.BigEndian.PutUint64(y[8:], k[3])
	return netip.AddrPortFrom(netip.AddrFrom16(x), uint16(k[4]>>48)), netip.AddrPortFrom(netip.AddrFrom16(y), uint16(k[4]>>32)),
		uint8(k[4] >> 24), contextOf(k)
}

// contextOf gives the number of the context in a key.
func contextOf[K comparable](key *K) uint32 {
	switch k := any(key).(type) {
	case *key4:
		return uint32(k.lo>>56)<<16 | uint32(k.hi>>48)
	case *key6:
		return uint32(k[4] & 0xffffff)
	}
	return 0
}

// entry is the part of a flow's account that every packet touches. With key4 it
// is 64 bytes, one cache line. It holds no pointer, so the collector has nothing
// to scan. What few packets touch stands in its rest, and what few flows need in
// Table.extras.
type entry[K comparable] struct {
	key K
	// By canonical direction: index 0 is sent by end 0 of the key.
	packets [2]uint32
	// What does not fit in these goes to the extra; see add.
	ipBytes  [2]uint32
	overhead [2]int32 // bytes of frames less ipBytes; a forged length may make it negative
	last     [2]int64 // latest time; minTime before the first packet of that direction
	flags    [2]uint8
	events   [2]event
	dir0     uint8 // canonical direction of the first packet; above it, interfaceBits
	opening  opening
	end      EndReason // EndNone while the flow is in the index
	marks    marks
}

// rest is the part of a flow's account that few packets touch.
type rest struct {
	first    [2]int64  // earliest time; maxTime before the first packet of that direction
	number   uint64    // of the first packet
	order    uint64    // of the account among all: one packet can begin several
	sequence [2]uint32 // of the opening that way, or of the acceptance
	hash     uint32
	extra    uint32 // index of its Table.extras plus one; 0 for none
}

// latest gives the time of the latest packet.
func (e *entry[K]) latest() int64 { return max(e.last[0], e.last[1]) }

// earliest gives the time of the earliest packet.
func (r *rest) earliest() int64 { return min(r.first[0], r.first[1]) }

// count adds one packet to entry i, with those of its events that count.
func count[K comparable](t *Table, tb *table[K], i uint32, dir uint8, s *packet.Summary, ev event) {
	e := tb.at(i)
	dir &= 1
	// A time that is not before the last one cannot be before the first.
	if s.Time < e.last[dir] || e.packets[dir] == 0 {
		r := tb.restOf(i)
		r.first[dir] = min(r.first[dir], s.Time)
	}
	e.last[dir] = max(e.last[dir], s.Time)
	e.packets[dir]++
	bytes, over, fit := e.sums(dir, s)
	if !fit {
		x := t.extraOf(&tb.restOf(i).extra)
		x.ipBytes[dir] += bytes
		x.overhead[dir] += over
		bytes, over = 0, 0
	}
	e.ipBytes[dir], e.overhead[dir] = uint32(bytes), int32(over)
	if e.marks&(markDone<<dir) == 0 && s.PayloadLen != 0 {
		keep(t, tb, i, dir, s)
	}
	if s.HasPPID {
		t.notePPIDs(&tb.restOf(i).extra, s)
	}
	if ev&(evOpen|evAccept) != 0 {
		e.noteNumbers(tb.restOf(i), dir, s, ev)
		if ev&evOpen != 0 && s.PayloadLen > 0 && s.Protocol == packet.TCP {
			t.extraOf(&tb.restOf(i).extra).opening = s.PayloadLen
		}
	}
	e.note(dir, s.TCPFlags, ev)
}

// noteNumbers notes the numbers of an opening or acceptance.
func (e *entry[K]) noteNumbers(r *rest, dir uint8, s *packet.Summary, ev event) {
	if ev&evOpen != 0 || e.events[dir]&evOpen == 0 {
		r.sequence[dir] = s.Sequence
		e.events[dir] |= evKnown
	}
	if ev&evAccept == 0 {
		return
	}
	if e.events[dir^1]&evKnown == 0 {
		// The number that the opening must have had.
		r.sequence[dir^1] = s.Ack
		if s.Protocol == packet.TCP {
			r.sequence[dir^1]--
		}
		e.events[dir^1] |= evKnown
	}
	if e.opening&openConfirmed == 0 {
		// Whatever refused the same opening before, it is accepted now.
		e.events[0] &^= evAbort
		e.events[1] &^= evAbort
	}
}

// sums gives the bytes of a direction with one packet more, and whether the entry
// has room for them.
func (e *entry[K]) sums(dir uint8, s *packet.Summary) (bytes uint64, over int64, fit bool) {
	bytes = uint64(e.ipBytes[dir&1]) + uint64(s.IPLen)
	over = int64(e.overhead[dir&1]) + int64(s.FrameLen) - int64(s.IPLen)
	return bytes, over, bytes>>32 == 0 && over == int64(int32(over))
}

// note notes what a packet says of the connection.
func (e *entry[K]) note(dir, flags uint8, ev event) {
	e.flags[dir&1] |= flags
	e.events[dir&1] |= ev
	e.opening = e.opening.learn(dir, ev)
}

// extra is what only some flows have.
type extra struct {
	ipBytes  [2]uint64 // beyond those of the entry
	overhead [2]int64  // likewise
	icmp     ICMPError
	ppids    [MaxPPIDs]uint32
	numPPIDs uint8
	rejected bool
	iface    uint16 // number of the interface, where that does not fit entry.dir0
	opening  uint32 // bytes of payload in the TCP opening
	// What an earlier part of the flow has handed on; see past. part is 0 in the
	// first one.
	part   uint32
	over   bool
	time   int64
	repeat uint32 // how many flows before have the same ends and start
	aside  aside
	strays tally // what was set aside and began nothing
}

// fill writes the account as a Flow.
func (e *entry[K]) fill(t *Table, f *Flow, a, b netip.AddrPort, protocol uint8, context *packet.Context, r *rest, x *extra) {
	d := e.dir0 & 1
	if d == 1 {
		a, b = b, a
	}
	*f = Flow{}
	f.Number, f.Source, f.Destination, f.Protocol, f.Context, f.End = r.number, a, b, protocol, context, e.end
	if e.end == EndNone && t.ended {
		f.End = EndInput
	}
	e.counters(&f.Forward, d, r, x)
	e.counters(&f.Reverse, d^1, r, x)
	rejected, inherited := false, e.opening&openInherited != 0
	f.Interface = t.interfaces.at(uint16(e.dir0 >> 1))
	f.Part = 1
	start, repeat := r.earliest(), uint32(0)
	if x != nil {
		f.ICMP, f.PPIDs, rejected = x.icmp, x.ppids[:x.numPPIDs], x.rejected
		if x.iface != 0 {
			f.Interface = t.interfaces.at(x.iface)
		}
		repeat = x.repeat
		x.aside.addTo(&f.Forward, d)
		x.aside.addTo(&f.Reverse, d^1)
		x.strays.addTo(&f.Forward, d)
		x.strays.addTo(&f.Reverse, d^1)
		if x.part != 0 {
			f.Part, start = x.part, x.time
			inherited = inherited && !x.over
		}
	}
	f.ID = identifier(&e.key, context, start, repeat)
	o := e.opening
	f.State = stateOf(protocol, [2]event{e.events[d], e.events[d^1]}, [2]uint64{f.Forward.Packets, f.Reverse.Packets}, rejected, inherited)
	switch s := o & (openServerA | openServerB); {
	case s == 0 || s == openServerA|openServerB:
		return
	case (s == openServerA) == (d == 0):
		f.Opening.Server = Source
	default:
		f.Opening.Server = Destination
	}
	f.Opening.Accept = o&openByAccept != 0
	f.Opening.Confirmed = o&openConfirmed != 0
	f.Opening.Inherited = o&openInherited != 0
}

// identifier makes Flow.ID. The number of the context, which differs by run, is left
// out.
func identifier[K comparable](key *K, context *packet.Context, start int64, repeat uint32) uint64 {
	const a, b = 0x9e3779b97f4a7c15, 0x6a09e667f3bcc909 // as in packet.Context.Hash
	h := uint64(repeat)
	if context != nil {
		h ^= context.Hash()
	}
	switch k := any(key).(type) {
	case *key4:
		h = mix(h^uint64(start)^a, k.lo&(1<<56-1)^b)
		h = mix(h^a, k.hi&(1<<48-1)^b)
	case *key6:
		h = mix(h^uint64(start)^a, k[0]^b)
		h = mix(h^k[1]^a, k[2]^b)
		h = mix(h^k[3]^a, k[4]&^0xffffff^b)
	}
	return h
}

// counters writes what one direction carried into zeroed Counters.
func (e *entry[K]) counters(c *Counters, d uint8, r *rest, x *extra) {
	d &= 1
	if e.packets[d] == 0 {
		return
	}
	bytes, over := uint64(e.ipBytes[d]), int64(e.overhead[d])
	if x != nil {
		bytes, over = bytes+x.ipBytes[d], over+x.overhead[d]
	}
	c.Packets, c.IPBytes, c.FrameBytes = uint64(e.packets[d]), bytes, uint64(int64(bytes)+over)
	c.First, c.Last, c.TCPFlags = r.first[d], e.last[d], e.flags[d]
}
