package decode

import "github.com/portannot/portannot/capture/packet"

// fragmentTTL is for how long the fragments of a datagram are kept together,
// in nanoseconds of packet time: the reassembly time-out of RFC 8200 section
// 4.5 and the upper value of RFC 1122 section 3.3.2.
const fragmentTTL = 60e9

// fragmentKey tells fragmented datagrams apart: RFC 791 section 3.2 and, with
// protocol 0, RFC 8200 section 4.5; and the network they were seen in.
type fragmentKey struct {
	src, dst [16]byte
	id       uint32
	context  packet.Context
	version  uint8
	protocol uint8
}

// fragmented is one datagram of which some fragment has been seen.
type fragmented struct {
	key      fragmentKey
	time     int64 // of its newest fragment seen
	state    fragmentState
	protocol uint8 // state firstSeen: of the transport
	srcPort  uint16
	dstPort  uint16
	held     int32 // index+1 of the fragment that came last before the first; 0 is none
	queued   bool  // in use
}

type fragmentState uint8

const (
	waiting   fragmentState = iota // the first fragment has not been seen
	firstSeen                      // its ports are known
	portless                       // it has no ports
)

// heldFragment is a later fragment that came before the first. Only its
// summary is kept, so its size is known.
type heldFragment struct {
	summary packet.Summary
	counted bool  // its packet counts as NoFirst for its sake
	next    int32 // index+1 of the one before it, or of the next free one
}

// fragments remembers fragmented datagrams: a ring of them, the oldest of
// which makes room for a new one, and a pool of held fragments.
type fragments struct {
	index   map[fragmentKey]int32
	ring    []fragmented
	next    int // where the next new datagram goes
	held    []heldFragment
	free    int32 // index+1 of the first free held
	numHeld int
	fresh   []int32 // index+1 of those held by the packet at hand
	limit   int
}

func (f *fragments) init(limit int) { f.limit = limit }

// lookup gives the entry of key, or nil. now is the packet's time.
func (f *fragments) lookup(key *fragmentKey, now int64) *fragmented {
	i, ok := f.index[*key]
	if !ok {
		return nil
	}
	e := &f.ring[i]
	if d := now - e.time; d > fragmentTTL || d < -fragmentTTL {
		f.drop(e)
		return nil
	}
	return e
}

// add makes an entry for key, which has none.
func (f *fragments) add(key *fragmentKey, now int64) *fragmented {
	if f.index == nil {
		f.index = make(map[fragmentKey]int32)
	}
	if len(f.ring) < f.limit && f.next == len(f.ring) {
		f.ring = append(f.ring, fragmented{})
	}
	i := f.next
	f.next++
	if f.next == f.limit {
		f.next = 0
	}
	e := &f.ring[i]
	if e.queued {
		f.drop(e)
	}
	*e = fragmented{key: *key, time: now, queued: true}
	f.index[*key] = int32(i)
	return e
}

// drop forgets a datagram; fragments held for it stay counted as NoFirst.
func (f *fragments) drop(e *fragmented) {
	delete(f.index, e.key)
	for e.held != 0 {
		e.held = f.release(e.held)
	}
	e.queued = false
}

// hold keeps a copy of s for e, and says whether there was room.
func (f *fragments) hold(e *fragmented, s *packet.Summary) bool {
	i := f.free
	switch {
	case i != 0:
		f.free = f.held[i-1].next
	case len(f.held) < f.limit:
		f.held = append(f.held, heldFragment{})
		i = int32(len(f.held))
	default:
		return false
	}
	f.held[i-1] = heldFragment{summary: *s, next: e.held}
	e.held = i
	f.fresh = append(f.fresh, i)
	f.numHeld++
	return true
}

// release gives a held fragment's place back, and the one after it.
func (f *fragments) release(i int32) (next int32) {
	h := &f.held[i-1]
	next, h.next = h.next, f.free
	f.free = i
	f.numHeld--
	return next
}

func (h *ipHeader) fragmentKey() fragmentKey {
	k := fragmentKey{src: h.src, dst: h.dst, id: h.id, version: h.version, protocol: h.fragProtocol}
	if h.context != nil {
		k.context = *h.context
	}
	return k
}

// firstFragment takes the ports of a first fragment, and emits the later ones
// that came before it. s is the first's summary, the newest one.
func (d *Decoder) firstFragment(h *ipHeader, s *packet.Summary) {
	key := h.fragmentKey()
	h.more = false // an inner header must not be taken for it
	e := d.frags.lookup(&key, d.p.Time)
	if e == nil {
		e = d.frags.add(&key, d.p.Time)
	}
	e.time, e.state = d.p.Time, firstSeen
	e.protocol, e.srcPort, e.dstPort = s.Protocol, s.SrcPort, s.DstPort
	if e.held == 0 {
		return
	}
	start := len(d.out)
	for e.held != 0 {
		held := &d.frags.held[e.held-1]
		sum := held.summary
		sum.Protocol, sum.SrcPort, sum.DstPort = e.protocol, e.srcPort, e.dstPort
		d.out = append(d.out, sum)
		if held.counted {
			d.counts[NoFirst]--
			d.counts[Decoded]++
		}
		e.held = d.frags.release(e.held)
	}
	// The list is newest first.
	for i, j := start, len(d.out)-1; i < j; i, j = i+1, j-1 {
		d.out[i], d.out[j] = d.out[j], d.out[i]
	}
}

// firstFragmentNoPorts notes that a datagram has no ports: its later
// fragments have none either, and none waits.
func (d *Decoder) firstFragmentNoPorts(h *ipHeader) {
	key := h.fragmentKey()
	e := d.frags.lookup(&key, d.p.Time)
	if e == nil {
		e = d.frags.add(&key, d.p.Time)
	}
	e.time, e.state = d.p.Time, portless
	for e.held != 0 {
		if d.frags.held[e.held-1].counted {
			d.counts[NoFirst]--
			d.counts[NoPorts]++
		}
		e.held = d.frags.release(e.held)
	}
}

// laterFragment finds the flow of a fragment that has no ports of its own.
// offset is its own, in bytes.
func (d *Decoder) laterFragment(h *ipHeader, offset uint32, o layerData) Result {
	key := h.fragmentKey()
	e := d.frags.lookup(&key, d.p.Time)
	if e != nil && e.state == portless {
		e.time = d.p.Time
		return NoPorts
	}
	s := packet.Summary{
		Time:       d.p.Time,
		Number:     d.p.Number,
		Src:        h.src,
		Dst:        h.dst,
		IPVersion:  h.version,
		Kind:       packet.Fragment,
		Context:    h.context,
		Interface:  d.p.InterfaceName,
		ID:         h.ipID,
		Sequence:   offset,
		FrameLen:   uint32(max(int(d.p.Length), len(d.p.Data))),
		IPLen:      h.length,
		PayloadLen: uint32(o.n),
	}
	if e == nil {
		e = d.frags.add(&key, d.p.Time)
	}
	e.time = d.p.Time
	if e.state == waiting {
		d.frags.hold(e, &s)
		return NoFirst
	}
	s.Protocol, s.SrcPort, s.DstPort = e.protocol, e.srcPort, e.dstPort
	d.out = append(d.out, s)
	return Decoded
}

// count enters the result of the packet at hand. A packet held for its first
// fragment moves to another count once that comes, so it must be known which
// of them count as NoFirst: a packet with another header to count by does
// not, and one with several such fragments (802.11 aggregates frames) does once.
func (d *Decoder) count(r Result) {
	d.counts[r]++
	if r == NoFirst && len(d.frags.fresh) > 0 {
		d.frags.held[d.frags.fresh[0]-1].counted = true
	}
	d.frags.fresh = d.frags.fresh[:0]
}
