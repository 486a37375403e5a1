package flow

import (
	"encoding/binary"
	"math/bits"
	"net/netip"

	"github.com/portannot/portannot/capture/packet"
)

// A key names a flow's two endpoints in numeric order, so that both directions
// give the same key. Ports, protocol and context share the last words: the
// context has 24 bits, which packet.MaxContexts stays well below.

// key4 is 16 octets: address, port and protocol of end 0, address and port of
// end 1, the context split over the rest.
type key4 [2]uint64

// key6 is 40 octets: the address words of both ends, then the rest.
type key6 [5]uint64

// seeds make the hash of a run its own, so that nobody can prepare packets
// whose flows all fall into one place of the index.
type seeds [4]uint64

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// keyOf4 gives the key, its hash, and the direction: 0 when the source is end
// 0. It does not branch on the order of the ends, which nobody can predict.
func keyOf4(s *packet.Summary, sd *seeds) (k key4, h uint32, dir uint8) {
	a := uint64(binary.BigEndian.Uint32(s.Src[:4]))<<16 | uint64(s.SrcPort)
	b := uint64(binary.BigEndian.Uint32(s.Dst[:4]))<<16 | uint64(s.DstPort)
	_, greater := bits.Sub64(b, a, 0)
	k[0] = min(a, b) | uint64(s.Protocol)<<48 | uint64(s.Context>>16&0xff)<<56
	k[1] = max(a, b) | uint64(s.Context&0xffff)<<48
	return k, uint32(mix(k[0]^sd[0], k[1]^sd[1])), uint8(greater)
}

func keyOf6(s *packet.Summary, sd *seeds) (k key6, h uint32, dir uint8) {
	a0, a1 := binary.BigEndian.Uint64(s.Src[:8]), binary.BigEndian.Uint64(s.Src[8:])
	b0, b1 := binary.BigEndian.Uint64(s.Dst[:8]), binary.BigEndian.Uint64(s.Dst[8:])
	sp, dp := uint64(s.SrcPort), uint64(s.DstPort)
	_, c := bits.Sub64(dp, sp, 0)
	_, c = bits.Sub64(b1, a1, c)
	_, greater := bits.Sub64(b0, a0, c)
	swap := -greater // all ones or none
	x0, x1, xp := (a0^b0)&swap, (a1^b1)&swap, (sp^dp)&swap
	k = key6{a0 ^ x0, a1 ^ x1, b0 ^ x0, b1 ^ x1, (sp^xp)<<48 | (dp^xp)<<32 | uint64(s.Protocol)<<24 | uint64(s.Context&0xffffff)}
	return k, uint32(mix(mix(k[0]^sd[0], k[1]^sd[1])^k[4]^sd[3], mix(k[2]^sd[1], k[3]^sd[2])^sd[0])), uint8(greater)
}

func (k *key4) ends() (a, b netip.AddrPort, protocol uint8, context uint32) {
	var x, y [4]byte
	binary.BigEndian.PutUint32(x[:], uint32(k[0]>>16))
	binary.BigEndian.PutUint32(y[:], uint32(k[1]>>16))
	return netip.AddrPortFrom(netip.AddrFrom4(x), uint16(k[0])), netip.AddrPortFrom(netip.AddrFrom4(y), uint16(k[1])),
		uint8(k[0] >> 48), uint32(k[0]>>56)<<16 | uint32(k[1]>>48)
}

func (k *key6) ends() (a, b netip.AddrPort, protocol uint8, context uint32) {
	var x, y [16]byte
	binary.BigEndian.PutUint64(x[:8], k[0])
	binary.BigEndian.PutUint64(x[8:], k[1])
	binary.BigEndian.PutUint64(y[:8], k[2])
	binary.BigEndian.PutUint64(y[8:], k[3])
	return netip.AddrPortFrom(netip.AddrFrom16(x), uint16(k[4]>>48)), netip.AddrPortFrom(netip.AddrFrom16(y), uint16(k[4]>>32)),
		uint8(k[4] >> 24), uint32(k[4] & 0xffffff)
}

// entry is the account of one flow. It holds no pointer, so the collector has
// nothing to scan, and with key4 it is 128 octets: two cache lines. What few
// flows need stands in Table.extras.
type entry[K comparable] struct {
	key K
	// What every packet touches, by canonical direction: index 0 is sent by
	// end 0 of the key.
	packets    [2]uint32
	ipBytes    [2]uint64
	frameBytes [2]uint64
	last       [2]int64 // minTime before the first packet of that direction
	flags      [2]uint8
	events     [2]event
	dir0       uint8 // canonical direction of the first packet
	opening    opening
	end        EndReason // EndNone while the flow is in the index
	used       bool
	// What few packets touch.
	first    [2]int64 // maxTime before the first packet of that direction
	number   uint64   // of the first packet
	order    uint64   // of the account among all: one packet can begin several
	sequence [2]uint32
	hash     uint32
	extra    uint32 // index of its Table.extras plus one; 0 for none
}

// latest gives the time of the latest packet.
func (e *entry[K]) latest() int64 { return max(e.last[0], e.last[1]) }

// earliest gives the time of the earliest packet.
func (e *entry[K]) earliest() int64 { return min(e.first[0], e.first[1]) }

// count adds one packet.
func (e *entry[K]) count(s *packet.Summary, dir uint8) {
	dir &= 1
	e.first[dir] = min(e.first[dir], s.Time)
	e.last[dir] = max(e.last[dir], s.Time)
	e.packets[dir]++
	e.ipBytes[dir] += uint64(s.IPLen)
	e.frameBytes[dir] += uint64(s.FrameLen)
	if s.Kind != packet.Datagram || s.Protocol == packet.UDP {
		return
	}
	e.flags[dir] |= s.TCPFlags
	ev := eventsOf(s)
	if ev&^(e.events[dir]&^(evOpen|evAccept)) == 0 && (e.opening == 0 || e.opening&openConfirmed != 0) {
		return // nothing new: the common case of an established connection
	}
	e.events[dir] |= ev
	if ev&evOpen != 0 {
		e.sequence[dir] = s.Sequence
	}
	e.opening = e.opening.learn(dir, ev)
}

// reopens reports whether s opens a new connection on an account that an
// earlier one has ended. A retransmitted opening, which repeats its sequence
// number or initiate tag, does not.
func (e *entry[K]) reopens(s *packet.Summary, dir uint8) bool {
	return (e.events[0]|e.events[1])&(evEnd|evAbort) != 0 &&
		!(e.events[dir]&evOpen != 0 && e.sequence[dir] == s.Sequence)
}

// over reports whether the connection was ended by both ends, or aborted.
func (e *entry[K]) over() bool {
	return e.events[0]&e.events[1]&evEnd != 0 || (e.events[0]|e.events[1])&evAbort != 0
}

// extra is what only some flows have.
type extra struct {
	icmp     ICMPError
	ppids    [MaxPPIDs]uint32
	numPPIDs uint8
	rejected bool
}

// fill writes the account as a Flow.
func (e *entry[K]) fill(f *Flow, a, b netip.AddrPort, protocol uint8, context uint32, x *extra) {
	if e.dir0 == 1 {
		a, b = b, a
	}
	d := e.dir0 & 1
	*f = Flow{Number: e.number, Source: a, Destination: b, Protocol: protocol, Context: context,
		Forward: e.counters(d), Reverse: e.counters(d ^ 1), End: e.end}
	rejected := false
	if x != nil {
		f.ICMP, f.PPIDs, rejected = x.icmp, x.ppids[:x.numPPIDs], x.rejected
	}
	o := e.opening
	f.State = stateOf(protocol, [2]event{e.events[d], e.events[d^1]}, [2]uint64{f.Forward.Packets, f.Reverse.Packets}, rejected, o&openInherited != 0)
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

func (e *entry[K]) counters(d uint8) Counters {
	if e.packets[d] == 0 {
		return Counters{}
	}
	return Counters{Packets: uint64(e.packets[d]), IPBytes: e.ipBytes[d], FrameBytes: e.frameBytes[d],
		First: e.first[d], Last: e.last[d], TCPFlags: e.flags[d]}
}
